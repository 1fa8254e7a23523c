import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { MillraceError } from '../../core/errors.js';
import type { Io } from '../io.js';
import { isRecord } from '../params.js';
import { parseText, readText } from '../read-spec.js';

const FILES = /\.(ya?ml|json)$/i;

export interface WrittenSchedule {
  /** Where it stands: `beat.yaml: schedules[2] (nightly)`. */
  label: string;
  id: string;
  document: Record<string, unknown>;
}

/**
 * The schedules of files and folders: each file has one, a list of them, or `{schedules: [...]}`.
 * Errors: `usage.spec_file`, `spec.unreadable`, `schedule.invalid` for what is no schedule, has no id or one that is taken.
 */
export async function readDocuments(paths: readonly string[], io: Io): Promise<WrittenSchedule[]> {
  const files = (await Promise.all(paths.map((path) => filesOf(path, io)))).flat();
  const all: WrittenSchedule[] = [];
  for (const file of files) {
    const value = await parseText(await readText(file, 'schedules', io), `"${file}"`);
    for (const { place, document } of documentsIn(value)) {
      const label = `${file}${place}`;
      if (!isRecord(document))
        throw invalid(`${label}: wanted a schedule with id, spec and when, found ${JSON.stringify(document)}`);
      const { id } = document;
      if (typeof id !== 'string' || id === '')
        throw invalid(`${label}: id: missing; it is how the schedule is found again`);
      const twin = all.find((other) => other.id === id);
      if (twin) throw invalid(`${label}: id "${id}" stands in ${twin.label} too`);
      all.push({ label: `${label} (${id})`, id, document });
    }
  }
  return all;
}

async function filesOf(path: string, io: Io): Promise<string[]> {
  const isFolder = path !== '-' && (await stat(resolve(io.cwd, path)).catch(() => null))?.isDirectory();
  if (!isFolder) return [path];
  const names = (await readdir(resolve(io.cwd, path))).filter((name) => FILES.test(name)).sort();
  if (names.length === 0)
    throw new MillraceError('usage.spec_file', `No schedules in "${path}": wanted files .yaml, .yml or .json`);
  return names.map((name) => join(path, name));
}

function documentsIn(value: unknown): Array<{ place: string; document: unknown }> {
  const whole = isRecord(value) && Array.isArray(value.schedules) && Object.keys(value).length === 1;
  const list: unknown = whole ? value.schedules : value;
  if (!Array.isArray(list)) return [{ place: '', document: list }];
  return list.map((document: unknown, n) => ({ place: `: ${whole ? 'schedules' : ''}[${n}]`, document }));
}

function invalid(message: string): MillraceError {
  return new MillraceError('schedule.invalid', message);
}
