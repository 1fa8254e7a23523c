import { describe, expect, it } from 'vitest';
import { MillraceError } from '../../src/core/errors.js';
import { parseSchedule } from '../../src/schema/schedule.js';
import { nextTimes } from '../../src/timetable/next-times.js';

const spec = {
  source: { uri: 'in/{{scheduledTime:yyyy-MM-dd}}.csv' },
  process: { use: 'sql', with: { map: 'from chunk' } },
};
const parse = (changes: object) => parseSchedule({ id: 'nightly', spec, when: { cron: '0 2 * * *' }, ...changes });

function faults(changes: object): string[] {
  try {
    parse(changes);
  } catch (error) {
    if (error instanceof MillraceError && error.code === 'schedule.invalid')
      return error.issues.map(({ path, message }) => `${path} | ${message}`);
    throw error;
  }
  return [];
}

describe('a schedule', () => {
  it('has every default filled in, in both forms', () => {
    const { schedule, document } = parse({});
    expect(schedule).toEqual({
      id: 'nightly',
      spec,
      when: { cron: ['0 2 * * *'] },
      timezone: 'UTC',
      jitterMs: 0,
      overlap: 'skip',
      catchupMs: 600_000,
      pauseOnFailure: false,
      paused: false,
      note: '',
      notify: [],
    });
    expect(document).toEqual({
      id: 'nightly',
      spec,
      when: { cron: '0 2 * * *' },
      timezone: 'UTC',
      jitter: 0,
      overlap: 'skip',
      catchup: '10m',
      pauseOnFailure: false,
      paused: false,
      note: '',
      notify: [],
    });
    expect(parseSchedule(document)).toEqual({ schedule, document });
  });

  it.each<[object, string]>([
    [{ when: { every: '15m' } }, '2026-11-26T10:15:00.000Z'],
    [{ when: { every: { interval: '1h', offset: '5m' } } }, '2026-11-26T10:05:00.000Z'],
    [{ when: { cron: ['@daily', '30 10 * * *'] } }, '2026-11-26T10:30:00.000Z'],
    [{ when: { cron: 'CRON_TZ=Asia/Tokyo 0 6 * * *' } }, '2026-11-26T21:00:00.000Z'],
    [{ when: { calendar: { hour: 6, dayOfWeek: 'mon-fri' } }, timezone: 'Europe/Berlin' }, '2026-11-27T05:00:00.000Z'],
    [
      {
        when: {
          calendar: [
            { hour: [1, '4-5'], month: { start: 'dec' } },
            { second: { start: 10, end: 50, step: 20 }, minute: 7, hour: '*' },
          ],
        },
      },
      '2026-11-26T10:07:10.000Z',
    ],
    [{ when: { calendar: { dayOfWeek: { start: 5, end: 7 } } } }, '2026-11-27T00:00:00.000Z'],
    [{ when: { at: '2027-01-01T00:00:00+02:00' } }, '2026-12-31T22:00:00.000Z'],
    [{ when: { at: '2027-07-01T09:00' }, timezone: 'Europe/Berlin' }, '2027-07-01T07:00:00.000Z'],
    [{ when: { solar: { event: 'solar_noon', latitude: 0, longitude: 0 } } }, '2026-11-26T11:47:17.000Z'],
  ])('%j fires first at %s', (changes, first) => {
    const [time] = nextTimes(parse(changes).schedule, { from: new Date('2026-11-26T10:00:00Z'), count: 1 });
    expect(time!.toISOString()).toBe(first);
  });
});

