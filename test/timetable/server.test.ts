import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ScheduleRules, SolarEvent, When } from '../../src/core/schedule.js';
import { scheduleSpecOf } from '../../src/temporal/schedule-spec.js';
import { parseSchedule } from '../../src/schema/schedule.js';
import { parseSpec, specDigest } from '../../src/schema/spec.js';
import { createSchedules } from '../../src/temporal/schedules.js';
import { nextTimes } from '../../src/timetable/next-times.js';
import { eventually } from '../helpers/eventually.js';
import { testServer } from '../helpers/temporal-server.js';

/** What this program says of the times to come, against what the server will do. */
let server: Awaited<ReturnType<typeof testServer>>;
const made: string[] = [];
beforeAll(async () => {
  server = await testServer();
});
afterAll(async () => {
  await Promise.all(made.map((id) => server.client.schedule.getHandle(id).delete()));
});

type Range = [from: string, until: string];

/** The times of one schedule in each of the ranges. */
async function serverTimes(rules: ScheduleRules, ranges: Array<[Date, Date]>): Promise<string[][]> {
  const { client, namespace } = server;
  await client.schedule.create({
    scheduleId: rules.id,
    spec: scheduleSpecOf(rules, ranges[0]![0]),
    action: { type: 'startWorkflow', workflowType: 'none', taskQueue: 'none' },
    state: { paused: true },
  });
  made.push(rules.id);
  const seconds = (date: Date) => ({ seconds: Math.floor(date.getTime() / 1000) as never, nanos: 0 });
  const answers = await Promise.all(
    ranges.map(([from, until]) =>
      client.workflowService.listScheduleMatchingTimes({
        namespace,
        scheduleId: rules.id,
        startTime: seconds(from),
        endTime: seconds(until),
      }),
    ),
  );
  return answers.map(({ startTime }) => startTime.map(({ seconds: at }) => new Date(Number(at) * 1000).toISOString()));
}

let count = 0;
async function sameIn(ranges: Range[], when: When, more: Partial<ScheduleRules> = {}): Promise<string[][]> {
  const rules: ScheduleRules = {
    id: `timetable-${process.pid}-${count++}`,
    when,
    timezone: 'UTC',
    jitterMs: 0,
    overlap: 'skip',
    catchupMs: 600_000,
    pauseOnFailure: false,
    paused: false,
    note: '',
    notify: [],
    ...more,
  };
  const dates = ranges.map((range) => range.map((text) => new Date(text)) as [Date, Date]);
  const theirs = await serverTimes(rules, dates);
  const ours = dates.map(([from, until]) => nextTimes(rules, { from, until, count: 1000 }));
  expect(ours.map((times) => times.map((time) => time.toISOString()))).toEqual(theirs);
  return theirs;
}

async function same(when: When, range: Range, more: Partial<ScheduleRules> = {}): Promise<string[]> {
  const [times] = await sameIn([range], when, more);
  return times!;
}

const CRONS = [
  ['30 2 * * *'],
  ['30 1 * * *'],
  ['0 0 * * *'],
  ['0 3 * * *'],
  ['0,30 2 * * *'],
  ['*/20 * * * *'],
  ['*/20 1-4 * * *'],
  ['*/20 * * * 0,6'],
  ['0 */6 * * *'],
  ['15 0-3 * * *'],
  ['30 1 * * *', '30 3 * * *'],
  ['0 * * * *', '0 2 * * *'],
  ['10 20 0-3 * * *'],
];

