import type { z } from 'zod';
import type { Issue } from '../core/errors.js';

type RawIssue = z.core.$ZodRawIssue;

/** A JSON pointer (RFC 6901) of a path; the whole document is the empty string. */
export function pointer(path: readonly PropertyKey[]): string {
  return path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** A path as people say it: `source.csv.delimiter`, `source.items[3]`. */
export function dotted(path: readonly PropertyKey[]): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    .join('')
    .replace(/^\./, '');
}

/** The faults that zod found, as messages of this project. Unknown keys first: what seems missing is often one of them. */
export function toIssues(error: z.ZodError): Array<Issue & { at: string }> {
  const unknownFirst = [...error.issues].sort(
    (a, b) => Number(b.code === 'unrecognized_keys') - Number(a.code === 'unrecognized_keys'),
  );
  return unknownFirst.flatMap((issue) => {
    const path = issue.path;
    if (issue.code !== 'unrecognized_keys') return [{ path: pointer(path), at: dotted(path), message: issue.message }];
    const hints = issue.message.split('\n');
    return issue.keys.map((key, n) => ({
      path: pointer([...path, key]),
      at: dotted(path),
      message: hints[n] ?? issue.message,
    }));
  });
}

/** The wording of zod's own checks: what was wanted, and what was found. */
export function wording(issue: RawIssue): string | undefined {
  const found = `found ${shown(issue.input)}`;
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? `missing; wanted ${article(issue.expected)}`
        : `wanted ${article(issue.expected)}, ${found}`;
    case 'invalid_value':
      return `wanted ${oneOf(issue.values.map((value) => JSON.stringify(value)))}, ${found}`;
    case 'too_small':
      return issue.origin === 'string' || issue.origin === 'array'
        ? `wanted at least ${counted(issue.minimum, issue.origin)}, found ${lengthOf(issue.input)}`
        : `wanted ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}, ${found}`;
    case 'too_big':
      return issue.origin === 'string' || issue.origin === 'array'
        ? `wanted at most ${counted(issue.maximum, issue.origin)}, found ${lengthOf(issue.input)}`
        : `wanted ${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}, ${found}`;
    case 'invalid_union':
      return `none of the allowed forms, ${found}`;
    case 'unrecognized_keys':
      return issue.keys.map((key) => `unknown key "${key}"`).join('\n');
    default:
      return undefined;
  }
}

/** A strict object whose unknown keys are named, each with the key that was probably meant. */
export function unknownKeys(known: readonly string[]) {
  return (issue: RawIssue): string | undefined => {
    if (issue.code !== 'unrecognized_keys') return undefined;
    return issue.keys.map((key) => `unknown key "${key}"; ${suggestion(key, known)}`).join('\n');
  };
}

export function suggestion(key: string, known: readonly string[]): string {
  const near = nearest(key, known);
  return near === null ? `known here: ${known.join(', ')}` : `did you mean "${near}"?`;
}

/** The known word that at most a third of the letters tell apart, or null. */
export function nearest(word: string, known: readonly string[]): string | null {
  let best: { word: string; distance: number } | null = null;
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (
      distance <= Math.max(1, Math.ceil(Math.max(word.length, candidate.length) / 3)) &&
      (!best || distance < best.distance)
    ) {
      best = { word: candidate, distance };
    }
  }
  return best && best.word;
}

/** Insertions, deletions, changes and swaps of neighbours that turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min(row[j - 1]! + 1, rows[i - 1]![j]! + 1, rows[i - 1]![j - 1]! + change);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, rows[i - 2]![j - 2]! + 1);
      row.push(cost);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}

/** A value for a message: JSON, cut at 60 characters. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'bigint') return `${value}`;
  const text = JSON.stringify(value) ?? typeof value;
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}

function oneOf(words: readonly string[]): string {
  return words.length === 1 ? words[0]! : `one of ${words.join(', ')}`;
}

function counted(count: number | bigint, origin: string): string {
  const [one, many] = origin === 'string' ? ['character', 'characters'] : ['entry', 'entries'];
  return `${count} ${Number(count) === 1 ? one : many}`;
}

function lengthOf(input: unknown): number {
  return (input as { length?: number } | undefined)?.length ?? 0;
}

function article(expected: string): string {
  const words: Record<string, string> = {
    object: 'an object',
    record: 'an object',
    array: 'a list',
    string: 'a text',
    number: 'a number',
    int: 'a whole number',
    boolean: 'true or false',
  };
  return words[expected] ?? expected;
}