describe('what is wrong with a schedule is quoted with its place', () => {
  it.each<[object, string[]]>([
    [{ when: { cron: '0 0 30 2 *' } }, ['/when | when: {"cron":"0 0 30 2 *"} never fires: there is no such date']],
    [
      { when: { at: '2026-02-30T00:00:00Z' } },
      [
        '/when/at | when.at: "2026-02-30T00:00:00Z" is no date of the calendar; wanted such as 2026-12-01T06:00:00Z, or without a zone in that of the schedule',
      ],
    ],
    [
      { when: { at: '2026-03-29T02:30' }, timezone: 'Europe/Berlin' },
      ['/when/at | when.at: "2026-03-29T02:30" does not exist in Europe/Berlin: the clock is put forward over it'],
    ],
    [
      { timezone: 'Europe/Berln' },
      ['/timezone | timezone: "Europe/Berln" is no time zone; did you mean "Europe/Berlin"?'],
    ],
    [
      { timezone: 'nowhere at all' },
      ['/timezone | timezone: "nowhere at all" is no time zone; wanted an IANA name such as "Europe/Berlin"'],
    ],
    [
      { startAt: '2026-12-01T00:00:00Z', endAt: '2026-11-01T00:00:00Z' },
      ['/endAt | endAt: "2026-11-01T00:00:00Z" is before startAt "2026-12-01T00:00:00Z"'],
    ],
    [{ when: {} }, ['/when | when: wanted one of cron, every, calendar, solar, at, found none']],
    [
      { when: { cron: '@daily', every: '1h' } },
      ['/when | when: wanted one of cron, every, calendar, solar, at, found cron and every'],
    ],
    [
      { when: { every: '0.5s' } },
      [
        '/when/every | when.every: wanted a duration of at least 1s such as "15m", or { interval: "1h", offset: "5m" }, found "0.5s"',
      ],
    ],
    [
      { when: { every: { interval: '5m', offset: '6m' } } },
      ['/when/every/offset | when.every.offset: wanted less than the interval'],
    ],
    [
      { when: { calendar: { hour: 24, month: 'mai' } } },
      [
        '/when/calendar/hour | when.calendar.hour: hour "24": "24" is not there; wanted a whole number from 0 to 23',
        '/when/calendar/month | when.calendar.month: month "mai": "mai" is not there; wanted a whole number from 1 to 12, or a name from jan to dec',
      ],
    ],
    [
      { when: { cron: ['@daily', '61 * * * *'] } },
      ['/when/cron/1 | when.cron.1: minute "61": "61" is not there; wanted a whole number from 0 to 59'],
    ],
    [
      { overlap: 'wait', catchup: '1s', timezon: 'UTC' },
      [
        '/timezon | unknown key "timezon"; did you mean "timezone"?',
        '/overlap | overlap: wanted one of "skip", "bufferOne", "bufferAll", "cancelOther", "terminateOther", "allowAll", found "wait"',
        '/catchup | catchup: wanted at least 10000 ms, found "1s"',
      ],
    ],
    [
      { id: 'a b' },
      ['/id | id: wanted 1 to 200 letters, digits, ".", "_" and "-", the first a letter or digit, found "a b"'],
    ],
    [{ notify: ['ftp://x'] }, ['/notify/0 | notify[0]: wanted an http or https URL, found "ftp://x"']],
    [
      { when: { solar: { event: 'moonrise', latitude: 91, longitude: 0 } } },
      [
        `/when/solar/event | when.solar.event: wanted one of ${['dawn_astronomical', 'dawn_nautical', 'dawn_civil', 'sunrise', 'solar_noon', 'sunset', 'dusk_civil', 'dusk_nautical', 'dusk_astronomical'].map((name) => `"${name}"`).join(', ')}, found "moonrise"`,
        '/when/solar/latitude | when.solar.latitude: wanted at most 90, found 91',
      ],
    ],
    [
      { when: { cron: 'TZ=Asia/Tokyo 0 6 * * *' }, timezone: 'Europe/Berlin' },
      ['/timezone | timezone: "Europe/Berlin" is not the zone "Asia/Tokyo" that stands in when.cron; give one of them'],
    ],
  ])('%j', (changes, expected) => expect(faults(changes)).toEqual(expected));
});
