import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../helpers/engine.js';
import type { Engine } from '../helpers/engine.js';
import { testCli } from '../helpers/temporal-server.js';

const run = promisify(execFile);
let engine: Engine;
beforeAll(async () => {
  engine = await startEngine('temporal-cli');
});
afterAll(() => engine.stop());

/** The real `temporal` command; there is no API in this test. */
async function temporal(...args: string[]): Promise<string> {
  const { address, namespace } = engine.config.temporal;
  const where = ['--address', address!, '--namespace', namespace!];
  return (await run(testCli()!, [...args, ...where])).stdout;
}

describe.skipIf(testCli() === undefined)('the temporal command line alone', () => {
  it('starts a job from its spec, waits for it and describes it', async () => {
    const spec = {
      name: 'from-the-command-line',
      source: { items: [{ n: 1 }, { n: 2 }] },
      process: { use: 'sql', with: { map: 'select sum(n)::int n from chunk' } },
      sink: { uri: engine.at('cli.csv') },
    };
    const file = await engine.write('spec.json', JSON.stringify(spec));
    const id = `cli-${Date.now()}`;
    const common = ['--workflow-id', id];
    const type = ['--type', 'processDataset', '--task-queue', engine.config.taskQueue];
    await temporal('workflow', 'start', ...type, ...common, '--input-file', file);
    const result = JSON.parse(await temporal('workflow', 'result', ...common, '--output', 'json')) as {
      result: unknown;
    };
    expect(result).toMatchObject({ status: 'COMPLETED', result: { state: 'completed', counts: { in: 2, out: 1 } } });
    expect(await engine.read('cli.csv')).toBe('n\n3\n');

    const text = await temporal('workflow', 'describe', ...common);
    expect(text).toMatch(/MillraceName\S*\s*.*from-the-command-line/);
    expect(text).toMatch(/MillraceProcessor\S*\s*.*sql/);
    expect(text).toMatch(/MillraceState\S*\s*.*completed/);

    const details = await temporal('workflow', 'metadata', ...common);
    expect(details).toContain('chunks 1 / 1');
    const listed = await temporal(
      'workflow',
      'list',
      '--query',
      `WorkflowId = '${id}' AND MillraceState = 'completed'`,
      '--output',
      'json',
    );
    expect(JSON.parse(listed)).toHaveLength(1);
  });
});

describe.skipIf(testCli() === undefined)('the temporal command line, while a job runs', () => {
  it('pauses it, changes it and lets it go on', async () => {
    const items = Array.from({ length: 20 }, (_, n) => ({ n }));
    const options = { chunk: { rows: 1 }, concurrency: 1 };
    const { id, handle } = await engine.start({
      source: { items },
      process: { use: 'slow', with: { ms: 50 } },
      options,
    });
    const update = async (name: string, ...input: string[]) =>
      temporal('workflow', 'update', 'execute', '--workflow-id', id, '--name', name, ...input);
    expect(await update('pause', '--input', '"by hand"')).toContain('by hand');
    expect(await update('set', '--input', '{"concurrency": 3, "rate": {"chunks": "50/s"}}')).toContain('chunks:50');
    await expect(update('set', '--input', '{"concurrency": 0}')).rejects.toThrow('wanted a whole number from 1');
    await update('resume');
    expect((await handle.result()).counts.out).toBe(20);
  });
});

describe('a bad spec that came past the API', () => {
  const items = [{ n: 1 }];
  const sql = (map: string) => ({ source: { items }, process: { use: 'sql', with: { map } } });
  const long = 'x'.repeat(20);

  it.each([
    ['no spec', null, 'spec.invalid', 'job spec: wanted an object, found null'],
    ['an unknown key', { ...sql('from chunk'), sinks: 1 }, 'spec.invalid', /sinks/],
    [
      'a key of a later version',
      { ...sql('from chunk'), options: { order: 'any' } },
      'spec.unsupported',
      /options\.order/,
    ],
    [
      'an unknown processor',
      { source: { items }, process: { use: long } },
      'processor.unknown',
      /no processor "x+" on this worker; it has "sql"/,
    ],
    [
      'bad parameters',
      { source: { items }, process: { use: 'slow', with: { ms: 'x' } } },
      'processor.bad_params',
      /"slow"/,
    ],
    ['no SELECT', sql('drop table chunk'), 'sql.not_a_select', /wanted one SELECT/],
    ['an unknown column', sql('select m from chunk'), 'sql.invalid', /"m"/],
    [
      'a file beyond the roots',
      { source: { uri: '/etc/passwd', format: 'csv' }, process: { use: 'pass' } },
      'path.outside_root',
      /passwd/,
    ],
    [
      'a sink beyond the roots',
      { ...sql('from chunk'), sink: { uri: '/tmp/out.csv' } },
      'path.outside_root',
      /out\.csv/,
    ],
    [
      'items of another job',
      { source: { itemsKey: 'other/items.ndjson' }, process: { use: 'pass' } },
      'spec.invalid',
      /itemsKey/,
    ],
  ])('fails its workflow with a stable code: %s', async (_, spec, code, message) => {
    const failed = await engine.fail(spec);
    expect(failed.code).toBe(code);
    expect(failed.message).toMatch(message);
    expect(await engine.workOf(failed.id)).toEqual(['ended.json']);
  });
});
