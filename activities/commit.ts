import { createHash } from 'node:crypto';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { CommitInput, InlineReceipt } from '../src/contract.js';
import { atOnce } from '../src/core/at-once.js';
import { MillraceError } from '../src/core/errors.js';
import { INLINE_RESULT_BYTES } from '../src/core/job.js';
import type { JobResult, Manifest, ManifestPart, OutputRef } from '../src/core/job.js';
import { isGzipped, isSingleFile, outputFormat } from '../src/core/part-format.js';
import type { Plan } from '../src/core/plan.js';
import { keys, partsOf } from '../src/core/receipt.js';
import type { PartRef, Receipt } from '../src/core/receipt.js';
import { NO_COUNTS, addCounts } from '../src/core/records.js';
import type { Counts, Row } from '../src/core/records.js';
import { isTableUri } from '../src/core/table-uri.js';
import { csvHeader } from '../src/formats/csv-writer.js';
import { parseOwnNdjson } from '../src/formats/ndjson-writer.js';
import { sha256Of } from '../src/processors/range/part-digest.js';
import type { StagedFile, TablePiece } from '../src/stores/port.js';
import { mergeRejects } from './rejects.js';
import { copiedLabel, tablesOf } from './copy-source.js';
import { writeEnded } from './ended.js';
import { ownFormerOutput } from './own-output.js';
import { isDone } from './take-up.js';
import type { Dependencies } from './dependencies.js';
import { finishFiles, sealFiles } from './increment.js';
import { withHeartbeats } from './heartbeats.js';
import { currentLane } from './lane.js';
import { rangeLoad } from './load-range.js';
import { withLocalParts } from './local-parts.js';
import { readPart, tablePiece } from './read-part.js';
import type { StoredPart } from './read-part.js';
import { readPlan } from './read-plan.js';
import { readReceipts } from './receipts.js';

/**
 * Publishes the result once: output, then manifest, each atomically. Doing it again, after a crash at any point, changes
 * nothing: what is there already is compared with what would be written.
 */
export async function commit(dependencies: Dependencies, input: CommitInput): Promise<JobResult> {
  return withHeartbeats((signal) => new Commit(dependencies, input, signal).run());
}

/** A piece of output on its way. */
interface Piece extends StoredPart {
  /** First chunk; null for a reduced result. */
  chunk: number | null;
  /** Where it lies on a disk of this machine. */
  localPath?: string | null;
  /** Of a section: its folder in the output. */
  partition?: string;
}

/** The files that a piece of a partitioned output holds; of others the piece itself. */
function filesOf({ sections, ...piece }: Piece): Piece[] {
  if (!sections) return [piece];
  return sections.map(({ partition, offset, bytes, records, sha256 }) => ({
    ...piece,
    partition,
    offset,
    bytes,
    records,
    digest: `sha256:${sha256}`,
    localPath: null,
    inline: piece.inline?.subarray(offset, offset + bytes),
  }));
}

/** Files of a folder that are written side by side, so that one waits for the disk while another is read. */
const FILES_AT_ONCE = 8;

class Commit {
  private plan!: Plan;
  private readonly generation: number;
  /** A retry may begin with the parts: then no output may share their bytes. */
  private keepsParts = false;

  constructor(
    private readonly to: Dependencies,
    private readonly input: CommitInput,
    private readonly signal: AbortSignal,
  ) {
    this.generation = input.run ?? 0;
  }

  async run(): Promise<JobResult> {
    const { job, inline } = this.input;
    // Read first: what follows the commit asks it too.
    this.plan = await readPlan(this.to.work, { job, inline });
    const result = (await this.committed()) ?? (await this.publish().catch((error) => this.orElse(error)));
    await finishFiles(this.to, this.plan);
    await this.tidy(result);
    return result;
  }

  private async committed(): Promise<JobResult | null> {
    const known = await this.to.work.tryRead(keys.committed(this.input.job, this.generation));
    return known && (JSON.parse(known.toString()) as JobResult);
  }

  /** Where another attempt has committed meanwhile, what failed here does not matter. */
  private async orElse(error: unknown): Promise<JobResult> {
    const result = await this.committed();
    if (!result) throw error;
    return result;
  }

