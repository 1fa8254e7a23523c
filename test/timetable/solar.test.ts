import { expect, it } from 'vitest';
import type { SolarEvent } from '../../src/core/schedule.js';
import { solarTimes } from '../../src/timetable/solar.js';
// What Celery makes of the same, by another ephemeris: `solar.py` beside it.
import celery from './fixtures/solar.json' with { type: 'json' };

it('the sun does for us what it does for Celery, to the second', () => {
  expect(celery.length).toBeGreaterThan(350);
  for (const [event, latitude, longitude, after, time] of celery as Array<
    [SolarEvent, number, number, string, string]
  >) {
    const [ours] = solarTimes({ event, latitude, longitude }, Date.parse(after));
    const seconds = Math.abs(ours! - Date.parse(time)) / 1000;
    expect(seconds, `${event} at ${latitude}, ${longitude} after ${after}: ${time}`).toBeLessThanOrEqual(1);
  }
});

it('leaves out the days of a polar summer and winter', () => {
  const from = Date.parse('2026-05-01T00:00:00Z');
  const rises: number[] = [];
  for (const time of solarTimes({ event: 'sunrise', latitude: 69.65, longitude: 18.96 }, from)) {
    if (time > from + 365 * 86_400_000) break;
    rises.push(time);
  }
  const days = new Set(rises.map((time) => new Date(time).toISOString().slice(0, 10)));
  for (const none of ['2026-06-21', '2026-07-10', '2026-12-21']) expect(days).not.toContain(none);
  for (const some of ['2026-05-10', '2026-09-22', '2027-03-20']) expect(days).toContain(some);
});
