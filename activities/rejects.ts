import type { InlineReceipt } from '../src/contract.js';
import { fileOfChunk } from '../src/core/plan.js';
import type { Plan } from '../src/core/plan.js';
import { keys } from '../src/core/receipt.js';
import type { Receipt, ReceiptSpan } from '../src/core/receipt.js';
import type { Reject } from '../src/core/records.js';
import { framedText } from '../src/formats/packing/frames.js';
import { countLines } from '../src/formats/lines.js';
import type { SourceStore } from '../src/stores/port.js';
import type { Dependencies } from './dependencies.js';

/**
 * Joins the rejects of all ranges into one file, in source order, with the absolute line and record number that a range
 * could not know. Lines are counted only where a reject comes after them.
 */
export async function mergeRejects(
  { work, files }: Dependencies,
  plan: Plan,
  receipts: readonly Receipt[],
  inline: InlineReceipt | undefined,
): Promise<{ uri: string; records: number } | null> {
  const records = receipts.reduce((sum, receipt) => sum + receipt.counts.rejected, 0);
  const kept = plan.spec.options.rejects.action === 'quarantine';
  if (records === 0 || !kept) return null;

  const key = keys.rejects(plan.job);
  const staged = await work.stage(key);
  try {
    const places = new Places(plan, receipts, files);
    for (const receipt of receipts) {
      const text =
        inline?.rejects ?? (receipt.rejects ? (await work.read(receipt.rejects.key)).toString('base64') : '');
      const lines = Buffer.from(text, 'base64').toString().split('\n');
      const merged: string[] = [];
      for (const line of lines) {
        if (line === '') continue;
        const reject = JSON.parse(line) as Reject;
        merged.push(JSON.stringify(await places.absolute(receipt, reject)));
      }
      if (merged.length > 0) await staged.append(Buffer.from(merged.join('\n') + '\n'));
    }
    await staged.publish('replace');
  } catch (error) {
    await staged.discard();
    throw error;
  }
  return { uri: key, records };
}

/** What lies before a span. */
interface Before {
  lines: number;
  /** Null behind a chunk that was given up. */
  records: number | null;
}

/** Turns the place of a reject in its span into its place in the file. */
class Places {
  /** What lies before each span: filled as far as was asked. */
  private readonly before = new Map<ReceiptSpan, Before>();
  private readonly byFile = new Map<number, ReceiptSpan[]>();

  constructor(
    private readonly plan: Plan,
    receipts: readonly Receipt[],
    private readonly files: SourceStore,
  ) {
    for (const span of receipts.flatMap((receipt) => receipt.spans)) {
      const spans = this.byFile.get(span.file) ?? [];
      spans.push(span);
      this.byFile.set(span.file, spans);
    }
  }

  async absolute(receipt: Receipt, reject: Reject): Promise<Reject> {
    if (reject.line === null || receipt.spans.length === 0) return reject;
    const file = fileOfChunk(this.plan.files, reject.chunk);
    const span = receipt.spans.find((one) => one.file === file)!;
    const { lines, records } = await this.upTo(span);
    return { ...reject, line: reject.line + lines, record: records === null ? null : reject.record! + records };
  }

  private async upTo(target: ReceiptSpan): Promise<Before> {
    const known = this.before.get(target);
    if (known) return known;
    const file = this.plan.files[target.file]!;
    let at = file.dataStart;
    let sum: Before = { lines: file.headLines, records: 0 };
    for (const span of this.byFile.get(target.file)!) {
      if (span.first > at) {
        // A chunk was given up here.
        const gap = await this.count({ file: span.file, first: at, end: span.first });
        sum = { lines: sum.lines + gap, records: null };
      }
      this.before.set(span, sum);
      if (span === target) break;
      span.lines ??= await this.count(span);
      sum = { lines: sum.lines + span.lines, records: sum.records === null ? null : sum.records + span.records };
      at = span.end;
    }
    return this.before.get(target)!;
  }

  private async count({ file, first, end }: Pick<ReceiptSpan, 'file' | 'first' | 'end'>): Promise<number> {
    const { uri, pin, packing, label } = this.plan.files[file]!;
    const opened = await this.files.open(uri, pin);
    const source = packing?.frames ? framedText(opened, packing, packing.frames, label) : opened;
    try {
      return await countLines(source, first, end);
    } finally {
      await source.close();
    }
  }
}
