import { MillraceError } from '../core/errors.js';
import { samePin } from '../core/plan.js';
import { WORK_SCHEME } from './port.js';
import type { SourceStore, WorkArea } from './port.js';

/** Results that lie in the work area, as sources of other jobs. Only a plan names them: found by name, they would open the work of everybody. */
export function createWorkSource(work: WorkArea): SourceStore {
  const keyOf = (uri: string) => uri.slice(WORK_SCHEME.length);
  return {
    find: (uri) =>
      Promise.reject(
        new MillraceError('source.scheme', `"${uri}" names the work area; name a job as source.job instead`),
      ),

    async open(uri, pin) {
      const source = await work.open(keyOf(uri));
      if (!pin || samePin(pin, source.pin)) return source;
      await source.close();
      throw new MillraceError(
        'source.changed',
        `source "${uri}" changed since the job was planned: its job was retried; start the job again`,
      );
    },

    localPath: async (uri) => work.localPath(keyOf(uri)),
  };
}
