import type { ZodType } from 'zod';
import type { Row } from '../core/records.js';

/** What a processor may use beside the record itself. */
export interface ProcessorContext<Params> {
  /** The parameters of the job, as the schema returned them. */
  params: Params;
  /** Aborted when the job is cancelled or the attempt is given up. */
  signal: AbortSignal;
  /** Refuses the record: `return reject('why')`. It goes to the rejects of the job with its place in the source. */
  reject(message: string, code?: string): Rejected;
  /** To the log of the worker. */
  log(message: string): void;
}

/** Made by `reject`; returned in place of a record. */
export class Rejected {
  constructor(
    readonly message: string,
    readonly code: string,
  ) {}
}

/**
 * Thrown by a processor where what it calls refuses it for the moment (HTTP 429 or 503). The chunk is tried again later
 * and costs no attempt; the job takes fewer chunks at once, and pauses where it is refused again and again.
 * @example
 * if (Busy.is(response)) throw Busy.from(response, 'the geocoder');
 */
export class Busy extends Error {
  override readonly name = 'Busy';

  /** @param retryAfterMs what was said of when to come again */
  constructor(
    message: string,
    readonly retryAfterMs?: number,
  ) {
    super(message);
  }

  /** Whether a response says so. */
  static is({ status }: { status: number }): boolean {
    return status === 429 || status === 503;
  }

  /** Takes `Retry-After` from the response, in seconds or as a date. */
  static from(response: { status: number; headers: { get(name: string): string | null } }, whose: string): Busy {
    const said = response.headers.get('retry-after')?.trim() ?? '';
    const ms = /^\d+$/.test(said) ? Number(said) * 1000 : Date.parse(said) - Date.now();
    return new Busy(`${whose} answers ${response.status}`, Number.isFinite(ms) ? Math.max(0, ms) : undefined);
  }
}

/** By name: the processor's file may have loaded this module once more, with a class of its own. */
export function isBusy(error: unknown): error is Busy {
  return error instanceof Error && error.name === 'Busy';
}

/** One record in; one, none (`null`: filtered) or several out. */
export type RecordOutput = Row | Row[] | Rejected | null | undefined;

interface Common<Params> {
  /** Lower-case words joined by `-`; what `process.use` says. */
  name: string;
  description: string;
  /** The schema of `process.with`. Absent: no parameters. */
  params?: ZodType<Params>;
}

export interface RecordProcessor<Params, In extends Row = Row> extends Common<Params> {
  record(row: In, context: ProcessorContext<Params>): RecordOutput | Promise<RecordOutput>;
}

export interface BatchProcessor<Params, In extends Row = Row> extends Common<Params> {
  /** Up to `batchSize` neighbouring records in; one entry per record out, in their order, so that each has its fate. */
  batch(rows: In[], context: ProcessorContext<Params>): RecordOutput[] | Promise<RecordOutput[]>;
  /** Records per call; default 1,000. */
  batchSize?: number;
}

export interface ReduceProcessor<Params, In extends Row = Row, Acc = unknown> extends Common<Params> {
  /** A fresh accumulator; must be plain JSON data, for it is stored between the steps. */
  initial(context: { params: Params }): Acc;
  /** Adds one record; returns the accumulator (the same one, changed, is fine), or `reject(…)`. */
  add(accumulator: Acc, row: In, context: ProcessorContext<Params>): Acc | Rejected;
  /** Joins two accumulators; associative. Called in source order. */
  merge(a: Acc, b: Acc): Acc;
  /** The rows of the result. */
  finish(accumulator: Acc, context: { params: Params }): Row | Row[];
}

export type Processor<Params = unknown, In extends Row = Row, Acc = unknown> =
  RecordProcessor<Params, In> | BatchProcessor<Params, In> | ReduceProcessor<Params, In, Acc>;

/** A processor of any parameters, as the engine holds it. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- parameters are checked by the processor's own schema
export type AnyProcessor = Processor<any, any, any>;

/**
 * Declares a processor. Export the result as the default of a file in the processors folder.
 * @example
 * export default defineProcessor({
 *   name: 'double',
 *   description: 'Doubles n',
 *   record: (row) => ({ ...row, n: Number(row.n) * 2 }),
 * });
 */
export function defineProcessor<Params = Record<string, never>, In extends Row = Row>(
  processor: RecordProcessor<Params, In>,
): RecordProcessor<Params, In>;
export function defineProcessor<Params = Record<string, never>, In extends Row = Row>(
  processor: BatchProcessor<Params, In>,
): BatchProcessor<Params, In>;
export function defineProcessor<Params = Record<string, never>, In extends Row = Row, Acc = unknown>(
  processor: ReduceProcessor<Params, In, Acc>,
): ReduceProcessor<Params, In, Acc>;
export function defineProcessor(processor: AnyProcessor): AnyProcessor {
  return Object.freeze({ ...processor });
}

/** The name of the processor that is built in. */
export const SQL = 'sql';

export type ProcessorKind = 'record' | 'batch' | 'reduce';

/** Which of the three shapes it has; null where it has none. */
export function kindOf(processor: Partial<AnyProcessor>): ProcessorKind | null {
  if ('record' in processor && typeof processor.record === 'function') return 'record';
  if ('batch' in processor && typeof processor.batch === 'function') return 'batch';
  const steps = ['initial', 'add', 'merge', 'finish'] as const;
  return steps.every((step) => typeof (processor as Record<string, unknown>)[step] === 'function') ? 'reduce' : null;
}
