import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import type { BeatEntry } from '../../src/migrate/beat-entry.js';
import { carryEntries, type Outcome } from '../../src/migrate/carry-entries.js';
import { readSource } from '../../src/migrate/read-source.js';
import { parseSpec } from '../../src/schema/spec.js';

const FIXTURES = fileURLToPath(new URL('./fixtures', import.meta.url));
const NOW = new Date('2026-10-20T12:00:07Z');

let entries: BeatEntry[];
let outcomes: Outcome[];
beforeAll(async () => {
  entries = await readSource({ database: 'beat.sqlite3', cwd: FIXTURES, timezone: 'UTC' });
  outcomes = carryEntries(entries, { now: NOW, processors: new Map([['proj.tasks.every', 'tick']]) });
});

const named = (name: string): Outcome => outcomes.find(({ entry }) => entry.name === name)!;

/** One entry that is like the first but for some fields. */
function one(more: Partial<BeatEntry>): Outcome {
  return carryEntries([{ ...entries[0]!, ...more }], { now: NOW, processors: new Map() })[0]!;
}

describe('entries', () => {
  it('each have a fate', () => {
    const names = (fate: Outcome['fate']) =>
      outcomes.filter((outcome) => outcome.fate === fate).map(({ entry }) => entry.name);
    expect(names('not carried')).toEqual([
      'every million and a half microseconds',
      'ten times a second',
      'clocked and missed',
    ]);
    expect(names('skipped')).toEqual(['clocked and over', 'celery.backend_cleanup']);
    expect(named('everything').fate).toBe('carried with remarks');
    expect(outcomes.filter(({ fate }) => fate.startsWith('carried'))).toHaveLength(52);
    for (const { fate, remarks } of outcomes) expect(remarks.length > 0).toBe(fate !== 'carried');
  });

  it('become schedules whose specs are valid', () => {
    for (const { document } of outcomes.filter((outcome) => outcome.document)) {
      expect(() => parseSpec(document!.spec)).not.toThrow();
    }
  });

  it('have ids that are slugs of their names, each its own', () => {
    const ids = outcomes.flatMap(({ schedule }) => (schedule ? [schedule.id] : []));
    expect(new Set(ids).size).toBe(ids.length);
    expect(named('every quarter of an hour in Berlin').schedule!.id).toBe('every-quarter-of-an-hour-in-berlin');
    expect(named('clocked').schedule!.id).toBe('clocked');
    expect(named('Clocked!').schedule!.id).toBe(`clocked-${named('Clocked!').entry.pk}`);
    expect(named('日本語').schedule!.id).toBe(`task-${named('日本語').entry.pk}`);
  });
});

describe('the document of an entry', () => {
  it('has all that can be carried and remarks for the rest', () => {
    const { document, remarks } = named('everything');
    expect(document).toEqual({
      id: 'everything',
      spec: {
        name: 'everything',
        source: { items: [{ args: ['eu', 3], kwargs: { dry: false, since: null, name: 'Zoë' } }] },
        process: { use: 'proj-tasks-import-contacts' },
        options: { priority: 2, expires: '900s' },
      },
      when: { cron: '0 6 * * *' },
      timezone: 'Europe/Berlin',
      overlap: 'allowAll',
      note: 'Contacts of the day',
    });
    for (const word of [
      'priority 7',
      'queue "slow"',
      'exchange "jobs"',
      'routing key "jobs.slow"',
      'headers (trace)',
    ]) {
      expect(remarks.filter((remark) => remark.startsWith(word))).toHaveLength(1);
    }
  });

  it('takes the processor of --map', () => {
    expect(named('every 5 minutes').document!.spec).toMatchObject({ process: { use: 'tick' } });
  });

  it.each([
    [0, 9, 5],
    [9, 9, 1],
    [5, 9, 3],
    [0, 255, 5],
    [255, 255, 1],
    [9, 255, 5],
  ])('priority %i of %i becomes %i', (priority, highest, expected) => {
    const both = [
      { ...entries[0]!, priority },
      { ...entries[1]!, priority: highest },
    ];
    const [carried] = carryEntries(both, { now: NOW, processors: new Map() });
    expect(carried!.document!.spec).toMatchObject({ options: { priority: expected } });
  });

  it.each([
    ['friday the 13th', { minute: '13', hour: '13', dayOfMonth: '13', month: '*', dayOfWeek: '5' }],
    ['weekend that wraps around', { minute: '0', hour: '10', dayOfMonth: '*', month: '*', dayOfWeek: '0-1,5-6' }],
    ['wrapped range with a step', { minute: '0', hour: '2,20,23', dayOfMonth: '*', month: '*', dayOfWeek: '*' }],
  ])('is a calendar where cron means something else: %s', (name, calendar) => {
    expect(named(name).document!.when).toEqual({ calendar });
  });

  it('puts an interval where Celery would fire next', () => {
    const { document, comparison } = named('every 3 hours');
    expect(document!.when).toEqual({ every: { interval: '10800s', offset: '4662s' } });
    expect(comparison!.ours[0]).toEqual(new Date('2026-10-20T13:17:42Z'));
    expect(comparison!.difference).toBeNull();
    expect(named('begins later').comparison!.ours[0]).toEqual(new Date('2026-11-02T08:15:30Z'));
  });

  it('keeps to start times and ends as beat does', () => {
    // A crontab fires after its start time, not at it; an end is before its moment.
    expect(named('begins later by crontab').document).toMatchObject({ startAt: '2026-11-02T05:01:00Z' });
    expect(named('ends').document).toMatchObject({ endAt: '2026-10-23T03:59:59Z' });
    expect(named('ends').comparison!.ours).toEqual([
      new Date('2026-10-21T04:00:00Z'),
      new Date('2026-10-22T04:00:00Z'),
    ]);
  });

  it('pauses what is disabled, and what has run its one time', () => {
    expect(named('disabled').document).toMatchObject({ paused: true });
    expect(named('one off').document).toMatchObject({ maxRuns: 1 });
    expect(named('one off').document).not.toHaveProperty('paused');
    expect(named('one off and done').document).toMatchObject({ maxRuns: 1, paused: true });
    expect(named('clocked').document).toMatchObject({ when: { at: '2026-12-24T18:00:00Z' }, maxRuns: 1 });
  });

  it('is there for no interval below a second, with a fraction or above a year', () => {
    expect(one({ timing: { kind: 'interval', seconds: 0 } }).remarks[0]).toContain('once a second at most');
    expect(one({ timing: { kind: 'interval', seconds: 1.5 } }).remarks[0]).toContain('whole seconds');
    expect(one({ timing: { kind: 'interval', seconds: 366 * 86_400 } }).remarks[0]).toContain('longer than 365');
  });

  it('is the same whenever it is made', () => {
    const later = carryEntries(entries, { now: new Date(NOW.getTime() + 3_600_000), processors: new Map() });
    const first = carryEntries(entries, { now: NOW, processors: new Map() });
    expect(later.map(({ document }) => document)).toEqual(first.map(({ document }) => document));
  });

  it('tells of tasks that share a processor', () => {
    const pair = carryEntries(
      [
        { ...entries[0]!, task: 'a.b' },
        { ...entries[1]!, task: 'a_b' },
      ],
      { now: NOW, processors: new Map() },
    );
    expect(pair.map(({ remarks }) => remarks)).toEqual([
      ['task "a_b" gives the same processor; tell them apart with --map'],
      ['task "a.b" gives the same processor; tell them apart with --map'],
    ]);
  });
});
