import { describe, expect, it } from 'vitest';
import { MillraceError } from '../../src/core/errors.js';
import { parseRate, parseSettings, parseTolerance } from '../../src/core/settings.js';

describe('parseTolerance', () => {
  it.each<[unknown, unknown]>([
    [500, { count: 500 }],
    ['500', { count: 500 }],
    ['0.1%', { share: 0.001 }],
    ['100 %', { share: 1 }],
    ['100.1%', null],
    [0.1, null],
    [-1, null],
    ['many', null],
  ])('%j: %j', (value, tolerance) => expect(parseTolerance(value)).toEqual(tolerance));
});

describe('parseRate', () => {
  it.each<[unknown, unknown]>([
    [{ records: '500/s' }, { records: 500 }],
    [{ records: '30 / m' }, { records: 0.5 }],
    [{ chunks: '7200/h' }, { chunks: 2 }],
    [{ chunks: '0/s' }, null],
    [{ chunks: 5 }, null],
    [{ records: '1/s', chunks: '1/s' }, null],
    [{ rows: '1/s' }, null],
    ['1/s', null],
    [null, null],
  ])('%j: %j', (value, rate) => expect(parseRate(value)).toEqual(rate));
});

describe('parseSettings', () => {
  it('takes what a job spec would say, and the end of a rate', () => {
    const given = { concurrency: 8, rate: { records: '10/s' }, rejects: { tolerate: '1%' }, priority: 1 };
    expect(parseSettings(given)).toEqual({
      concurrency: 8,
      rate: { records: 10 },
      rejects: { share: 0.01 },
      priority: 1,
    });
    expect(parseSettings({ rate: null, failedChunks: { tolerate: 3 } })).toEqual({
      rate: null,
      failedChunks: { count: 3 },
    });
  });

  it('names every fault', () => {
    const faults = { concurrency: 0, rate: '5', rejects: 5, failedChunks: { tolerate: 'x' }, priority: 9, speed: 1 };
    let thrown: unknown;
    try {
      parseSettings(faults);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(MillraceError);
    const { code, issues } = thrown as MillraceError;
    expect(code).toBe('job.bad_settings');
    expect(issues.map(({ path }) => path)).toEqual(Object.keys(faults).map((name) => `/${name}`));
    expect(() => parseSettings({})).toThrow('wanted an object with some of concurrency');
    expect(() => parseSettings(null)).toThrow('found null');
  });
});
