import { Rejected } from '../define.js';
import type { RecordTrace } from '../record-trace.js';
import type { Poison, RecordUnit } from '../tasks.js';

/**
 * Stands between a range and its processor where records are known or feared to end the process. Records go by their number
 * among those of the range that could be read, from 0: the same in every attempt.
 */
export class Watch {
  private base = 0;
  private readonly poison: Map<number, Rejected>;

  /** @param piece the only records to be given, each alone; null: all, as ever */
  constructor(
    private readonly trace: RecordTrace,
    poison: readonly Poison[],
    private readonly piece: RecordUnit | null = null,
  ) {
    this.poison = new Map(poison.map(({ record, code, message }) => [record, new Rejected(message, code)]));
  }

  /** Whether each record is given alone, and is done with before the next. */
  get singly(): boolean {
    return this.piece !== null;
  }

  /** Whether the records behind are of no interest. */
  get done(): boolean {
    return this.piece !== null && this.base >= this.piece.first + this.piece.count;
  }

  /** What is settled about record `i` of the batch without its processor: rejected, left out (null), or nothing. */
  verdict(i: number): Rejected | null | undefined {
    const record = this.base + i;
    const { piece } = this;
    if (piece && (record < piece.first || record >= piece.first + piece.count)) return null;
    return this.poison.get(record);
  }

  /** Records `[i, i + count)` of the batch are with the processor. */
  at(i: number, count: number): void {
    this.trace.at(this.base + i, count);
  }

  /** A batch of `size` records is done with. */
  passed(size: number): void {
    this.base += size;
    this.trace.at(0, 0);
  }
}
