import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { readSource } from '../../src/migrate/read-source.js';
import { agree, compareAll, readMoments, shown, type Compared } from './support/celery-times.js';

const FIXTURES = fileURLToPath(new URL('./fixtures', import.meta.url));

let compared: Compared[];
beforeAll(async () => {
  const entries = await readSource({ database: 'beat.sqlite3', cwd: FIXTURES, timezone: 'UTC' });
  compared = compareAll(entries, await readMoments(`${FIXTURES}/celery-times.json`));
});

describe('what Celery itself says of 57 entries at 11 moments', () => {
  it('is what our copy of its rules says', () => {
    expect(compared).toHaveLength(57 * 11);
    const wrong = compared.filter((one) => !agree(one, one.celery, one.copy));
    expect(wrong.map((one) => shown(one, one.copy))).toEqual([]);
  });

  it('is when our schedules fire, but for what is told of', () => {
    const carried = compared.filter(({ ours }) => ours !== null);
    expect(carried.length).toBeGreaterThan(50 * 11);
    const different = carried.filter((one) => !agree(one, one.celery, one.ours!));
    // Of an hour that is there twice the server is told its times a second late.
    const later = different.filter(
      ({ celery, ours }) =>
        ours!.length === celery.length && ours!.every((time, n) => [0, 1000].includes(time - celery[n]!)),
    );
    expect(later.map(({ at, name }) => `${at.slice(0, 10)} ${name}`)).toEqual([
      '2026-10-20 nightly in Berlin',
      '2026-10-20 nightly in Berlin',
      '2026-10-24 nightly in Berlin',
      '2026-10-24 twice a day in London',
      '2026-10-24 night hours that wrap around',
      '2026-10-31 nightly in New York',
    ]);
    const rest = different.filter((one) => !later.includes(one));
    expect(rest.map(({ at, name }) => `${at.slice(0, 10)} ${name}`)).toEqual([
      '2026-10-20 overdue for days',
      '2026-10-20 overdue crontab',
      '2026-10-25 every quarter of an hour in Berlin',
      '2026-11-01 hourly at half in New York',
      '2027-03-13 nightly in New York in the gap',
      '2027-03-14 nightly in New York in the gap',
      '2027-03-27 nightly in Berlin',
      '2027-03-27 night hours that wrap around',
    ]);
    for (const { outcome } of rest) {
      expect(outcome.comparison!.difference).toMatch(/^(Celery is overdue|clocks are changed in)/);
      expect(outcome.remarks).toContain(outcome.comparison!.difference);
    }
  });

  it('has no difference that is told of and is none', () => {
    const told = compared.filter(({ outcome }) => outcome.comparison && outcome.comparison.difference !== null);
    expect(told.filter((one) => agree(one, one.celery, one.ours!)).map((one) => shown(one, one.ours!))).toEqual([]);
  });

  it('is the same second for the sun', () => {
    const suns = compared.filter(({ kind }) => kind === 'solar');
    expect(suns).toHaveLength(7 * 11);
    const furthest = (pick: (one: Compared) => number[]) =>
      Math.max(...suns.flatMap((one) => one.celery.map((time, n) => Math.abs(time - pick(one)[n]!))));
    expect(furthest(({ ours }) => ours!)).toBeLessThan(1000);
    expect(furthest(({ copy }) => copy)).toBeLessThan(10_000);
  });
});
