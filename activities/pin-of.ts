import type { SourcePin } from '../src/core/plan.js';
import type { WorkArea } from '../src/stores/port.js';

/** What lies at a key of the work area, as a plan pins it. */
export async function pinOf(work: WorkArea, key: string): Promise<SourcePin> {
  const { pin, close } = await work.open(key);
  await close();
  return pin;
}
