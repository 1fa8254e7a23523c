import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../../helpers/engine.js';
import type { Engine } from '../../helpers/engine.js';

let engine: Engine;
let file: string;
let text: string;
const BAD = [3, 40, 41, 160, 399];
const RECORDS = 400;

beforeAll(async () => {
  engine = await startEngine('rejects');
  const lines = Array.from({ length: RECORDS }, (_, i) =>
    BAD.includes(i) ? `${i},broken ${i}` : `${i},"first\nsecond ü",${i}`,
  );
  text = ['id,note,n', ...lines, ''].join('\n');
  file = await engine.write('some-bad.csv', text);
});
afterAll(() => engine.stop());

const processes = [
  ['a processor', { use: 'pass' }],
  ['sql', { use: 'sql', with: { map: 'select * from chunk' } }],
] as const;
const job = (process: unknown, rejects: unknown, chunk: unknown = { bytes: 500 }) => ({
  source: { uri: file },
  process,
  options: { rejects, chunk },
});

describe.each(processes)('rejects of %s', (_, process) => {
  it.each([
    ['one chunk', 'auto'],
    ['many chunks', { bytes: 500 }],
  ])('are kept with their place in the file, over %s', async (_chunks, chunk) => {
    const { state, counts, rejected, rejects } = await engine.run(job(process, { action: 'quarantine' }, chunk));
    expect(state).toBe('completed_with_rejects');
    expect(counts).toEqual({
      in: RECORDS,
      used: RECORDS - BAD.length,
      filtered: 0,
      rejected: BAD.length,
      out: RECORDS - BAD.length,
    });
    expect(rejects?.records).toBe(BAD.length);
    const bytes = Buffer.from(text);
    for (const [i, reject] of rejected.entries()) {
      const id = BAD[i]!;
      expect(reject).toMatchObject({
        code: 'row.column_count',
        source: file,
        raw: `${id},broken ${id}`,
        record: id + 1,
      });
      const { offset, line, raw } = reject;
      expect(bytes.subarray(offset!, offset! + raw.length).toString()).toBe(raw);
      expect(text.split('\n')[line! - 1]).toBe(raw);
    }
    expect(rejected).toHaveLength(BAD.length);
  });

  it('fail the job unless told otherwise, naming one', async () => {
    const { code, message } = await engine.fail(job(process, undefined));
    expect(code).toBe('rejects.not_tolerated');
    expect(message).toMatch(
      /rejected and 0 tolerated; the first: .*some-bad\.csv byte \d+: row\.column_count: .*\("\d+,broken \d+"\)/,
    );
  });

  it('are counted and forgotten by skip', async () => {
    const { counts, rejects, rejected } = await engine.run(job(process, { action: 'skip' }));
    expect(counts.rejected).toBe(BAD.length);
    expect([rejects, rejected]).toEqual([null, []]);
  });

  it.each([
    [5, true],
    [4, false],
    ['1.25%', true],
    ['1.24%', false],
  ])('of which %s are tolerated: %s', async (tolerate, borne) => {
    const spec = job(process, { action: 'skip', tolerate });
    if (borne) expect((await engine.run(spec)).counts.rejected).toBe(5);
    else expect((await engine.fail(spec)).code).toBe('rejects.not_tolerated');
  });
});
