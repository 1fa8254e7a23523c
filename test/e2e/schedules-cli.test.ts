import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { millrace } from '../cli/support/test-io.js';
import { eventually } from '../helpers/eventually.js';
import { apiOver, listening } from '../helpers/api-over.js';
import { startEngine } from '../helpers/engine.js';
import type { Engine } from '../helpers/engine.js';

const P = `cli-${process.pid}`;
const pass = 'spec: { source: { items: [{ n: 1 }] }, process: { use: pass } }';

let engine: Engine;
let url: string;
let close: () => void;
beforeAll(async () => {
  engine = await startEngine('schedules-cli');
  ({ url, close } = await listening(await apiOver(engine)));
});
afterAll(async () => {
  close();
  await engine.stop();
});

async function run(...args: string[]) {
  const { code, out, err } = await millrace(['--api', url, 'schedules', ...args], { cwd: engine.data });
  return { code, out: out.trimEnd().split('\n'), err };
}
const write = (name: string, text: string) => writeFile(path.join(engine.data, name), text);
const listed = async () =>
  (JSON.parse((await run('list', '--json')).out.join('\n')) as Array<{ id: string }>).map(({ id }) => id);

it('apply makes the schedules those of the files, says what it does, and does nothing the second time', async () => {
  await mkdir(path.join(engine.data, 'beat'));
  await write(
    'beat/a.yaml',
    `schedules:\n  - { id: ${P}-a, when: { cron: '30 2 * * *' }, timezone: Asia/Tokyo, ${pass} }\n`,
  );
  await write(
    'beat/b.json',
    JSON.stringify({
      id: `${P}-b`,
      when: { every: '1h' },
      spec: { source: { items: [{ n: 1 }] }, process: { use: 'pass' } },
    }),
  );
  const first = [`+ ${P}-a  at 02:30 every day, Asia/Tokyo`, `+ ${P}-b  every hour, counted from 1970-01-01T00:00:00Z`];
  expect((await run('apply', 'beat', '--dry-run')).out).toEqual([
    ...first,
    'It would be: 2 made, 0 changed, 0 removed, 0 as they were',
    'Nothing was changed',
  ]);
  expect((await run('apply', 'beat')).out).toEqual([...first, '2 made, 0 changed, 0 removed, 0 as they were']);
  await eventually(async () => (await listed()).length === 2);
  expect((await run('apply', 'beat')).out).toEqual(['0 made, 0 changed, 0 removed, 2 as they were']);

  // Pausing is left to those who run it.
  expect((await run('pause', `${P}-a`, '--note', 'no data')).out).toEqual([`${P}-a is paused`]);
  await write(
    'beat/a.yaml',
    `{ id: ${P}-a, when: { cron: '45 2 * * *' }, timezone: Asia/Tokyo, overlap: allowAll, ${pass} }\n`,
  );
  expect((await run('apply', 'beat')).out).toEqual([
    `~ ${P}-a  at 02:45 every day, Asia/Tokyo`,
    '    when.cron: "30 2 * * *" -> "45 2 * * *"',
    '    overlap: "skip" -> "allowAll"',
    '0 made, 1 changed, 0 removed, 1 as they were',
  ]);
  const shown = (await run('show', `${P}-a`)).out;
  expect(shown[0]).toBe(`${P}-a  paused`);
  expect(shown).toContain('  rules     overlap allowAll, catches up 10m');
  expect(shown.filter((line) => /\d\dT02:45:00\+09:00  .*T17:45:00Z$/.test(line))).toHaveLength(10);

  expect((await run('apply', 'beat/b.json')).out).toEqual([
    '0 made, 0 changed, 0 removed, 1 as they were',
    `1 schedule is not written here (${P}-a); --prune removes them`,
  ]);
  expect((await run('apply', 'beat/b.json', '--prune')).out).toEqual([
    `- ${P}-a`,
    '0 made, 0 changed, 1 removed, 1 as they were',
  ]);
  await eventually(async () => (await listed()).join() === `${P}-b`);
  expect((await run('delete', `${P}-b`)).out).toEqual([`${P}-b is removed`]);
});

it('apply tells all faults of all files, and changes nothing', async () => {
  await write('good.yaml', `{ id: ${P}-good, when: { every: 1h }, ${pass} }`);
  await write(
    'bad.yaml',
    `- { id: ${P}-x, when: { cron: '61 25 * * *' }, ${pass} }\n- { id: ${P}-y, when: { every: 1h }, spec: { source: { items: [{}] }, process: { use: pas } } }\n`,
  );
  const { code, err } = await run('apply', 'good.yaml', 'bad.yaml');
  expect(code).toBe(64);
  expect(err.trimEnd().split('\n')).toEqual([
    'error 3 faults in the schedules; nothing was changed [schedule.invalid]',
    `  bad.yaml: [0] (${P}-x) /when/cron: when.cron: minute "61": "61" is not there; wanted a whole number from 0 to 59`,
    `  bad.yaml: [0] (${P}-x) /when/cron: when.cron: hour "25": "25" is not there; wanted a whole number from 0 to 23`,
    expect.stringMatching(
      /^ {2}bad.yaml: \[1\] \(.*-y\) \/spec\/process\/use: processor "pas" is not known to any worker; did you mean "pass"\?/,
    ),
  ]);
  expect((await run('show', `${P}-good`)).code).toBe(1);
  await write('twins.yaml', `- { id: t, when: { every: 1h }, ${pass} }\n- { id: t, when: { every: 1h }, ${pass} }\n`);
  expect((await run('apply', 'twins.yaml')).err).toMatch(
    /twins.yaml: \[1\]: id "t" stands in twins.yaml: \[0\] \(t\) too/,
  );
});

it('upcoming tells of a file that was not applied, backfill shows what it would start until --yes', async () => {
  await write('one.yaml', `{ id: ${P}-one, when: { at: '2031-05-06T07:08:09Z' }, ${pass} }`);
  expect((await run('upcoming', 'one.yaml')).out).toEqual([
    'once, at 2031-05-06T07:08:09.000Z',
    '  2031-05-06T07:08:09Z',
  ]);
  await write('daily.yaml', `{ id: ${P}-daily, when: { cron: '@daily' }, ${pass} }`);
  await run('apply', 'daily.yaml');
  const range = ['--from', '2026-01-01T00:00:00Z', '--to', '2026-01-02T00:00:00Z'];
  const times = ['  2026-01-01T00:00:00Z', '  2026-01-02T00:00:00Z'];
  expect((await run('backfill', `${P}-daily`, ...range)).out).toEqual([
    ...times,
    '2 runs would start (overlap bufferAll)',
  ]);
  expect((await run('backfill', `${P}-daily`, ...range, '--yes')).out).toEqual([
    ...times,
    '2 runs started (overlap bufferAll)',
  ]);
  await eventually(
    async () => (await run('show', `${P}-daily`)).out.filter((line) => line.includes('completed')).length === 2,
  );
  await eventually(
    async () => (await run('runs', `${P}-daily`)).out.filter((line) => line.includes('completed')).length === 2,
  );
  const { out, code } = await run('trigger', `${P}-daily`);
  expect({ out, code }).toEqual({ out: [expect.stringMatching(new RegExp(`^s-${P}-daily-`))], code: 0 });
  await run('delete', `${P}-daily`);
});

it('an unknown schedule is named, exit 1', async () => {
  const { code, err } = await run('resume', 'nope');
  expect({ code, err }).toEqual({
    code: 1,
    err: 'error schedule "nope" not found; "millrace schedules" (GET /v1/schedules) lists the ones there are [schedule.not_found]\n',
  });
});