  private async publish(): Promise<JobResult> {
    const { job, receipt } = this.input;
    const { work } = this.to;
    const receipts = receipt ? [receipt.receipt] : await readReceipts(work, job);
    checkComplete(receipts, this.plan.chunkCount);
    await sealFiles(this.to, this.plan);
    this.keepsParts = !receipts.every(isDone);
    const counts = receipts.reduce((sum, one) => addCounts(sum, one.counts), { ...NO_COUNTS });

    const pieces = await this.pieces(receipts, receipt);
    if (this.plan.reduces) counts.out = pieces.reduce((sum, piece) => sum + piece.records, 0);
    const rejects = await mergeRejects(this.to, this.plan, receipts, receipt);
    const { output, parts } = this.plan.spec.sink?.table
      ? await this.table(pieces, receipts, receipt)
      : isSingleFile(this.plan)
        ? await this.oneFile(pieces)
        : await this.folder(pieces);
    const failedChunks = receipts.flatMap(({ from, to, failed }) => (failed ? [{ from, to, ...failed }] : []));
    const manifest = this.manifest(counts, output, parts, rejects, failedChunks);
    const rows = await this.smallRows(output);
    await this.publishManifest(manifest);

    const result: JobResult = {
      state: counts.rejected > 0 || failedChunks.length > 0 ? 'completed_with_rejects' : 'completed',
      counts,
      bytes: receipts.reduce((sum, one) => sum + one.bytes, 0),
      chunks: this.plan.chunkCount,
      finishedAt: manifest.finished,
      manifest: keys.manifest(job, this.generation),
      output,
      rejects,
      failedChunks: failedChunks.reduce((sum, { from, to }) => sum + to - from, 0),
      rows,
    };
    await work.publish(keys.committed(job, this.generation), JSON.stringify(result));
    return result;
  }

  /**
   * Once the result is there another commit has nothing left to do: what no retry needs goes, what attempts that died or
   * came too late did beside the output is mended, and retention begins.
   */
  private async tidy(result: JobResult): Promise<void> {
    const { state, finishedAt } = result;
    const end = { state, at: new Date(finishedAt), retention: this.plan.spec.options.retention };
    await Promise.all([
      this.mendSink(result),
      this.removeParts(result),
      this.generation > 0 && this.removeFormer(result),
      writeEnded(this.to.work, this.input.job, end),
    ]);
  }

  private async removeParts({ state }: JobResult): Promise<void> {
    const { job, receipt } = this.input;
    const { work } = this.to;
    const isCopied = copiedLabel(this.plan.spec.source) !== null;
    // A small job has none, and each look at the disk is felt in it; but Parquet is made by way of them.
    if (receipt && outputFormat(this.plan) !== 'parquet' && !isCopied) return;
    if (state === 'completed') {
      await Promise.all([
        work.remove(keys.parts(job)),
        work.remove(keys.rejectFiles(job)),
        isCopied && work.remove(keys.copies(job)),
      ]);
      return;
    }
    const receipts = await readReceipts(work, job);
    const used = new Set(receipts.flatMap((one) => [...partsOf(one).map(({ key }) => key), one.rejects?.key]));
    for (const key of [...(await work.list(keys.parts(job))), ...(await work.list(keys.rejectFiles(job)))]) {
      if (!used.has(key)) await work.remove(key);
    }
  }

  private async mendSink({ output, manifest }: JobResult): Promise<void> {
    const { files, work } = this.to;
    const { job } = this.input;
    if (output.inWorkArea || isTableUri(output.uri)) return;
    const beside = manifestBeside(output.uri);
    if (output.single && !(await files.digest(beside))) await this.writeManifest(beside, await work.read(manifest));
    await files.sweep(output.uri, job);
    await files.sweep(beside, job);
  }

  /** What runs before this one published is no longer of interest. */
  private async removeFormer({ rejects }: JobResult): Promise<void> {
    const { job } = this.input;
    const { work } = this.to;
    for (let before = 0; before < this.generation; before++) {
      await work.remove(keys.manifest(job, before));
      await work.remove(keys.committed(job, before));
      await work.remove(keys.reduced(job, before));
    }
    if (!rejects) await work.remove(keys.rejects(job));
    await work.remove(keys.allCorrections(job));
  }

  private async writeManifest(beside: string, text: Buffer): Promise<void> {
    const staged = await this.to.files.stageFile(beside, this.input.job);
    await staged.append(text);
    await published(staged, 'replace');
  }

