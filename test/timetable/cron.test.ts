import { Cron } from 'croner';
import { describe, expect, it } from 'vitest';
import { parseCron } from '../../src/timetable/cron.js';
import { describeWhen } from '../../src/timetable/describe.js';
import { nextTimes } from '../../src/timetable/next-times.js';

/** Against another library, that knows nothing of this one. */
describe('the next five years are those of an independent library', () => {
  const ZONES = ['UTC', 'Asia/Kolkata', 'Asia/Tokyo', 'America/Phoenix', 'Africa/Lagos', 'Asia/Kathmandu'];
  const CRONS = `0 0 * * *|30 2 * * *|*/15 * * * *|0 */6 * * *|5 4 * * sun|0 22 * * 1-5|23 0-20/2 * * *|0 0,12 1 */2 *
0 4 8-14 * *|0 0 1,15 * 3|15 3 1 * mon|0 0 13 * fri|0 0 31 * *|0 0 29 2 *|59 23 31 12 *|0 9 * jan-mar,oct mon-fri|@yearly
@monthly|@weekly|@daily|@hourly|@midnight|0 0 * * 7|0 0 * * 0|0 0 * * 5-7|0 12 * 6 2,4|1-5,10,50-59/3 8 * * *|0 0 */2 * *
0 0 1-7 * 1|7 7 7 7 *|0 8-18/5 * * *|45 5 * feb *|0 0 28-31 * *|10 1 2,4,6 * 2-4|0 17 * * fri,sat|3/10 * * * *|0 3/7 * * *
0 0 5/9 * *|0 0 1 3/4 *|*/7 * * * *|0 */5 * * *|0 6 * * tue,thu|30 18 15 * 3|0 0 1 1,7 *|20 10 10 10 *|0 23 31 1,3,5,7,8,10,12 *
0 1 * * 1-6/2|0 5 1-31/10 * *|33 3 * * *|0 0 30 4,6,9,11 *|12 12 12 12 *|0 0 * 12 0|0 2 * 1-11/2 *|15,45 7-9 * * 1-5|0 0 7 * 0,6
0 20 25 12 *|30 4 1,15 * 5|0 0 1 */3 *|0 16 1-7 12 1|55 22 * * 0
0 30 9 * * *|*/20 0 12 1 * *|10,40 59 23 * * 1|0 0 6 1 1 *|30 0 0 * * 0,3`.split(/[|\n]/);
  const from = new Date('2026-11-26T10:11:12Z');
  const until = new Date('2031-11-26T10:11:12Z');
  const MOST = 1000;

  it.each(CRONS.map((cron, n) => [cron, ZONES[n % ZONES.length]!]))('%s in %s', (cron, timezone) => {
    const theirs = new Cron(cron, { timezone, domAndDow: false, sloppyRanges: true })
      .nextRuns(MOST, from)
      .filter((time) => time <= until);
    expect(nextTimes({ when: { cron: [cron] }, timezone }, { from, until, count: MOST })).toEqual(theirs);
  });

  it('tries enough of them', () => expect(CRONS.length).toBeGreaterThan(60));
});

describe('what is no cron', () => {
  const faults = (text: string) => {
    const parsed = parseCron(text);
    return 'faults' in parsed ? parsed.faults : [];
  };
  it('names each of six errors by its part', () => {
    expect(faults('60 24 0 13 8 1969')).toEqual([
      'minute "60": "60" is not there; wanted a whole number from 0 to 59',
      'hour "24": "24" is not there; wanted a whole number from 0 to 23',
      'day of month "0": "0" is not there; wanted a whole number from 1 to 31',
      'month "13": "13" is not there; wanted a whole number from 1 to 12, or a name from jan to dec',
      'day of week "8": "8" is not there; wanted a whole number from 0 to 7, or a name from sun to sat',
      'year "1969": "1969" is not there; wanted a whole number from 1970 to 2100',
    ]);
  });
  it.each([
    [
      '* * * *',
      '"* * * *" has 4 fields; wanted 5 (minute, hour, day of month, month, day of week), 6 with seconds in front or years behind, or 7 with both',
    ],
    [
      '0 0 L * *',
      'day of month "L": "L" (last, nearest weekday, nth weekday) is not supported; write the days, or use when.calendar',
    ],
    [
      '0 0 * * 5#2',
      'day of week "5#2": "5#2" (last, nearest weekday, nth weekday) is not supported; write the days, or use when.calendar',
    ],
    ['*/0 * * * *', 'minute "*/0": step "0" is no whole number above 0'],
    ['0 20-4 * * *', 'hour "20-4": range "20-4" ends before it begins; write it as two, such as 20-23,0-4'],
    [
      '0 0 * * sat-mon',
      'day of week "sat-mon": range "sat-mon" ends before it begins; write it as two, such as sat-6,0-mon',
    ],
    [
      '@often',
      '"@often" is no shorthand; wanted one of @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly, @every 15m',
    ],
    [
      '@every soon',
      '"@every soon" is no interval; wanted such as @every 15m, @every 1h30m or, put off by 5 minutes, @every 1h/5m',
    ],
    [
      '1,,2 * * * *',
      'minute "1,,2": "" is nothing; wanted a value, a range such as 0-59, a list, or a step such as */2',
    ],
  ])('%s', (text, fault) => expect(faults(text)).toEqual([fault]));
});

describe('as a sentence', () => {
  it.each([
    ['0 0 * * *', 'at 00:00 every day, Europe/Berlin'],
    ['30 2 * * mon-fri', 'at 02:30 on Monday to Friday, Europe/Berlin'],
    ['*/15 * * * *', 'every 15th minute of every hour, Europe/Berlin'],
    ['* * * * *', 'every minute, Europe/Berlin'],
    ['*/10 * * * * *', 'every 10th second of every minute, Europe/Berlin'],
    ['0 0 13 * fri', 'at 00:00 on day 13 of the month; or at 00:00 on Friday, Europe/Berlin'],
    ['0 9,17 * jan,jul 1-5', 'at 09:00 and 17:00 on Monday to Friday in January and July, Europe/Berlin'],
    ['*/5 8-18 * * 1-5', 'every 5th minute of hour 08 to 18 on Monday to Friday, Europe/Berlin'],
    ['@every 1h30m/5m', 'every 1 hour 30 minutes, counted from 1970-01-01T00:00:00Z, put off by 5 minutes'],
    ['0 6 1 1 * 2027-2030', 'at 06:00 on day 1 of the month in January in 2027 to 2030, Europe/Berlin'],
  ])('%s', (cron, sentence) => expect(describeWhen({ cron: [cron] }, 'Europe/Berlin')).toBe(sentence));
});
