import { createHash } from 'node:crypto';
import { atOnce } from '../src/core/at-once.js';
import { MillraceError } from '../src/core/errors.js';
import type { Plan } from '../src/core/plan.js';
import { keys } from '../src/core/receipt.js';
import type { FoundObject, WorkArea } from '../src/stores/port.js';
import type { Dependencies } from './dependencies.js';

/**
 * What the runs of a schedule have taken of an incremental source: for each version of a file a log of numbered entries, whose
 * last one says how it stands. Each number is published once, so of two runs that want to write the next entry one wins: that is
 * all the exclusion there is. A `claim` is of a job that works on the file, a `seal` of one that is about to publish, `done` of
 * one that has; `free` is left by a job that failed.
 */
interface Entry {
  kind: 'claim' | 'seal' | 'done' | 'free';
  job: string;
  /** RFC 3339. */
  at: string;
  /** For people. */
  uri: string;
}

type FileVersion = Pick<FoundObject, 'uri' | 'pin'>;

/** A commit that goes on although its job was ended from outside has come to its end by then. */
const ZOMBIE_MS = 10 * 60_000;
const AT_ONCE = 16;

type Needs = Pick<Dependencies, 'work' | 'isOpen'>;

/** Of the files that were found those that this job may take: no other has them, or one that is over without having used them. */
export async function claimFiles(
  needs: Needs,
  schedule: string,
  job: string,
  found: readonly FoundObject[],
): Promise<FoundObject[]> {
  const own = await atOnce(AT_ONCE, found, (file) => claim(needs, schedule, job, file));
  return found.filter((_, n) => own[n]);
}

/** @throws MillraceError `source.taken` where another run took one of them meanwhile */
export async function claimAgain(needs: Needs, plan: Plan): Promise<void> {
  const { increment, files, job } = plan;
  if (increment === undefined) return;
  const own = await atOnce(AT_ONCE, files, (file) => claim(needs, increment, job, file));
  const lost = files.filter((_, n) => !own[n]);
  if (lost.length > 0) throw taken(lost.map(({ label }) => label));
}

/** Before anything is published. @throws MillraceError `source.taken` */
export async function sealFiles({ work }: Pick<Needs, 'work'>, { increment, files, job }: Plan): Promise<void> {
  if (increment === undefined) return;
  const held = await atOnce(AT_ONCE, files, async (file) => {
    for (;;) {
      const { last, next } = await read(work, increment, file);
      if (last?.job !== job || last.kind === 'free') return false;
      if (last.kind !== 'claim' || (await write(work, next, 'seal', job, file))) return true;
    }
  });
  const lost = files.filter((_, n) => !held[n]);
  if (lost.length > 0) throw taken(lost.map(({ label }) => label));
}

/** After all is published. */
export async function finishFiles({ work }: Pick<Needs, 'work'>, { increment, files, job }: Plan): Promise<void> {
  if (increment === undefined) return;
  await atOnce(AT_ONCE, files, async (file) => {
    const { last, next } = await read(work, increment, file);
    if (last?.job === job && last.kind === 'seal') await write(work, next, 'done', job, file);
  });
}

/**
 * Of a job that has failed: the next run takes them again. Not those that were sealed: an attempt to commit that was given up
 * may still go on.
 */
export async function releaseFiles({ work }: Pick<Needs, 'work'>, { increment, files, job }: Plan): Promise<void> {
  if (increment === undefined) return;
  await atOnce(AT_ONCE, files, async (file) => {
    const { last, next } = await read(work, increment, file);
    if (last?.job === job && last.kind === 'claim') await write(work, next, 'free', job, file);
  });
}

async function claim({ work, isOpen }: Needs, schedule: string, job: string, file: FileVersion): Promise<boolean> {
  for (;;) {
    const { last, next } = await read(work, schedule, file);
    if (last && last.kind !== 'free') {
      if (last.job === job) return true;
      if (last.kind === 'done' || (await isOpen(last.job))) return false;
      // What was claimed only was not published: a commit seals first.
      if (last.kind === 'seal') {
        if (await isCommitted(work, last.job)) await write(work, next, 'done', last.job, file);
        else if (Date.now() - Date.parse(last.at) >= ZOMBIE_MS) await write(work, next, 'free', last.job, file);
        else return false;
        continue;
      }
    }
    if (await write(work, next, 'claim', job, file)) return true;
  }
}

async function isCommitted(work: WorkArea, job: string): Promise<boolean> {
  return (await work.list(keys.output(job))).some((key) => key.startsWith(`${keys.output(job)}committed`));
}

async function read(
  work: WorkArea,
  schedule: string,
  file: FileVersion,
): Promise<{ last: Entry | null; next: string }> {
  const prefix = keys.increment(schedule, versionOf(file));
  const entries = await work.list(prefix);
  const newest = entries.at(-1);
  const next = `${prefix}${String(entries.length).padStart(6, '0')}`;
  return { last: newest === undefined ? null : (JSON.parse((await work.read(newest)).toString()) as Entry), next };
}

function write(work: WorkArea, key: string, kind: Entry['kind'], job: string, { uri }: FileVersion): Promise<boolean> {
  return work.publish(key, JSON.stringify({ kind, job, at: new Date().toISOString(), uri } satisfies Entry));
}

/** A file with other contents is another version. */
function versionOf({ uri, pin }: FileVersion): string {
  const version = 'inode' in pin ? [pin.size, pin.mtimeMs, pin.inode] : [pin.size, pin.etag, pin.modified];
  return createHash('sha256')
    .update(JSON.stringify([uri, ...version]))
    .digest('hex');
}

function taken(labels: readonly string[]): MillraceError {
  const more = labels.length > 1 ? ` and ${labels.length - 1} more` : '';
  return new MillraceError(
    'source.taken',
    `source "${labels[0]}"${more}: another run of the schedule took it meanwhile; its next run takes what is left`,
  );
}
