import { describe, expect, it } from 'vitest';
import { endsAnywhere } from '../../src/core/part-format.js';
import type { Plan } from '../../src/core/plan.js';
import { parseSpec } from '../../src/schema/spec.js';

const plan = (sink: object | undefined, changes: Partial<Plan> = {}) =>
  ({
    spec: parseSpec({ source: { uri: 'in.csv' }, process: { use: 'pass' }, ...(sink && { sink }) }),
    chunkCount: 100,
    chunksPerActivity: 10,
    reduces: false,
    ...changes,
  }) as Plan;

describe('a range may end at any chunk', () => {
  it.each([
    ['one NDJSON file', { uri: 'out.ndjson' }],
    ['one CSV file', { uri: 'out.csv' }],
    ['a table', { uri: 'postgres://db/table' }],
    ['the result that is asked for', undefined],
  ])('where the output is joined: %s', (_, sink) => {
    expect(endsAnywhere(plan(sink))).toBe(true);
  });

  it.each([
    ['part files', { uri: 'out/', format: 'csv' }],
    ['gzip files in a row', { uri: 'out.ndjson.gz' }],
    ['row groups of Parquet', { uri: 'out.parquet' }],
  ])('not where the output would show it: %s', (_, sink) => {
    expect(endsAnywhere(plan(sink))).toBe(false);
  });

  it('not where partials are summed up, nor where there is one range', () => {
    expect(endsAnywhere(plan(undefined, { reduces: true }))).toBe(false);
    expect(endsAnywhere(plan(undefined, { chunkCount: 10 }))).toBe(false);
  });
});
