import type { Activities } from '../src/contract.js';
import { maskOf } from '../src/core/secrets.js';
import type { Mask } from '../src/core/secrets.js';
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
export function createActivities(given: Omit<Dependencies, 'check' | 'mask'> & { mask?: Mask }): Activities {
  const dependencies: Dependencies = { mask: maskOf(), ...given, check: checkOnce(given.pool) };
  const coded = <Input extends unknown[], Result>(run: (...input: Input) => Promise<Result>) =>
    withCodes(dependencies.mask, run);
  return {
    inspect: coded((input) => inspect(dependencies, input)),
    copySource: coded((input) => copySource(dependencies, input)),
    preview: coded((input) => preview(dependencies, input)),
    processChunks: coded((input) => processChunks(dependencies, input)),
    standing: coded((input) => standing(dependencies, input)),
    giveUp: coded((input) => giveUp(dependencies, input)),
    stitch: coded((input) => stitch(dependencies, input)),
    reduce: coded((input) => reduce(dependencies, input)),
    commit: coded((input) => commit(dependencies, input)),
    discard: coded((input) => discard(dependencies, input)),
    notify: coded((input) => notify(dependencies, input)),
    watchSchedules: coded(() => watchSchedules(dependencies)),
  };
}
