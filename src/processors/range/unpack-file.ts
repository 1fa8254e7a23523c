import { rm } from 'node:fs/promises';
import type { Packing } from '../../core/plan.js';
import { unpacked } from '../../formats/packing/packing.js';
import type { ByteSource } from '../../stores/port.js';
import type { ThreadContext } from './context.js';
import { PartWriter } from './part-writer.js';

/**
 * What is in a packed file, as a private file that is gone when it is closed: only there its records can be read from any
 * place. It lies beside the work area, because memory may be too small for it.
 * @param check throws where the work is to stop
 */
export async function unpackFile(
  { work }: ThreadContext,
  source: ByteSource,
  packing: Packing,
  label: string,
  check: () => void,
): Promise<ByteSource> {
  const path = await work.scratchFile('unpacked');
  const writer = new PartWriter(path);
  try {
    for await (const block of unpacked(source, packing, label)) {
      check();
      writer.write(block);
    }
  } catch (error) {
    writer.discard();
    throw error;
  }
  writer.close();
  const file = await work.openScratch(path);
  return {
    ...file,
    async close() {
      await file.close();
      await rm(path, { force: true });
    },
  };
}
