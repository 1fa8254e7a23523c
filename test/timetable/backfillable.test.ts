import { expect, it } from 'vitest';
import { parseSchedule } from '../../src/schema/schedule.js';
import { backfillableFrom } from '../../src/timetable/backfillable.js';
import { nextTimes } from '../../src/timetable/next-times.js';

const NOW = new Date('2026-11-28T12:00:00Z');

/** What a backfill of the first runs from a moment on may begin with. */
function earliest(when: object, timezone: string, from: string, count = 50): { first: Date; earliest: Date } {
  const { schedule } = parseSchedule({ id: 's', spec: {}, when, timezone });
  const [first, ...others] = nextTimes(schedule, { from: new Date(from), count, until: NOW });
  return { first: first!, earliest: backfillableFrom(schedule, [first!, ...others], NOW) };
}

it.each([
  ['an interval, however long ago', { every: '1d' }, 'Europe/Berlin', '0359-11-22T16:16:54Z'],
  ['a zone whose clock is never changed', { cron: '30 1 * * *' }, 'UTC', '1970-01-01T00:00:00Z'],
  ['times that no change of the clock comes near', { cron: '30 2 15 5 *' }, 'Europe/Berlin', '1700-01-01T00:00:00Z'],
  ['what the server was told of', { cron: '30 2 * * *' }, 'Europe/Berlin', '2026-03-20T00:00:00Z'],
])('begins with the first run: %s', (_, when, timezone, from) => {
  const { first, earliest: found } = earliest(when, timezone, from);
  expect(found).toEqual(first);
});

it.each([
  [
    'times on a day on which the clock was changed',
    { cron: '30 2 * * *' },
    'Europe/Berlin',
    '2023-10-20T00:00:00Z',
    400,
  ],
  ['the sun', { solar: { event: 'sunrise', latitude: 52.5, longitude: 13.4 } }, 'UTC', '2024-01-01T00:00:00Z', 60],
])('begins where the server was told from: %s', (_, when, timezone, from, days) => {
  expect(earliest(when, timezone, from).earliest).toEqual(new Date(NOW.getTime() - days * 86_400_000));
});