  /** The parts that make up the output, in source order. */
  private async pieces(receipts: Receipt[], inline: InlineReceipt | undefined): Promise<Piece[]> {
    const { work } = this.to;
    const { job } = this.input;
    if (inline?.part !== undefined) {
      const chunk = this.plan.reduces ? null : 0;
      return [{ ...inline.receipt.part!, chunk, inline: Buffer.from(inline.part, 'base64') }];
    }
    if (this.plan.reduces && !receipts[0]!.reduced) {
      const part = JSON.parse((await work.read(keys.reduced(job, this.generation))).toString()) as PartRef;
      return [{ ...part, chunk: null, localPath: work.localPath(part.key) }];
    }
    const parts = receipts.flatMap((receipt) => partsOf(receipt).map((part) => ({ part, receipt })));
    return parts.map(({ part, receipt: { from, reduced } }) => ({
      ...part,
      chunk: reduced ? null : from,
      localPath: work.localPath(part.key),
    }));
  }

  private async oneFile(pieces: Piece[]): Promise<{ output: OutputRef; parts: ManifestPart[] }> {
    const { files, work } = this.to;
    const { job } = this.input;
    const { sink } = this.plan.spec;
    const format = outputFormat(this.plan);
    const target = sink ? await files.resolve(sink.uri, 'replace') : keys.result(job, format);
    const ready = format === 'parquet' ? await this.asParquet(pieces, true) : pieces;
    const staged = sink ? await files.stageFile(target, job) : await work.stage(target);
    const made = await this.fill(staged, ready, format === 'csv');
    await this.publishOutput(target, staged, made);
    const records = ready.reduce((sum, piece) => sum + piece.records, 0);
    const output: OutputRef = {
      uri: target,
      inWorkArea: !sink,
      format,
      ...(isGzipped(this.plan) && { gzip: true as const }),
      single: true,
      records,
      bytes: made.bytes,
      columns: columnsOf(ready),
    };
    return { output, parts: [{ uri: target, chunk: pieces.length === 1 ? pieces[0]!.chunk : null, records, ...made }] };
  }

  /** All rows at once, in one transaction of the database, unless ranges go there one by one. */
  private async table(
    pieces: Piece[],
    receipts: Receipt[],
    inline: InlineReceipt | undefined,
  ): Promise<{ output: OutputRef; parts: ManifestPart[] }> {
    const { uri, table, format } = this.plan.spec.sink!;
    const { visible, ...terms } = table!;
    const columns = columnsOf(pieces);
    const { generation, signal } = this;
    const load = { uri, job: this.input.job, generation, columns, ...terms, signal };
    const tables = tablesOf(this.to);
    if (visible) await this.loadRanges(receipts, inline);
    const rows = pieces.reduce((sum, piece) => sum + piece.records, 0);
    const records = visible
      ? await tables.endRanges({ ...load, rows, last: receipts.every(isDone) })
      : await tables.load({ ...load, pieces: this.tablePieces(pieces) });
    const bytes = pieces.reduce((sum, piece) => sum + piece.bytes, 0);
    return { output: { uri, inWorkArea: false, format, single: true, records, bytes, columns }, parts: [] };
  }

  private async *tablePieces(pieces: Piece[]): AsyncGenerator<TablePiece> {
    for (const piece of pieces) yield tablePiece(this.to.work, piece, this.signal);
  }

  /** Those that are not there yet: their texts join, as is known by now. */
  private async loadRanges(receipts: Receipt[], inline: InlineReceipt | undefined): Promise<void> {
    const { plan, signal, generation } = this;
    const tables = tablesOf(this.to);
    const there = await tables.loadedPieces({ uri: plan.spec.sink!.uri, job: plan.job, signal });
    for (const receipt of receipts.filter(({ failed }) => !failed)) {
      const load = rangeLoad(this.to.work, plan, receipt, { generation, signal, inline });
      const isThere = load.pieces.every(({ digest }) => there.has(`${load.from}/${digest}`));
      if (!isThere) await tables.loadRange({ ...load, follows: undefined });
    }
  }

