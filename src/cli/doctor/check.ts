import { MillraceError, messageOf } from '../../core/errors.js';

export interface Check {
  name: string;
  status: 'ok' | 'warn' | 'fail';
  detail: string;
  /** What to do about it. */
  mend?: string;
}

export function ok(name: string, detail: string): Check {
  return { name, status: 'ok', detail };
}

export function warn(name: string, detail: string, mend: string): Check {
  return { name, status: 'warn', detail, mend };
}

export function fail(name: string, detail: string, mend: string): Check {
  return { name, status: 'fail', detail, mend };
}

/** @param version such as `1.32.0`; @param wanted major and minor */
export function isAtLeast(version: string, [wantedMajor, wantedMinor]: readonly [number, number]): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

/** A check that threw has failed, with the message of what it threw. */
export async function guarded(name: string, mend: string, run: () => Promise<Check>): Promise<Check> {
  try {
    return await run();
  } catch (error) {
    const issues = error instanceof MillraceError ? error.issues.map((issue) => issue.message) : [];
    const more = issues.filter((issue) => !messageOf(error).includes(issue));
    return fail(name, [messageOf(error), ...more].join('; '), mend);
  }
}
