export interface CliSearch {
  /** MILLRACE_HOME; binaries are kept in `<home>/cache`. */
  home: string;
  env: NodeJS.ProcessEnv;
  /** Hears a line of what is being done. */
  say: (line: string) => void;
}

/** One way to a `temporal` binary. */
export interface Way {
  name: string;
  /** Paths of binaries, best first; none where this way has nothing to offer. Throws where it failed. */
  candidates(search: CliSearch): Promise<string[]>;
}
