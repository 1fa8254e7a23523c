import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ScheduleView } from '../../src/core/schedule-view.js';
import { millrace } from '../cli/support/test-io.js';
import { apiOver, listening } from '../helpers/api-over.js';
import { startEngine, type Engine } from '../helpers/engine.js';

const P = `import-${process.pid}`;

let engine: Engine;
let url: string;
let close: () => void;
beforeAll(async () => {
  engine = await startEngine('import');
  ({ url, close } = await listening(await apiOver(engine)));
});
afterAll(async () => {
  close();
  await engine.stop();
});

async function run(...args: string[]) {
  const { code, out, err } = await millrace(['--api', url, ...args], { cwd: engine.data });
  return { code, out, last: out.trimEnd().split('\n').at(-1)!, err };
}

it('makes the schedules once, runs what Celery would, and changes nothing the second time', async () => {
  const names = [
    'everything',
    'friday the 13th',
    'every 3 hours',
    'disabled',
    'sunrise in Berlin',
    'one off',
    'clocked',
  ];
  const dump = JSON.parse(
    await readFile(new URL('../migrate/fixtures/dumpdata.json', import.meta.url), 'utf8'),
  ) as Array<{ model: string; fields: Record<string, unknown> }>;
  const chosen = dump.filter(
    ({ model, fields }) => model !== 'django_celery_beat.periodictask' || names.includes(fields.name as string),
  );
  for (const { model, fields } of chosen) {
    if (model === 'django_celery_beat.periodictask')
      Object.assign(fields, { name: `${P} ${fields.name as string}`, task: 'pass' });
    // Whenever this runs, it is to come.
    if (model === 'django_celery_beat.clockedschedule') fields.clocked_time = '2099-12-24T18:00:00Z';
  }
  await writeFile(path.join(engine.data, 'dump.json'), JSON.stringify(chosen));

  const first = await run('import', 'celery-beat', '--file', 'dump.json');
  expect(first.err).toBe('');
  expect(first.last).toBe('7 made, 0 changed, 0 removed, 0 as they were');
  expect(first.code).toBe(0);
  const second = await run('import', 'celery-beat', '--file', 'dump.json');
  expect(second.last).toBe('0 made, 0 changed, 0 removed, 7 as they were');

  const view = async (id: string) =>
    JSON.parse((await run('schedules', 'show', `${P}-${id}`, '--json')).out) as ScheduleView;
  expect(await view('disabled')).toMatchObject({ paused: true, overlap: 'allowAll' });
  expect(await view('one-off')).toMatchObject({ maxRuns: 1, remainingRuns: 1 });
  expect((await view('clocked')).next).toEqual(['2099-12-24T18:00:00.000Z']);
  expect(await view('everything')).toMatchObject({ note: 'Contacts of the day', spec: { options: { priority: 2 } } });

  const job = (await run('schedules', 'trigger', `${P}-everything`)).out.trim();
  expect((await run('jobs', 'watch', job)).code).toBe(0);
  const { rows } = (await (await fetch(`${url}/v1/jobs/${job}/result`)).json()) as { rows: unknown[] };
  expect(rows).toEqual([{ args: ['eu', 3], kwargs: { dry: false, since: null, name: 'Zoë' } }]);
});
