import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { MillraceError, messageOf } from '../core/errors.js';
import { MAX_DEPTH, isTooDeep } from '../schema/parts.js';
import type { Io } from './io.js';
import { isRecord } from './params.js';

/**
 * The spec in a JSON or YAML file, or on standard input for `-`, as written.
 * Errors: `usage.spec_file` (cannot be opened), `spec.unreadable` (neither JSON nor YAML), `spec.not_an_object`.
 */
export async function readSpec(path: string, io: Io): Promise<Record<string, unknown>> {
  const label = path === '-' ? 'standard input' : `"${path}"`;
  const text = await readText(path, 'spec', io);
  const value = await parseText(text, label);
  if (!isRecord(value)) {
    throw new MillraceError(
      'spec.not_an_object',
      `Cannot use ${label} as a spec: wanted an object with "source" and "process", found ${kindOf(value)}`,
    );
  }
  return value;
}

/** The text of a file, or of standard input for `-`. Errors: `usage.spec_file`. */
export async function readText(path: string, what: string, io: Io): Promise<string> {
  if (path === '-') return io.readStdin();
  try {
    return await readFile(resolve(io.cwd, path), 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const reason =
      code === 'ENOENT'
        ? 'no such file'
        : code === 'EISDIR'
          ? 'it is a folder'
          : code === 'EACCES'
            ? 'access denied'
            : messageOf(error);
    throw new MillraceError('usage.spec_file', `Cannot read the ${what} "${path}": ${reason}`, { cause: error });
  }
}

/** Errors: `spec.unreadable`. */
export async function parseText(text: string, label: string): Promise<unknown> {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Not JSON: YAML, whose parser also says best where broken JSON breaks.
  }
  const { parseDocument } = await import('yaml');
  const document = parseDocument(text);
  const fault = document.errors[0];
  if (fault) {
    throw new MillraceError(
      'spec.unreadable',
      `Cannot read ${label} as YAML or JSON: ${fault.message.split('\n')[0]!.replace(/:$/, '')}`,
    );
  }
  const value = document.toJS({ maxAliasCount: 100 }) as unknown;
  if (!isTooDeep(value)) return value;
  throw new MillraceError('spec.unreadable', `${label} is nested deeper than ${MAX_DEPTH} levels, or holds itself`);
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`;
}
