/**
 * The one error class that crosses rooms. `code` is stable and part of the contract: HTTP problems, workflow failures
 * and the CLI show the same one. Message grammar: what happened, quoted value, wanted and found, no full stop.
 */
export class MillraceError extends Error {
  override readonly name = 'MillraceError';
  readonly code: string;
  /** Faults by place, for input with several of them. `path` is a JSON pointer into the spec. */
  readonly issues: Issue[];
  /** True where the same call may succeed later (a full disk, an absent server); false where it never will. */
  readonly retryable: boolean;
  /** When it may succeed, where that was said. */
  readonly retryAfterMs?: number;

  constructor(
    code: string,
    message: string,
    options: { issues?: Issue[]; retryable?: boolean; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.issues = options.issues ?? [];
    this.retryable = options.retryable ?? false;
    if (options.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs;
  }
}

export interface Issue {
  path: string;
  message: string;
}

/** The text of anything thrown, for messages. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
