import { z } from 'zod';
import { defineProcessor } from '../../../src/processors/define.js';
import { isRefused } from '../records.js';
import type { Sums } from '../records.js';
import { everyHundredth } from './pause.js';

const params = z.object({ ms: z.number() });
const pause = everyHundredth();

/** Sums that a lost or doubled record would change: how many, of the ids, of their squares. */
export default defineProcessor<z.infer<typeof params>, { id: number }, Sums>({
  name: 'sum-slowly',
  description: 'Adds up the ids of the records and takes its time',
  params,
  initial: () => ({ records: 0, ids: 0, squares: 0 }),
  add(sums, { id }, { params: { ms }, reject }) {
    pause(ms);
    if (isRefused(id)) return reject('refused');
    sums.records++;
    sums.ids += id;
    sums.squares += id * id;
    return sums;
  },
  merge: (a, b) => ({ records: a.records + b.records, ids: a.ids + b.ids, squares: a.squares + b.squares }),
  finish: (sums) => ({ ...sums }),
});
