import { MillraceError, type Issue } from '../core/errors.js';

/** What cannot be read as a whole. */
export function unreadable(message: string, cause?: unknown): MillraceError {
  return new MillraceError('import.unreadable', message, { cause });
}

/** All that is wrong in what could be read. */
export function invalid(label: string, issues: Issue[]): MillraceError {
  const faults = issues.length === 1 ? '1 fault' : `${issues.length} faults`;
  return new MillraceError('import.invalid', `${label} has ${faults}; nothing was changed`, { issues });
}
