import type { Manifest } from '../src/core/job.js';
import { keys } from '../src/core/receipt.js';
import type { SinkStore, WorkArea } from '../src/stores/port.js';

/**
 * Whether what stands at the sink is what a former run of this very job published there, byte for byte: a retry may
 * replace that, even where it may replace nothing else. Known by the manifests in the work area, which nobody else writes.
 */
export async function ownFormerOutput(
  { files, work }: { files: SinkStore; work: WorkArea },
  job: string,
  generation: number,
  target: string,
): Promise<boolean> {
  for (let former = generation - 1; former >= 0; former--) {
    const text = await work.tryRead(keys.manifest(job, former));
    if (text && (await isThere(files, target, text))) return true;
  }
  return false;
}

async function isThere(files: SinkStore, target: string, text: Buffer): Promise<boolean> {
  const { output, parts } = JSON.parse(text.toString()) as Manifest;
  if (output.uri !== target) return false;
  if (!output.single) {
    const names = [...parts.map(({ uri }) => uri.slice(target.length)), 'manifest.json'].sort();
    if (JSON.stringify(await files.names(target)) !== JSON.stringify(names)) return false;
  }
  for (const { uri, sha256 } of parts) {
    if ((await files.digest(uri))?.sha256 !== sha256) return false;
  }
  return true;
}
