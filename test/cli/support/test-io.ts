import type { Io, Out } from '../../../src/cli/io.js';
import { runCli } from '../../../src/cli/run-cli.js';

export interface TestOut extends Out {
  text: string;
}

export function testOut(terminal?: { columns: number }): TestOut {
  const out: TestOut = {
    text: '',
    write(text) {
      out.text += text;
    },
    ...(terminal && { isTTY: true, columns: terminal.columns }),
  };
  return out;
}

export interface TestIo extends Io {
  stdout: TestOut;
  stderr: TestOut;
  /** What Ctrl-C does. */
  interrupt(): void;
}

export function testIo(
  options: { env?: Record<string, string>; cwd?: string; stdin?: string; terminal?: { columns: number } } = {},
): TestIo {
  const handlers = new Set<() => void>();
  return {
    stdout: testOut(options.terminal),
    stderr: testOut(options.terminal),
    env: options.env ?? {},
    cwd: options.cwd ?? process.cwd(),
    readStdin: async () => options.stdin ?? '',
    onInterrupt(handler) {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
    interrupt() {
      for (const handler of [...handlers]) handler();
    },
  };
}

/** One command line in a process of its own, as far as it can see. */
export async function millrace(args: string[], options: Parameters<typeof testIo>[0] = {}) {
  const io = testIo(options);
  const code = await runCli(args, io);
  return { code, out: io.stdout.text, err: io.stderr.text };
}
