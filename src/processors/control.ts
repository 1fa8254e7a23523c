import { MillraceError } from '../core/errors.js';

/**
 * What the main thread and a worker thread share while a task runs: a flag that asks it to stop, and how far it is. In
 * shared memory, because a thread in a tight loop reads no messages.
 */
export class TaskControl {
  private readonly stop: Int32Array;
  private readonly progress: Float64Array;

  constructor(readonly memory: SharedArrayBuffer = new SharedArrayBuffer(24)) {
    this.progress = new Float64Array(memory, 0, 2);
    this.stop = new Int32Array(memory, 16, 1);
  }

  cancel(): void {
    Atomics.store(this.stop, 0, 1);
  }

  get cancelled(): boolean {
    return Atomics.load(this.stop, 0) === 1;
  }

  /** @throws MillraceError `job.cancelled` once the task has been asked to stop */
  check(): void {
    if (this.cancelled) throw new MillraceError('job.cancelled', 'the job was cancelled or the attempt given up');
  }

  get bytes(): number {
    return this.progress[0]!;
  }

  get records(): number {
    return this.progress[1]!;
  }

  report(bytes: number, records: number): void {
    this.progress[0] = bytes;
    this.progress[1] = records;
  }
}
