import { appendFileSync, openSync, readFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import type { RecordUnit } from './tasks.js';

const PLACE = 'trace';
const FILES = 'files';

/**
 * Where a task process leaves word of what it is doing, for whoever finds it dead: the records that are with the processor,
 * and the private files it has begun. Plain writes into its scratch folder: they outlive any way a process can end, and are
 * read while it is in a tight loop. A few microseconds a record, so threads go without.
 */
export class RecordTrace {
  private readonly place = new Float64Array(2);
  private readonly bytes = Buffer.from(this.place.buffer);
  private readonly fd: number;

  /** @param folder an existing folder of this process alone */
  constructor(private readonly folder: string) {
    this.fd = openSync(path.join(folder, PLACE), 'w');
  }

  /** From now on these records are with the processor; none of them when `count` is 0. */
  at(first: number, count: number): void {
    this.place[0] = first;
    this.place[1] = count;
    writeSync(this.fd, this.bytes, 0, this.bytes.length, 0);
  }

  file(name: string): void {
    appendFileSync(path.join(this.folder, FILES), name + '\n');
  }
}

/** The records that are, or were at its end, with the processor of a task process; null for none. */
export function tracedUnit(folder: string): RecordUnit | null {
  const bytes = read(path.join(folder, PLACE));
  if (bytes.length < 16) return null;
  const [first, count] = [bytes.readDoubleLE(0), bytes.readDoubleLE(8)];
  return count === 0 ? null : { first, count };
}

/** The private files that a task process has begun. */
export function tracedFiles(folder: string): string[] {
  return read(path.join(folder, FILES))
    .toString()
    .split('\n')
    .filter((name) => name !== '');
}

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    // Not there yet: the process has not come that far.
    return Buffer.alloc(0);
  }
}
