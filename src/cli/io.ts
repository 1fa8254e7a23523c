/** Where text goes: the part of a terminal or pipe that the commands use. */
export interface Out {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
  rows?: number;
}

/** Everything a command touches of its process, so that a test can be the process. */
export interface Io {
  stdout: Out;
  stderr: Out;
  env: Record<string, string | undefined>;
  cwd: string;
  /** The whole of standard input. */
  readStdin(): Promise<string>;
  /** Calls back on Ctrl-C and on a request to end; returns how to stop listening. */
  onInterrupt(handler: () => void): () => void;
}

export function processIo(): Io {
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    async readStdin() {
      const parts: Buffer[] = [];
      for await (const part of process.stdin) parts.push(part as Buffer);
      return Buffer.concat(parts).toString('utf8');
    },
    onInterrupt(handler) {
      process.on('SIGINT', handler);
      process.on('SIGTERM', handler);
      return () => {
        process.off('SIGINT', handler);
        process.off('SIGTERM', handler);
      };
    },
  };
}

export const DEFAULT_WIDTH = 100;

/** Columns that a line may take; a pipe has no width, so long lines are left whole there. */
export function widthOf(out: Out): number {
  return out.isTTY ? (out.columns ?? DEFAULT_WIDTH) : Number.POSITIVE_INFINITY;
}

export function writeLine(out: Out, text = ''): void {
  out.write(`${text}\n`);
}

export function writeJson(out: Out, value: unknown): void {
  out.write(`${JSON.stringify(value, null, 2)}\n`);
}
