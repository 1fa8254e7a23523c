import { randomUUID } from 'node:crypto';
import type { Issue } from '../core/errors.js';
import type { JobResult } from '../core/job.js';
import { keys } from '../core/receipt.js';
import type { Reject } from '../core/records.js';
import type { WorkArea } from '../stores/port.js';
import { linesOf } from './bytes.js';
import { HttpProblem } from './problems.js';

const MAX_ISSUES = 20;

/** What a line must have in common with the one it corrects. Code and message may be gone. */
const PLACE = ['source', 'chunk', 'offset', 'line', 'record'] as const;
type Correction = Pick<Reject, (typeof PLACE)[number] | 'raw'>;

/**
 * Checks a corrected reject file against the job's own and puts it into the work area, a file for each chunk.
 * @param text lines of the reject file with their `raw` mended; lines that are left out stay rejected
 * @returns the prefix of the files
 * @throws HttpProblem `rejects.invalid` with an issue for each bad line
 */
export async function storeCorrections(
  work: WorkArea,
  id: string,
  text: string,
  result: JobResult | undefined,
): Promise<string> {
  if (!result?.rejects) {
    throw invalid(`job "${id}" kept no rejected records that could be corrected; retry it without a body`, []);
  }
  const issues: Issue[] = [];
  const fault = (line: number, message: string) =>
    void (issues.length < MAX_ISSUES && issues.push({ path: `/${line - 1}`, message: `line ${line}: ${message}` }));

  const given = new Map<string, { line: number; correction: Correction }>();
  for (const [i, lineText] of text.split('\n').entries()) {
    if (lineText.trim() === '') continue;
    const correction = parsed(lineText);
    if (!correction) {
      fault(i + 1, 'wanted a JSON object with source, chunk, offset, line, record and raw, as the reject file has it');
      continue;
    }
    const place = placeOf(correction);
    const twin = given.get(place);
    if (twin) fault(i + 1, `the record of line ${twin.line} once more; give each record one line`);
    else given.set(place, { line: i + 1, correction });
  }
  if (given.size === 0 && issues.length === 0)
    throw invalid('the body holds no line; send none to retry all records', []);

  const missing = new Map(given);
  const source = await work.open(result.rejects.uri);
  try {
    for await (const line of linesOf(source)) missing.delete(placeOf(JSON.parse(line) as Reject));
  } finally {
    await source.close();
  }
  for (const { line } of missing.values()) fault(line, `no rejected record of job "${id}" is at that place`);
  const [first] = issues;
  if (first) throw invalid(first.message, issues);

  const prefix = keys.corrections(id, randomUUID());
  const byChunk = new Map<number, string>();
  for (const { correction } of given.values()) {
    const { chunk } = correction;
    byChunk.set(chunk, `${byChunk.get(chunk) ?? ''}${JSON.stringify(correction)}\n`);
  }
  for (const [chunk, file] of byChunk) await work.publish(keys.correction(prefix, chunk), file);
  return prefix;
}

/** Null where the line is no correction. */
function parsed(line: string): Correction | null {
  try {
    const value = JSON.parse(line) as Partial<Correction> | null;
    if (!Number.isSafeInteger(value?.chunk) || typeof value?.raw !== 'string') return null;
    const { source, chunk, offset, line: at, record, raw } = value as Correction;
    return { source, chunk, offset, line: at, record, raw };
  } catch {
    return null;
  }
}

function placeOf(reject: Correction): string {
  return JSON.stringify(PLACE.map((name) => reject[name]));
}

function invalid(message: string, issues: Issue[]): HttpProblem {
  return new HttpProblem('rejects.invalid', message, { issues });
}
