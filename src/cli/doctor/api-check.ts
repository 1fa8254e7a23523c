import { messageOf } from '../../core/errors.js';
import type { ApiClient } from '../api-client.js';
import { packageVersion } from '../package-root.js';
import { ok, warn, type Check } from './check.js';
import { MAX_SKEW_MS, SET_CLOCKS, skewText } from './clock.js';

const START_ONE = 'start one with "npx millrace dev" or "millrace api", or name another with --api URL';

/** The API that the other commands would ask: that it answers, its version, its clock. A worker needs none, so its absence is no failure. */
export async function checkApi(client: () => Promise<ApiClient>, now: () => number = Date.now): Promise<Check[]> {
  try {
    const { url, about } = await client();
    const asked = now();
    const { version, clock } = await about();
    const answered = now();
    const own = packageVersion();
    const detail = `${url}, version ${version}`;
    const api =
      version === own
        ? ok('api', detail)
        : warn('api', `${detail}, this command is ${own}`, 'let both be of one version, the older one upgraded');
    return [api, checkClock(clock, asked, answered)];
  } catch (error) {
    return [warn('api', messageOf(error), START_ONE)];
  }
}

/** The header has whole seconds: what it says was so within the second behind it. */
function checkClock(clock: Date | null, asked: number, answered: number): Check {
  const name = 'clock of the API';
  if (!clock) return ok(name, 'not told');
  const ahead = clock.getTime() - answered;
  const behind = asked - (clock.getTime() + 1000);
  if (ahead > MAX_SKEW_MS) return warn(name, `${skewText(ahead)} ahead of this machine`, SET_CLOCKS);
  if (behind > MAX_SKEW_MS) return warn(name, `${skewText(behind)} behind this machine`, SET_CLOCKS);
  return ok(name, 'in step with this machine');
}
