import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Column } from '../../../src/core/records.js';
import { rangeRunner } from '../../helpers/one-range.js';
import type { RangeRunner } from '../../helpers/one-range.js';

let runner: RangeRunner;
beforeAll(async () => {
  runner = await rangeRunner();
});
afterAll(() => runner.close());

const COLUMNS: Column[] = [
  { name: 'n', type: 'int' },
  { name: 'deed', type: 'string' },
];

type Fate = 'good' | 'refused' | 'unreadable' | 'poison';

const lineOf = (fate: Fate, n: number) => {
  if (fate === 'unreadable') return `no number,${n}`;
  return fate === 'good' ? `${n},none` : `${n},refuse`;
};

/** Numbers of the poison records among those that can be read. */
function poisonOf(fates: Fate[]) {
  const readable = fates.filter((fate) => fate !== 'unreadable');
  return readable.flatMap((fate, record) =>
    fate === 'poison' ? [{ record, code: 'processor.rejected' as never, message: 'was told to' }] : [],
  );
}

describe('records that are known to end their process', () => {
  it.each(['poison', 'poison-later', 'poison-batch', 'poison-sum'])(
    'are rejected as if the processor had done it: %s',
    async (use) => {
      const fates = fc.array(fc.constantFrom<Fate>('good', 'good', 'refused', 'unreadable', 'poison'), {
        maxLength: 130,
      });
      await fc.assert(
        fc.asyncProperty(fates, async (drawn) => {
          const text = drawn.map((fate, n) => lineOf(fate, n) + '\n').join('');
          const asProcessed = await runner.csv(text, COLUMNS, { use });
          const asPoison = await runner.csv(text, COLUMNS, { use }, {}, poisonOf(drawn));
          expect(asPoison).toEqual(asProcessed);
        }),
        { numRuns: 30 },
      );
    },
  );

  it('are never given to the processor', async () => {
    const text = '1,none\n2,throw\n3,none\n';
    const poison = [{ record: 1, code: 'processor.crashed' as const, message: 'the processor ended its process' }];
    for (const use of ['poison', 'poison-later', 'poison-batch']) {
      const { rows, rejects, receipt } = await runner.csv(text, COLUMNS, { use }, {}, poison);
      expect(rows.map(({ n }) => n)).toEqual([1, 3]);
      expect(rejects).toMatchObject([{ line: 2, record: 2, offset: 7, code: 'processor.crashed', raw: '2,throw' }]);
      expect(receipt.counts).toEqual({ in: 3, used: 2, filtered: 0, rejected: 1, out: 2 });
    }
  });
});