  private async folder(pieces: Piece[]): Promise<{ output: OutputRef; parts: ManifestPart[] }> {
    const { files } = this.to;
    const { job } = this.input;
    const sink = this.plan.spec.sink!;
    const format = outputFormat(this.plan);
    const target = await files.resolve(sink.uri, 'replace');
    const ready = format === 'parquet' ? await this.asParquet(pieces, false) : pieces;
    const staged = await files.stageFolder(target, job);
    const ending = `${format}${isGzipped(this.plan) ? '.gz' : ''}`;
    const named = ready.flatMap((piece, i) => {
      const name = `part-${String(i).padStart(5, '0')}.${ending}`;
      return filesOf(piece).map((one) => ({ one, name: one.partition ? `${one.partition}/${name}` : name }));
    });
    try {
      const parts = await atOnce(FILES_AT_ONCE, named, async ({ one, name }): Promise<ManifestPart> => {
        const file = await staged.file(name);
        const made = await this.fill(file, [one], false);
        await published(file, 'error');
        const { chunk, records, partition } = one;
        return { uri: staged.uriOf(name), chunk, records, ...made, ...(partition && { partition }) };
      });
      const output: OutputRef = {
        uri: target,
        inWorkArea: false,
        format,
        ...(isGzipped(this.plan) && { gzip: true as const }),
        single: false,
        ...(sink.partitionBy && { partitionBy: sink.partitionBy }),
        records: parts.reduce((sum, part) => sum + part.records, 0),
        bytes: parts.reduce((sum, part) => sum + part.bytes, 0),
        columns: columnsOf(ready),
      };
      this.folderManifest = async (manifest) => {
        const own = sink.ifExists === 'error' && (await ownFormerOutput(this.to, job, this.generation, target));
        if (await staged.publish(manifest, own ? 'replace' : sink.ifExists)) return;
        const there = await files.digest(`${target}manifest.json`);
        if (there?.sha256 !== sha256(manifest)) throw exists(target);
      };
      return { output, parts };
    } catch (error) {
      await staged.discard();
      throw error;
    }
  }

  /** A folder becomes visible as a whole, manifest included. */
  private folderManifest: ((manifest: string) => Promise<void>) | null = null;

  /** Puts the pieces into a staged file. @returns what it holds then */
  private async fill(staged: StagedFile, pieces: Piece[], header: boolean): Promise<{ bytes: number; sha256: string }> {
    try {
      const columns = columnsOf(pieces).map((column) => column.name);
      const text = header && columns.length > 0 ? Buffer.from(csvHeader(columns)) : null;
      const head = text && isGzipped(this.plan) ? gzipSync(text) : text;
      const [only] = pieces;
      const known = !head && pieces.length === 1 ? sha256Of(only!.digest) : null;
      if (known !== null && only!.localPath && staged.adopt && !this.keepsParts) {
        await staged.adopt(only!.localPath);
        return { bytes: only!.bytes, sha256: known };
      }
      const hash = createHash('sha256');
      let bytes = 0;
      const append = async (data: Buffer) => {
        const written = staged.append(data);
        // While the disk takes the bytes.
        hash.update(data);
        bytes += data.length;
        await written;
      };
      if (head) await append(head);
      for (const piece of pieces) {
        for await (const block of readPart(this.to.work, piece, this.signal)) await append(block);
      }
      return { bytes, sha256: hash.digest('hex') };
    } catch (error) {
      await staged.discard();
      throw error;
    }
  }

  /** Parts as Parquet: joined into one, or one each. SQL parts are Parquet already and only need joining. */
  private async asParquet(pieces: Piece[], single: boolean): Promise<Piece[]> {
    const { pool, work } = this.to;
    const { job, inline } = this.input;
    const fromSql = this.plan.spec.process.use === 'sql';
    if (fromSql && (!single || pieces.length === 1)) return pieces;
    const given = await Promise.all(pieces.map((piece) => this.inWorkArea(piece)));
    const options = { signal: this.signal, lane: currentLane() };
    const made = await withLocalParts(work, given, async (paths) => {
      // Those of all parts, so that every file of a folder has the same.
      const columns = fromSql ? undefined : await pool.run('columnsOfParts', { parts: paths }, options);
      const groups = single ? [paths] : paths.map((part) => [part]);
      return atOnce(groups.length, groups, (parts) => pool.run('toParquet', { job, inline, parts, columns }, options));
    });
    return Promise.all(
      made.map(async ({ path: localPath, ...part }, i) => {
        const key = keys.part(job, i, 0, `parquet-${path.basename(localPath)}`, 'part');
        await work.publishFile(key, localPath);
        return { ...part, key, chunk: single ? null : pieces[i]!.chunk, localPath: work.localPath(key) };
      }),
    );
  }

