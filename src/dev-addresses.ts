import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What `millrace dev` writes to `<home>/dev.json`, so that the other commands find it from the same home. */
export interface DevAddresses {
  pid: number;
  /** `host:port` of the Temporal server. */
  temporal: string;
  namespace: string;
  /** Temporal Web UI; null where the server has none that is known. */
  ui: string | null;
  api: string;
  /** RFC 3339, UTC. */
  startedAt: string;
}

export function devFile(home: string): string {
  return join(home, 'dev.json');
}

/** The addresses of the `dev` that runs from this home; null where none does. */
export async function readDevAddresses(home: string): Promise<DevAddresses | null> {
  let found: Partial<DevAddresses>;
  try {
    found = JSON.parse(await readFile(devFile(home), 'utf8')) as Partial<DevAddresses>;
  } catch {
    return null;
  }
  const whole = typeof found.pid === 'number' && typeof found.api === 'string' && typeof found.temporal === 'string';
  return whole && isAlive(found.pid!) ? (found as DevAddresses) : null;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
