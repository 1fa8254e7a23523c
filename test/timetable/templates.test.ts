import { describe, expect, it } from 'vitest';
import { MillraceError } from '../../src/core/errors.js';
import { hasTemplates, resolveTemplates } from '../../src/timetable/templates.js';

const berlin = { time: new Date('2026-03-29T22:30:00Z'), timezone: 'Europe/Berlin' };

describe('a template is written in the zone of the schedule', () => {
  it.each([
    ['{{scheduledTime}}', '2026-03-30T00:30:00+02:00'],
    ['{{scheduledTime:yyyy-MM-dd}}', '2026-03-30'],
    ['in/{{ scheduledTime:yyyy/MM/dd }}/{{scheduledTime:HH}}.csv', 'in/2026/03/30 /00.csv'],
    // By the calendar: the day before had 23 hours.
    ['{{scheduledTime-1d}}', '2026-03-29T00:30:00+01:00'],
    ['{{scheduledTime-24h}}', '2026-03-28T23:30:00+01:00'],
    ['{{scheduledTime-1M+1d:yyyy-MM-dd}}', '2026-03-01'],
    ["{{scheduledTime:yyyy'W'WW}}", '2026W14'],
    ['{{scheduledTime:ccc d MMM}}', 'Mon 30 Mar'],
    ['{{scheduledTime:unix}} {{scheduledTime:unixMs}}', '1774823400 1774823400000'],
    ['select {{1}} {{ }} {x}', 'select {{1}} {{ }} {x}'],
  ])('%s', (text, written) => expect(resolveTemplates(text, berlin)).toBe(written));

  it('is UTC where the schedule is', () => {
    expect(resolveTemplates('{{scheduledTime}}', { ...berlin, timezone: 'UTC' })).toBe('2026-03-29T22:30:00Z');
  });

  it('at any depth of a value, and nowhere else', () => {
    const spec = { source: { uri: ['{{scheduledTime:dd}}', 'x'] }, n: 1, no: null, '{{scheduledTime}}': true };
    expect(resolveTemplates(spec, berlin)).toEqual({ ...spec, source: { uri: ['30', 'x'] } });
    expect(spec.source.uri[0]).toBe('{{scheduledTime:dd}}');
  });
});

describe('a template that cannot be written', () => {
  const issues = (value: unknown, time: typeof berlin | null = berlin) => {
    try {
      resolveTemplates(value, time);
    } catch (error) {
      if (error instanceof MillraceError && error.code === 'spec.invalid') return error.issues;
    }
    return [];
  };
  it('is named, with its place, and so are all others', () => {
    const spec = {
      a: '{{when}}',
      'b/c': ['{{scheduledTime:}}', '{{scheduledTime:yyyy-nn}}'],
      d: '{{scheduledTime',
      e: '{{scheduledTime-1x}}',
    };
    expect(issues(spec).map(({ path, message }) => `${path} ${message.replace(/;.*/, '')}`)).toEqual([
      '/a template "{{when}}" names no field',
      '/b~1c/0 template "{{scheduledTime:}}" has no known format',
      '/b~1c/1 template "{{scheduledTime:yyyy-nn}}" has no known format',
      '/d template "{{scheduledTime" has no end',
      '/e template "{{scheduledTime-1x}}" is not understood',
    ]);
  });
  it('has no schedule', () => {
    expect(issues({ uri: '{{scheduledTime}}' }, null)[0]!.message).toMatch(/needs the time of a schedule/);
  });
});

it('knows whether there is any', () => {
  expect([{ a: ['{{scheduledTime}}'] }, '{{x}}', 'x {{scheduledTime'].map(hasTemplates)).toEqual([true, true, true]);
  expect([{ '{{scheduledTime}}': 1 }, '{{ }}', '{x}', 5, null].map(hasTemplates)).toEqual([
    false,
    false,
    false,
    false,
    false,
  ]);
});