  /** The key of a piece, which an inline one gets now. */
  private async inWorkArea({ key, chunk, inline }: Piece): Promise<string> {
    if (!inline) return key;
    const made = keys.part(this.input.job, chunk ?? 0, 0, 'inline', 'part');
    await this.to.work.publish(made, inline);
    return made;
  }

  private async publishOutput(
    target: string,
    staged: StagedFile,
    made: { bytes: number; sha256: string },
  ): Promise<void> {
    const { files } = this.to;
    const { sink } = this.plan.spec;
    const own = sink?.ifExists === 'error' && (await ownFormerOutput(this.to, this.input.job, this.generation, target));
    const ifExists = !sink || own ? 'replace' : sink.ifExists;
    // Without a manifest there is no result: an older one goes before its output does.
    if (sink && ifExists === 'replace' && !(await this.hasOurManifest(target)))
      await files.remove(manifestBeside(target));
    if (await published(staged, ifExists)) return;
    const there = await files.digest(target);
    if (there?.sha256 !== made.sha256) throw exists(target);
  }

  /** Whether another attempt has published all of it already; what it left must then stay whole. */
  private async hasOurManifest(target: string): Promise<boolean> {
    const { files, work } = this.to;
    const ours = await work.tryRead(keys.manifest(this.input.job, this.generation));
    return ours !== null && (await files.digest(manifestBeside(target)))?.sha256 === sha256(ours.toString());
  }

  private manifest(
    counts: Counts,
    output: OutputRef,
    parts: ManifestPart[],
    rejects: JobResult['rejects'],
    failedChunks: Manifest['failedChunks'],
  ): Manifest {
    const { plan } = this;
    return {
      version: 1,
      generation: this.generation,
      job: this.input.job,
      name: plan.spec.name,
      specDigest: plan.specDigest,
      sources: plan.files.map(({ label, pin }) => ({ uri: label, ...pin })),
      columns: plan.columns,
      counts,
      output,
      parts,
      rejects: rejects ? [rejects] : [],
      failedChunks,
      started: this.input.startedAt,
      finished: new Date().toISOString(),
    };
  }

  private async publishManifest(manifest: Manifest): Promise<void> {
    const { work } = this.to;
    const { job } = this.input;
    // A second commit takes over the manifest of the first, so that both sides say the same.
    const key = keys.manifest(job, this.generation);
    await work.publish(key, JSON.stringify(manifest, null, 2) + '\n');
    const text = await work.read(key);
    if (this.folderManifest) await this.folderManifest(text.toString());
    else if (!manifest.output.inWorkArea && !isTableUri(manifest.output.uri))
      await this.writeManifest(manifestBeside(manifest.output.uri), text);
  }

  /** The rows themselves, where they are few enough to travel with the result. */
  private async smallRows(output: OutputRef): Promise<Row[] | undefined> {
    if (output.format !== 'ndjson' || output.gzip || !output.single || output.bytes > INLINE_RESULT_BYTES)
      return undefined;
    const source = output.inWorkArea ? await this.to.work.open(output.uri) : await this.to.files.open(output.uri);
    try {
      return parseOwnNdjson((await source.read(0, source.size)).toString());
    } finally {
      await source.close();
    }
  }
}

/** The ranges must cover every chunk once; anything else is a fault of the engine that must not be published. */
function checkComplete(receipts: readonly Receipt[], chunkCount: number): void {
  let next = 0;
  for (const { from, to } of receipts) {
    if (from !== next) break;
    next = to;
  }
  if (next === chunkCount) return;
  throw new MillraceError('commit.incomplete', `chunk ${next} of ${chunkCount} has no receipt; nothing was published`);
}

/** All parts have the same columns, or the output would be no table. */
function columnsOf(pieces: readonly Piece[]): OutputRef['columns'] {
  const described = pieces.filter((piece) => piece.columns.length > 0);
  return described[0]?.columns ?? [];
}

/** Publishes, or leaves nothing staged. */
async function published(staged: StagedFile, ifExists: 'error' | 'replace'): Promise<boolean> {
  try {
    return await staged.publish(ifExists);
  } catch (error) {
    await staged.discard();
    throw error;
  }
}

function manifestBeside(target: string): string {
  return `${target}.manifest.json`;
}

function exists(target: string): MillraceError {
  return new MillraceError(
    'sink.exists',
    `sink "${target}" came into being while the job ran; choose another name or set sink.ifExists: replace`,
  );
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
