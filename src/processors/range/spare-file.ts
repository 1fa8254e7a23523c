import { renameSync, rmSync, statSync } from 'node:fs';

/** A smaller one is as soon made anew. */
const SMALLEST_BYTES = 1024 * 1024;
/** A larger one is too much to hold on to. */
const LARGEST_BYTES = 128 * 1024 * 1024;
const KEPT_MS = 5_000;

/**
 * The last slice of a thread, kept so that the next is written over it: where scratch is memory, that of a new file takes two
 * thirds of the time of a copy. It goes when it is not wanted for some seconds.
 */
export class SpareFile {
  private timer: NodeJS.Timeout | null = null;

  /** @param path where it lies meanwhile */
  constructor(private readonly path: string) {}

  /** Puts it where a new file is to be, under its new name. @returns false where there is none */
  moveTo(path: string): boolean {
    if (!this.timer) return false;
    clearTimeout(this.timer);
    this.timer = null;
    renameSync(this.path, path);
    return true;
  }

  /** Takes a file that nobody needs any more, in place of the one before. */
  keep(path: string): void {
    const { size } = statSync(path);
    if (size < SMALLEST_BYTES || size > LARGEST_BYTES) return;
    renameSync(path, this.path);
    if (this.timer) clearTimeout(this.timer);
    this.timer = setTimeout(() => this.drop(), KEPT_MS).unref();
  }

  private drop(): void {
    this.timer = null;
    rmSync(this.path, { force: true });
  }
}
