import type { Command } from 'commander';
import { apiClient, type ApiClient } from './api-client.js';
import { findApi } from './find-api.js';
import type { Io } from './io.js';
import { styleFor, type Style } from './style.js';

/** What every command is given. */
export interface Cli {
  io: Io;
  /** Colours of standard output and of standard error. */
  style: Style;
  errorStyle: Style;
  /** The client of the API that the flags, the environment or `dev` name. */
  client(): Promise<ApiClient>;
  /** Wraps what a command does: the number it returns is what the process exits with; nothing means 0. */
  action<Args extends unknown[]>(run: (...args: Args) => Promise<number | void>): (...args: Args) => Promise<void>;
}

/** Adds a command to the program. */
export type Register = (program: Command, cli: Cli) => void;

export function createCli(program: Command, io: Io, exit: (code: number) => void): Cli {
  return {
    io,
    style: styleFor(io.stdout, io.env),
    errorStyle: styleFor(io.stderr, io.env),
    client: async () =>
      apiClient(await findApi(io, program.opts<{ api?: string }>().api), io.env.MILLRACE_TOKEN || undefined),
    action:
      (run) =>
      async (...args) =>
        exit((await run(...args)) ?? 0),
  };
}
