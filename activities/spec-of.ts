import type { InspectInput } from '../src/contract.js';
import type { JobSpec } from '../src/core/spec.js';
import { parseSpec } from '../src/schema/spec.js';
import { resolveTemplates } from '../src/timetable/templates.js';

/** The canonical spec of a job, with the templates of its nominal time written out. */
export function specOf({ spec, scheduled }: Pick<InspectInput, 'spec' | 'scheduled'>): JobSpec {
  const moment = scheduled ? { time: new Date(scheduled.time), timezone: scheduled.timezone } : null;
  return parseSpec(resolveTemplates(spec, moment), { internal: true });
}
