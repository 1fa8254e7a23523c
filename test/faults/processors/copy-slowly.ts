import { z } from 'zod';
import { defineProcessor } from '../../../src/processors/define.js';
import { isFiltered, isRefused } from '../records.js';
import { everyHundredth } from './pause.js';

const params = z.object({ ms: z.number() });
const pause = everyHundredth();

export default defineProcessor<z.infer<typeof params>, { id: number; n: number }>({
  name: 'copy-slowly',
  description: 'Gives records back, but for those it filters and refuses, and takes its time',
  params,
  record({ id, n }, { params: { ms }, reject }) {
    pause(ms);
    if (isRefused(id)) return reject('refused');
    return isFiltered(id) ? null : { id, n };
  },
});
