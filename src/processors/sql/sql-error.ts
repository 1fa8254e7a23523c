import { MillraceError, messageOf } from '../../core/errors.js';

/** `map` and `reduce` as users write them. */
export type SqlStep = 'map' | 'reduce';

/** DuckDB says the kind of an error only in the first words of its message. */
const KINDS: Array<{ prefix: RegExp; code: string; retryable: boolean }> = [
  { prefix: /^Out of Memory Error: /, code: 'sql.out_of_memory', retryable: false },
  { prefix: /^IO Error: /, code: 'sql.io', retryable: true },
  {
    prefix: /^(Parser|Syntax|Binder|Catalog|Permission|Not implemented|Parameter Not Resolved) Error: /,
    code: 'sql.invalid',
    retryable: false,
  },
];

/**
 * What DuckDB threw, in the project's terms: `sql.invalid`, `sql.out_of_memory`, `sql.io` (retryable), else `sql.failed`.
 * @param columns those of the table that the statement reads; named where it asks for one that is not there
 */
export function sqlError(
  step: SqlStep,
  error: unknown,
  table?: { name: string; columns: readonly string[] },
): MillraceError {
  if (error instanceof MillraceError) return error;
  const text = messageOf(error);
  const kind = KINDS.find(({ prefix }) => prefix.test(text)) ?? { code: 'sql.failed', retryable: false };
  let message = plain(text);
  if (kind.code === 'sql.out_of_memory')
    message =
      "the query needs more memory than a thread may use; group by fewer values, take smaller chunks or raise the worker's memory";
  else if (table && /column .* not found|does not have a column/i.test(text)) {
    message += `; the columns of "${table.name}" are ${table.columns.map((name) => `"${name}"`).join(', ')}`;
  }
  return new MillraceError(kind.code, `${step}: ${message}`, { retryable: kind.retryable, cause: error });
}

/** Without the kind, the excerpt with its caret (it shows our wrapping, not the user's text) and the line breaks. */
function plain(text: string): string {
  return text
    .replace(/\n+LINE \d+:[\s\S]*$/, '')
    .replace(/\n+Possible (solutions|fixes):[\s\S]*$/, '')
    .replace(/^[A-Z][\w ]* Error: /, '')
    .replace(/\s*\n\s*/g, '; ')
    .replace(/[!;]+(?=;)/g, '')
    .replace(/[.!;\s]+$/, '');
}
