import { describe, expect, it } from 'vitest';
import { parseBytes, parseDuration } from '../../src/schema/units.js';

describe('parseBytes', () => {
  it.each<[unknown, number | null]>([
    ['64MiB', 67_108_864],
    ['64 mib', 67_108_864],
    ['1.5GB', 1_500_000_000],
    ['4096', 4096],
    [4096, 4096],
    [0, 0],
    ['', null],
    ['MiB', null],
    ['-1KB', null],
    [-1, null],
    ['1e3', null],
    ['9007199254740993', null],
    [Number.NaN, null],
    [null, null],
  ])('%j: %j', (value, bytes) => expect(parseBytes(value)).toBe(bytes));
});

describe('parseDuration', () => {
  it.each<[unknown, number | null]>([
    ['250ms', 250],
    ['10s', 10_000],
    ['1.5h', 5_400_000],
    ['7d', 604_800_000],
    [0, 0],
    [10, null],
    ['10', null],
    ['1w', null],
    ['s', null],
  ])('%j: %j', (value, ms) => expect(parseDuration(value)).toBe(ms));
});
