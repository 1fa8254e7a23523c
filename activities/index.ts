import type { Activities } from '../src/contract.js';
import { checkOnce } from './check-once.js';
import { commit } from './commit.js';
import { copySource } from './copy-source.js';
import type { Dependencies } from './dependencies.js';
import { discard } from './discard.js';
import { withCodes } from './failures.js';
import { giveUp } from './give-up.js';
import { inspect, preview } from './inspect.js';
import { notify } from './notify.js';
import { processChunks } from './process-chunks.js';
import { standing } from './retry-range.js';
import { reduce } from './reduce.js';
import { stitch } from './stitch.js';
import { watchSchedules } from './watch-schedules.js';

/** The activities over their dependencies, one a verb. */
export function createActivities(given: Omit<Dependencies, 'check'>): Activities {
  const dependencies: Dependencies = { ...given, check: checkOnce(given.pool) };
  return {
    inspect: withCodes((input) => inspect(dependencies, input)),
    copySource: withCodes((input) => copySource(dependencies, input)),
    preview: withCodes((input) => preview(dependencies, input)),
    processChunks: withCodes((input) => processChunks(dependencies, input)),
    standing: withCodes((input) => standing(dependencies, input)),
    giveUp: withCodes((input) => giveUp(dependencies, input)),
    stitch: withCodes((input) => stitch(dependencies, input)),
    reduce: withCodes((input) => reduce(dependencies, input)),
    commit: withCodes((input) => commit(dependencies, input)),
    discard: withCodes((input) => discard(dependencies, input)),
    notify: withCodes((input) => notify(dependencies, input)),
    watchSchedules: withCodes(() => watchSchedules(dependencies)),
  };
}
