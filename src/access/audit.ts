/** Who changed what, or tried to: one JSON object a line. */
import { appendFile, open } from 'node:fs/promises';
import { MillraceError, messageOf } from '../core/errors.js';

export interface AuditEntry {
  /** RFC 3339. */
  at: string;
  requestId: string;
  /** Null where the caller could not be identified. */
  subject: string | null;
  tenant: string | null;
  /** Of the connection; behind a proxy that of the proxy. */
  address: string | null;
  method: string;
  path: string;
  status: number;
  /** Of the problem, where it was refused. */
  code?: string;
}

/** Of the file so much is looked at from its end. */
const READ_BYTES = 4 * 1024 * 1024;

export interface Audit {
  write(entry: AuditEntry): void;
  /** The newest entries of a tenant, newest first. Of what was moved away nothing is known. */
  newest(tenant: string, most: number): Promise<AuditEntry[]>;
}

/**
 * Appends to a file, which is opened anew for every entry, so that it may be moved away at any time. What cannot be written
 * is told to `log`, with its entry.
 * @throws MillraceError `config.invalid` where the file cannot be written at the start
 */
export async function createAudit(file: string, log: (line: string) => void): Promise<Audit> {
  const append = (text: string) => appendFile(file, text, { mode: 0o600 });
  await append('').catch((error: unknown) => {
    throw new MillraceError('config.invalid', `MILLRACE_AUDIT "${file}" cannot be written: ${messageOf(error)}`, {
      cause: error,
    });
  });
  let last = Promise.resolve();
  return {
    write(entry) {
      const line = JSON.stringify(entry);
      last = last
        .then(() => append(`${line}\n`))
        .catch((error: unknown) => log(`audit cannot be written (${messageOf(error)}): ${line}`));
    },
    async newest(tenant, most) {
      await last;
      const entries = (await linesOfEnd(file)).map((line) => JSON.parse(line) as AuditEntry);
      return entries
        .filter((entry) => entry.tenant === tenant)
        .slice(-most)
        .reverse();
    },
  };
}

async function linesOfEnd(file: string): Promise<string[]> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const from = Math.max(0, size - READ_BYTES);
    const bytes = Buffer.alloc(size - from);
    await handle.read(bytes, 0, bytes.length, from);
    const lines = bytes.toString().split('\n');
    // The first may have lost its beginning, the last is what follows the last line end.
    return lines.slice(from > 0 ? 1 : 0, -1);
  } finally {
    await handle.close();
  }
}
