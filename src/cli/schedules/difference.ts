import type { ScheduleDocument } from '../../core/schedule.js';
import { isRecord } from '../params.js';

export interface ChangedField {
  path: string;
  /** Absent where there was none. */
  from?: unknown;
  /** Absent where there is none any more. */
  to?: unknown;
}

const FIELDS: ReadonlyArray<keyof ScheduleDocument> = [
  'spec',
  'when',
  'timezone',
  'startAt',
  'endAt',
  'jitter',
  'maxRuns',
  'overlap',
  'catchup',
  'pauseOnFailure',
  'paused',
  'note',
  'notify',
];

/** What of a schedule is written otherwise, down to the single value. */
export function difference(from: ScheduleDocument, to: ScheduleDocument): ChangedField[] {
  return FIELDS.flatMap((field) => fieldsBetween(field, from[field], to[field]));
}

function fieldsBetween(path: string, from: unknown, to: unknown): ChangedField[] {
  if (isRecord(from) && isRecord(to)) {
    const keys = [...new Set([...Object.keys(from), ...Object.keys(to)])];
    return keys.flatMap((key) => fieldsBetween(`${path}.${key}`, from[key], to[key]));
  }
  if (JSON.stringify(from) === JSON.stringify(to)) return [];
  return [{ path, ...(from !== undefined && { from }), ...(to !== undefined && { to }) }];
}
