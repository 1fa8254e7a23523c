import type { BeatEntry } from './beat-entry.js';
import { compareTimes, type Comparison } from './compare-times.js';
import { processorOf, scheduleOfEntry, type Carried } from './schedule-of-entry.js';
import { idsOf } from './slugs.js';

const CELERY_PRIORITIES = 9;
const AMQP_PRIORITIES = 255;

export interface CarryOptions {
  now: Date;
  /** Names of processors by names of tasks. */
  processors: ReadonlyMap<string, string>;
}

export type Outcome = Carried & { comparison?: Comparison };

/** Every entry with what becomes of it, in the order of the entries. */
export function carryEntries(entries: readonly BeatEntry[], { now, processors }: CarryOptions): Outcome[] {
  const ids = idsOf(entries);
  const highestPriority = entries.some(({ priority }) => (priority ?? 0) > CELERY_PRIORITIES)
    ? AMQP_PRIORITIES
    : CELERY_PRIORITIES;
  const tasks = tasksByProcessor(entries, processors);
  return entries.map((entry, n) => {
    const carried = scheduleOfEntry(entry, ids[n]!, { now, processors, highestPriority });
    if (!carried.schedule) return carried;
    const others = tasks
      .get(processors.get(entry.task) ?? processorOf(entry.task))!
      .filter((task) => task !== entry.task);
    const remarks =
      others.length === 0
        ? carried.remarks
        : [
            ...carried.remarks,
            `task ${others.map((task) => `"${task}"`).join(', ')} gives the same processor; tell them apart with --map`,
          ];
    const { schedule } = carried;
    const comparison = compareTimes({ ...carried, schedule }, now);
    if (comparison.difference) remarks.push(comparison.difference);
    return { ...carried, fate: remarks.length > 0 ? 'carried with remarks' : 'carried', remarks, comparison };
  });
}

/** The tasks that share a processor without anybody having said so. */
function tasksByProcessor(
  entries: readonly BeatEntry[],
  processors: ReadonlyMap<string, string>,
): Map<string, string[]> {
  const tasks = new Map<string, string[]>();
  for (const { task } of entries) {
    const name = processors.get(task) ?? processorOf(task);
    const known = tasks.get(name) ?? [];
    if (!known.includes(task)) tasks.set(name, [...known, task]);
  }
  return tasks;
}