describe('on the days on which clocks are changed', () => {
  // [zone, around the change forward, around the change back]
  const changes: Array<[string, Range, Range]> = [
    [
      'Europe/Berlin',
      ['2026-03-28T12:00:00Z', '2026-03-29T12:00:00Z'],
      ['2026-10-24T12:00:00Z', '2026-10-25T12:00:00Z'],
    ],
    [
      'America/New_York',
      ['2026-03-07T20:00:00Z', '2026-03-08T20:00:00Z'],
      ['2026-10-31T20:00:00Z', '2026-11-01T20:00:00Z'],
    ],
    [
      'America/St_Johns',
      ['2026-03-07T20:00:00Z', '2026-03-08T20:00:00Z'],
      ['2026-10-31T20:00:00Z', '2026-11-01T20:00:00Z'],
    ],
    [
      'Australia/Lord_Howe',
      ['2026-10-03T02:00:00Z', '2026-10-04T02:00:00Z'],
      ['2026-04-04T02:00:00Z', '2026-04-05T02:00:00Z'],
    ],
    [
      'America/Havana',
      ['2026-03-07T20:00:00Z', '2026-03-08T20:00:00Z'],
      ['2026-10-31T20:00:00Z', '2026-11-01T20:00:00Z'],
    ],
    [
      'Asia/Kolkata',
      ['2026-03-28T12:00:00Z', '2026-03-29T12:00:00Z'],
      ['2026-10-24T12:00:00Z', '2026-10-25T12:00:00Z'],
    ],
  ];
  it.each(changes)('%s', async (timezone, forward, back) => {
    const times = await Promise.all(CRONS.map((cron) => sameIn([forward, back], { cron }, { timezone })));
    expect(times.flat().every((some) => some.length > 0)).toBe(true);
  });
});

it('is told anew of the sun, and of nothing else, when a schedule is renewed', async () => {
  const { client, namespace } = server;
  const schedules = createSchedules({ client, taskQueue: 'timetable', namespace });
  const id = `renewed-${process.pid}`;
  made.push(id);
  const spec = { source: { items: [{ n: 1 }] }, process: { use: 'x' } };
  const parsed = parseSchedule({
    id,
    spec,
    when: { solar: { event: 'sunset', latitude: 10, longitude: 10 } },
    maxRuns: 7,
    note: 'n',
    overlap: 'allowAll',
  });
  const canonical = parseSpec(spec);
  await schedules.create({ ...parsed, spec: canonical, digest: specDigest(canonical) });
  const before = await schedules.view(id);
  await schedules.renew(id, parsed.schedule);
  const after = await schedules.view(id);
  expect(after.updatedAt).not.toBe(before.updatedAt);
  expect({ ...after, updatedAt: null }).toEqual({ ...before, updatedAt: null });
  // As many as there are runs left.
  expect(after.next).toHaveLength(7);
  expect(after.document).toEqual(parsed.document);
  await eventually(async () => (await schedules.ids('all')).includes(id));
});

describe('on any day', () => {
  const YEAR: [string, string] = ['2026-01-01T00:00:00Z', '2027-01-01T00:00:00Z'];
  const solar = (event: SolarEvent, latitude: number): When => ({ solar: { event, latitude, longitude: 13.4 } });
  it.each<[When, Partial<ScheduleRules>?]>([
    [{ cron: ['0 0 13 * fri'] }, { timezone: 'Europe/Berlin' }],
    [{ cron: ['59 23 28-31 * *', '@monthly', '0 12 */2 2-11/3 mon'] }, { timezone: 'America/Sao_Paulo' }],
    [{ cron: ['0 6 1 1 * 2026-2030', '@every 50h/7m'] }],
    [{ every: { intervalMs: 86_400_000, offsetMs: 3_600_000 } }],
    [
      { every: { intervalMs: 20_000_000, offsetMs: 0 } },
      { startAt: '2026-02-03T04:05:06Z', endAt: '2026-03-04T05:06:07Z' },
    ],
    [{ cron: ['0 0 * * *'] }, { startAt: '2026-02-03T00:00:00Z', endAt: '2026-02-05T00:00:00Z' }],
    [{ at: '2026-07-08T09:10:11Z' }],
    [solar('sunrise', 52.5)],
    [solar('sunset', 78.2)],
    [solar('solar_noon', -33)],
  ])('%j %j', async (when, more) => {
    expect((await same(when, YEAR, more)).length).toBeGreaterThan(0);
  });
});
