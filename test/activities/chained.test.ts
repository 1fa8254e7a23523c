/** The committed result of one job as the source of the next. */
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../helpers/engine.js';
import type { Engine } from '../helpers/engine.js';
import { apiOver } from '../helpers/api-over.js';

let engine: Engine;
const RECORDS = 3000;
const rows = Array.from({ length: RECORDS }, (_, n) => ({ n, text: n % 9 === 0 ? 'two\nlines' : `text ${n}` }));

beforeAll(async () => {
  engine = await startEngine('chained');
  await engine.write('rows.ndjson', rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
});
afterAll(() => engine.stop());

const options = { chunk: { bytes: 8000 } };
const pass = { use: 'pass' };
const sum = {
  use: 'sql',
  with: { map: 'select count(*) n, sum(n) s from chunk', reduce: 'select sum(n)::int n, sum(s)::int s from partials' },
};
const TOTAL = [{ n: RECORDS, s: ((RECORDS - 1) * RECORDS) / 2 }];

const first = (sink?: object, process: object = pass) =>
  engine.run({ source: { uri: engine.at('rows.ndjson') }, process, sink, options });

describe('the result of a job', () => {
  it.each([
    ['that lies in the work area', undefined, pass],
    ['in one file', { uri: 'one.csv' }, pass],
    ['in a folder of CSV', { uri: 'csv/', format: 'csv' }, pass],
    [
      'in a folder of Parquet',
      { uri: 'parquet/', format: 'parquet' },
      { use: 'sql', with: { map: 'select * from chunk' } },
    ],
  ])('is a source, by the id of its job, %s', async (_, sink, process) => {
    const { id } = await first(sink && { ...sink, uri: `${engine.data}/${sink.uri}` }, process);
    const next = await engine.run({ source: { job: id }, process: sum, options });
    expect(next.rows).toEqual(TOTAL);
    expect(next.manifestFile.sources.length).toBeGreaterThan(0);
    const copied = await engine.run({
      source: { job: id },
      process: pass,
      sink: { uri: engine.at('copy.ndjson'), ifExists: 'replace' },
    });
    expect(copied.counts).toMatchObject({ in: RECORDS, out: RECORDS, rejected: 0 });
    expect(await engine.read('copy.ndjson')).toBe(await engine.read('rows.ndjson'));
  });

  it('is one by its manifest too', async () => {
    await first({ uri: engine.at('named.csv') });
    await first({ uri: `${engine.at('named')}/`, format: 'ndjson' });
    for (const name of ['named.csv.manifest.json', 'named/manifest.json']) {
      expect((await engine.run({ source: { uri: engine.at(name) }, process: sum, options })).rows).toEqual(TOTAL);
    }
  });

  it('leaves out parts that have no records', async () => {
    await engine.write('few.csv', `n\n${Array.from({ length: 2000 }, (_, n) => `${n}\n`).join('')}`);
    const { id } = await engine.run({
      source: { uri: engine.at('few.csv') },
      process: { use: 'sql', with: { map: 'select n from chunk where n >= 1990' } },
      sink: { uri: `${engine.at('few')}/`, format: 'csv' },
      options: { chunk: { bytes: 1000 } },
    });
    const { counts } = await engine.run({ source: { job: id }, process: pass });
    expect(counts.in).toBe(10);
  });

  it('is refused where it is not what its manifest says', async () => {
    const { id } = await first({ uri: engine.at('changed.csv') });
    await appendFile(engine.at('changed.csv'), '3000,more\n');
    const source = { job: id };
    expect(await engine.fail({ source, process: pass })).toMatchObject({
      code: 'source.changed',
      message: expect.stringMatching(/changed\.csv" is not what the manifest says/) as string,
    });
  });
});

describe('what is no committed result', () => {
  it('is refused: a job that is not known, or failed', async () => {
    const { id } = await engine.fail({ source: { uri: engine.at('none.csv') }, process: pass });
    for (const job of ['j-nobody', id]) {
      expect((await engine.fail({ source: { job }, process: pass })).code).toBe('source.job_not_committed');
    }
    const api = await apiOver(engine);
    const answer = await api.request('/v1/jobs', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ source: { job: 'j-nobody' }, process: pass }),
    });
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ code: 'source.job_not_committed', errors: [{ path: '/source/job' }] });
  });

  it('is refused: a file that only has the name, and one that leads elsewhere', async () => {
    await engine.write('odd/manifest.json', '{"version": 2}');
    await first({ uri: engine.at('true.csv') });
    const text = await readFile(engine.at('true.csv.manifest.json'), 'utf8');
    await writeFile(engine.at('forged.manifest.json'), text.replaceAll(engine.at('true.csv'), '/etc/passwd'));
    const { id } = await first();
    const inside = (await engine.finish(id)).manifestFile;
    await writeFile(engine.at('inside.manifest.json'), JSON.stringify(inside));
    for (const [uri, code] of [
      ['odd/manifest.json', 'source.bad_manifest'],
      ['forged.manifest.json', 'path.outside_root'],
      ['inside.manifest.json', 'source.bad_manifest'],
    ] as const) {
      expect((await engine.fail({ source: { uri: engine.at(uri) }, process: pass })).code).toBe(code);
    }
    const key = `work:${inside.output.uri}`;
    expect((await engine.fail({ source: { uri: key }, process: pass })).code).toMatch(/^source\./);
  });
});
