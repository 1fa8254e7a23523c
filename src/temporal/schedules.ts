import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  isGrpcServiceError,
} from '@temporalio/client';
import type {
  Client,
  ScheduleDescription,
  ScheduleExecutionResult,
  ScheduleOptions,
  ScheduleUpdateOptions,
} from '@temporalio/client';
import { decodeMapFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js';
import { PROCESS_DATASET, SCHEDULE_MEMO } from '../contract.js';
import { DEFAULT_TENANT, ownScheduleId, serverScheduleId } from '../core/access.js';
import { MillraceError } from '../core/errors.js';
import type { Overlap, Schedule, ScheduleDocument, ScheduleTerms } from '../core/schedule.js';
import type { Firing, ScheduleRow, ScheduleStanding } from '../core/schedule-view.js';
import type { JobSpec } from '../core/spec.js';
import { isUndecipherable } from './encryption.js';
import { inTime } from './in-time.js';
import { startOf } from './job-start.js';
import { cursorOf, tenantTerm, tokenOf } from './list-query.js';
import { sentenceOfSpec } from './schedule-sentence.js';
import { scheduleSpecOf } from './schedule-spec.js';
import { SEARCH_ATTRIBUTES } from './search-attributes.js';
import { updateSchedule } from './update-schedule.js';

type ListEntry = Awaited<ReturnType<Client['workflowService']['listSchedules']>>['schedules'][number];

const CALL_MS = 4000;
/** A schedule that is being changed is told seconds late: the server waits for its own work on it, longer where it has much to do. */
const BUSY_TRIES = 4;
const PROBE_MS = 600;
const PAGE = 1000;
/** A trigger is a signal: how long is looked for the job that it starts. */
const TRIGGER_MS = 3000;
const TRIGGER_POLL_MS = 100;
/** So often a change begins anew where others changed the same schedule meanwhile. */
const CHANGE_ATTEMPTS = 10;
const CHANGE_PAUSE_MS = 100;
const NOT_FOUND = 5;
const FAILED_PRECONDITION = 9;
/** Field of a schedule's memo, which a list tells: two installations may share a namespace. */
const QUEUE_MEMO = 'taskQueue';
const NOTIFYING = 'notifying';
/** Those that this program made. */
const OURS = `${SEARCH_ATTRIBUTES.MillraceSchedule.name} IS NOT NULL`;

const POLICIES: Record<Overlap, ScheduleOverlapPolicy> = {
  skip: ScheduleOverlapPolicy.SKIP,
  bufferOne: ScheduleOverlapPolicy.BUFFER_ONE,
  bufferAll: ScheduleOverlapPolicy.BUFFER_ALL,
  cancelOther: ScheduleOverlapPolicy.CANCEL_OTHER,
  terminateOther: ScheduleOverlapPolicy.TERMINATE_OTHER,
  allowAll: ScheduleOverlapPolicy.ALLOW_ALL,
};

/** A schedule that was checked, in both forms, and the spec of one of its runs. */
export interface PutSchedule {
  schedule: Schedule;
  document: ScheduleDocument;
  /** With its templates written out: what a run is found and shown by. */
  spec: JobSpec;
  /** `specDigest(spec)`. */
  digest: string;
}

/** What a schedule is to be, by what it is. */
type Make = (before: ScheduleDocument) => PutSchedule | Promise<PutSchedule>;

/**
 * The schedules of a tenant as Temporal Schedules: the server fires, and starts the same `processDataset` as every other door. What a
 * schedule was made of is kept in the action alone. Every call has a deadline. Errors of all: `temporal.unreachable`,
 * `temporal.denied`, `temporal.no_namespace`; of those with an id: `schedule.not_found`, and `schedule.foreign` for one that
 * was made by other means or for another task queue: such a one is neither shown nor touched.
 */
export interface Schedules {
  /** @throws MillraceError `schedule.exists` */
  create(put: PutSchedule): Promise<void>;
  /** Makes it so, whether there is one or not. @returns true where there was none @throws MillraceError `schedule.busy` */
  put(put: PutSchedule): Promise<boolean>;
  /**
   * Changes what is there. `make` is asked again where others changed it meanwhile, so that no change undoes another.
   * @throws MillraceError `schedule.busy`, and what `make` throws
   */
  change(id: string, make: Make): Promise<void>;
  view(id: string): Promise<ScheduleStanding>;
  /** By id. @throws MillraceError `list.bad_cursor` */
  list(page: { limit: number; cursor?: string }): Promise<{ schedules: ScheduleRow[]; nextCursor: string | null }>;
  /** Of all, or of those that have somebody to tell. */
  ids(which: 'all' | 'notifying'): Promise<string[]>;
  /** Writes out anew what is written out of the rule: the sun's events, change days. */
  renew(serverId: string, schedule: Schedule): Promise<void>;
  remove(id: string): Promise<void>;
  pause(id: string, note: string): Promise<void>;
  resume(id: string, note: string): Promise<void>;
  /**
   * Runs it now, whatever its own overlap is.
   * @returns the job; null where an open run made the server skip or put off this one
   */
  trigger(id: string, overlap: Overlap): Promise<string | null>;
  /** Starts what the schedule would have started at the nominal times in `[from, to]`. */
  backfill(id: string, range: { from: Date; to: Date; overlap: Overlap }): Promise<void>;
}

export function createSchedules(options: {
  client: Client;
  taskQueue: string;
  namespace: string;
  uiUrl?: string;
  /** Null: of all tenants, each by the id that the server has for it; such ones are not made or changed in what they are. */
  tenant?: string | null;
}): Schedules {
  const { client, taskQueue, namespace, tenant = DEFAULT_TENANT } = options;
  const ours = tenant === null ? OURS : `${OURS} AND ${tenantTerm(tenant)}`;
  const uiUrl = options.uiUrl?.replace(/\/+$/, '');

  async function call<T>(id: string, run: () => Promise<T>): Promise<T> {
    try {
      return await inTime(client, CALL_MS, run);
    } catch (error) {
      if (error instanceof ScheduleNotFoundError || hasCode(error, NOT_FOUND)) throw notFound(id);
      throw error;
    }
  }

  /** As `call`, again where it is the schedule that has much to do and not the server that is away. */
  async function patiently<T>(id: string, run: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await call(id, run);
      } catch (error) {
        const isLate = error instanceof MillraceError && error.code === 'temporal.unreachable';
        if (!isLate || tries >= BUSY_TRIES || !(await serverAnswers())) throw error;
      }
    }
  }

  function serverAnswers(): Promise<boolean> {
    return inTime(client, PROBE_MS, () => client.workflowService.getSystemInfo({})).then(
      () => true,
      () => false,
    );
  }

  const serverId = (id: string) => (tenant === null ? id : serverScheduleId(tenant, id));
  const handle = (id: string) => client.schedule.getHandle(serverId(id));

  /** As the server tells it, where it is one of ours. */
  async function describe(id: string) {
    const description = await patiently(id, () => handle(id).describe());
    const document = documentOf(description, taskQueue);
    if (!document) throw foreign(id);
    return { ...description, document };
  }

  /** Every order to a schedule that has one is given to ours alone. */
  async function order(id: string, run: () => Promise<void>): Promise<void> {
    await describe(id);
    await call(id, run);
  }

  /** All that the server is told; the same for a new one and for one that is changed. */
  function definition({ schedule, document, spec, digest }: PutSchedule, from: Date, request: string) {
    const { priority, ...start } = startOf(spec, digest, request, tenant ?? DEFAULT_TENANT);
    const id = serverId(schedule.id);
    const workflowId = `s-${id}`;
    const { spec: given, ...terms } = document;
    const mark = { key: SEARCH_ATTRIBUTES.MillraceSchedule, value: id };
    return {
      spec: scheduleSpecOf(schedule, from),
      action: {
        type: 'startWorkflow' as const,
        workflowType: PROCESS_DATASET,
        workflowId,
        taskQueue,
        args: [given],
        ...start,
        memo: { ...start.memo, [SCHEDULE_MEMO]: terms },
        typedSearchAttributes: [...start.typedSearchAttributes, mark],
        // All runs of a schedule share its part of the workers.
        priority: priority(workflowId),
      },
      policies: {
        overlap: POLICIES[schedule.overlap],
        catchupWindow: schedule.catchupMs,
        pauseOnFailure: schedule.pauseOnFailure,
      },
      // A schedule has no state; what is said here is whether the watch has to look at it.
      typedSearchAttributes: [
        mark,
        { key: SEARCH_ATTRIBUTES.MillraceTenant, value: tenant ?? DEFAULT_TENANT },
        ...(schedule.notify.length > 0 ? [{ key: SEARCH_ATTRIBUTES.MillraceState, value: NOTIFYING }] : []),
      ],
    };
  }

  /** A moment is one run. */
  const runsOf = ({ when, maxRuns }: Schedule) => maxRuns ?? ('at' in when ? 1 : undefined);

  async function create(put: PutSchedule): Promise<void> {
    const { schedule } = put;
    const { paused, note } = schedule;
    const created: ScheduleOptions = {
      scheduleId: serverId(schedule.id),
      ...definition(put, new Date(), randomUUID()),
      memo: { [QUEUE_MEMO]: taskQueue },
      state: { paused, note, remainingActions: runsOf(schedule) },
    };
    try {
      await call(schedule.id, () => client.schedule.create(created));
    } catch (error) {
      if (!(error instanceof ScheduleAlreadyRunning)) throw error;
      throw new MillraceError(
        'schedule.exists',
        `schedule "${schedule.id}" exists; PUT /v1/schedules/${schedule.id} changes it, or take another id`,
      );
    }
  }

  /** The server takes seconds where several changes of one schedule are under way, so those of this process take turns. */
  const turns = new Map<string, Promise<void>>();

  function change(id: string, make: Make): Promise<void> {
    const turn = (turns.get(id) ?? Promise.resolve()).then(() => changeNow(id, make));
    const done = turn.catch(() => undefined);
    turns.set(id, done);
    void done.then(() => turns.get(id) === done && turns.delete(id));
    return turn;
  }

  async function changeNow(id: string, make: Make): Promise<void> {
    for (let attempt = 0; attempt < CHANGE_ATTEMPTS; attempt++) {
      await sleep(attempt * CHANGE_PAUSE_MS * Math.random());
      const previous = await describe(id);
      const put = await make(previous.document);
      const request = randomUUID();
      if (!(await update(previous, changed(put, previous, request)))) continue;
      if ((await describe(id)).action.memo?.request === request) return;
    }
    throw new MillraceError(
      'schedule.busy',
      `schedule "${id}" is being changed by others; nothing was done, try again`,
      {
        retryable: true,
      },
    );
  }

  /** @returns false where the server says that others changed it since; it may also keep quiet about that */
  async function update(previous: ScheduleDescription, options: ScheduleUpdateOptions): Promise<boolean> {
    try {
      await patiently(previous.scheduleId, () => updateSchedule(client, previous, options));
      return true;
    } catch (error) {
      if (hasCode(error, FAILED_PRECONDITION)) return false;
      throw error;
    }
  }

  function changed(
    put: PutSchedule,
    previous: Awaited<ReturnType<typeof describe>>,
    request: string,
  ): ScheduleUpdateOptions {
    const { schedule, document } = put;
    const { paused, note } = schedule;
    const remainingActions = remainingRuns(previous, document, runsOf(schedule));
    return {
      ...definition(put, new Date(), request),
      state: {
        paused,
        // Why it was paused is still why it is.
        note: paused && previous.state.paused ? (previous.state.note ?? note) : note,
        ...(remainingActions !== undefined && { remainingActions }),
      },
    };
  }

  /** Those of a page that are of this task queue. */
  async function page(query: string, maximumPageSize: number, nextPageToken?: Uint8Array) {
    const answer = await call('', () =>
      client.workflowService.listSchedules({ namespace, maximumPageSize, nextPageToken, query }),
    );
    const own = await Promise.all(answer.schedules.map(isOwn));
    const token = answer.nextPageToken;
    return {
      entries: answer.schedules.filter((_, n) => own[n]),
      next: token && token.length > 0 ? token : undefined,
    };
  }

  async function list({ limit, cursor }: { limit: number; cursor?: string }) {
    const { entries, next } = await page(ours, limit, cursor === undefined ? undefined : tokenOf(cursor, ours));
    return {
      schedules: entries.map(rowOf).sort((a, b) => (a.id < b.id ? -1 : 1)),
      nextCursor: next ? cursorOf(next, ours) : null,
    };
  }

  async function isOwn({ memo }: ListEntry): Promise<boolean> {
    try {
      const fields = await decodeMapFromPayloads(client.options.loadedDataConverter, memo?.fields);
      return fields?.[QUEUE_MEMO] === taskQueue;
    } catch (error) {
      // With a key that is not here: whose it is cannot be told, and the others are to be listed.
      if (isUndecipherable(error)) return false;
      throw error;
    }
  }

  async function trigger(id: string, overlap: Overlap): Promise<string | null> {
    const before = await describe(id);
    const known = new Set(before.info.recentActions.map(jobOf));
    // Runs are named by the second: another one in the same would be the same.
    const newest = before.info.recentActions.at(-1)?.scheduledAt.getTime() ?? 0;
    await sleep(Math.min(1000, Math.max(0, newest + 1000 - Date.now())));
    await call(id, () => handle(id).trigger(POLICIES[overlap]));
    for (const end = Date.now() + TRIGGER_MS; Date.now() < end; await sleep(TRIGGER_POLL_MS)) {
      const { info } = await describe(id);
      const started = info.recentActions.find((action) => !known.has(jobOf(action)));
      if (started) return jobOf(started);
      if (info.numActionsSkippedOverlap > before.info.numActionsSkippedOverlap) return null;
    }
    return null;
  }

  return {
    create,
    async put(put) {
      try {
        await change(put.schedule.id, () => put);
        return false;
      } catch (error) {
        if (!(error instanceof MillraceError && error.code === 'schedule.not_found')) throw error;
      }
      try {
        await create(put);
        return true;
      } catch (error) {
        // Another one made it just now.
        if (!(error instanceof MillraceError && error.code === 'schedule.exists')) throw error;
        await change(put.schedule.id, () => put);
        return false;
      }
    },
    change,
    async view(id) {
      const link = uiUrl
        ? `${uiUrl}/namespaces/${encodeURIComponent(namespace)}/schedules/${encodeURIComponent(serverId(id))}`
        : null;
      return standingOf(await describe(id), link);
    },
    list,
    async ids(which) {
      const query = which === 'all' ? ours : `${ours} AND ${SEARCH_ATTRIBUTES.MillraceState.name} = '${NOTIFYING}'`;
      const ids: string[] = [];
      for (let token: Uint8Array | undefined; ;) {
        const { entries, next } = await page(query, PAGE, token);
        ids.push(...entries.map(({ scheduleId }) => scheduleId!));
        if (!next) return ids;
        token = next;
      }
    },
    async renew(id, schedule) {
      const previous = await describe(id);
      // Who changed it meanwhile wrote it all out anew.
      await update(previous, { ...previous, spec: scheduleSpecOf(schedule, new Date()) });
    },
    remove: (id) => order(id, () => handle(id).delete()),
    // An empty note would be no order.
    pause: (id, note) => order(id, () => handle(id).pause(note || 'paused')),
    resume: (id, note) => order(id, () => handle(id).unpause(note || 'resumed')),
    trigger,
    async backfill(id, { from, to, overlap }) {
      // The server leaves out the beginning of the range, and keeps its end.
      const start = new Date(from.getTime() - 1);
      await order(id, () => handle(id).backfill({ start, end: to, overlap: POLICIES[overlap] }));
    },
  };
}

/** Runs by hand and backfills count among those that were started, and use up none of those that are left. */
function remainingRuns(
  { document: before, state, info }: ScheduleDescription & { document: ScheduleDocument },
  now: ScheduleDocument,
  runs: number | undefined,
): number | undefined {
  const had = before.maxRuns ?? ('at' in before.when ? 1 : undefined);
  if (runs === undefined) return undefined;
  if ('at' in now.when && now.when.at !== before.when.at) return runs;
  if (had === undefined || state.remainingActions === undefined) return Math.max(0, runs - info.numActionsTaken);
  return Math.max(0, state.remainingActions + runs - had);
}

function standingOf(
  { document, info, state }: ScheduleDescription & { document: ScheduleDocument },
  temporalLink: string | null,
): ScheduleStanding {
  return {
    document,
    reason: (state.paused && state.note) || null,
    remainingRuns: state.remainingActions ?? null,
    recent: info.recentActions.map(firingOf).reverse(),
    next: info.nextActionTimes.map((time) => time.toISOString()),
    running: info.runningActions.map(({ workflow }) => workflow.workflowId),
    counts: {
      started: info.numActionsTaken,
      missed: info.numActionsMissedCatchupWindow,
      skipped: info.numActionsSkippedOverlap,
    },
    createdAt: info.createdAt.toISOString(),
    updatedAt: info.lastUpdatedAt?.toISOString() ?? null,
    temporal: temporalLink,
  };
}

/** Pausing is the server's to change; all else is as it was written. Null where it was not written here. */
function documentOf({ action, state }: ScheduleDescription, taskQueue: string): ScheduleDocument | null {
  const terms = action.memo?.[SCHEDULE_MEMO] as ScheduleTerms | undefined;
  const [spec] = (action.args ?? []) as Array<Record<string, unknown>>;
  if (!terms || !spec || action.taskQueue !== taskQueue) return null;
  return { ...terms, spec, paused: state.paused };
}

function firingOf(action: ScheduleExecutionResult): Firing {
  return { time: action.scheduledAt.toISOString(), startedAt: action.takenAt.toISOString(), job: jobOf(action) };
}

function jobOf({ action }: ScheduleExecutionResult): string {
  return action.workflow.workflowId;
}

function rowOf({ scheduleId, info }: ListEntry): ScheduleRow {
  const last = info?.recentActions?.at(-1);
  const [next] = info?.futureActionTimes ?? [];
  return {
    id: ownScheduleId(scheduleId!),
    sentence: sentenceOfSpec(info?.spec ?? {}),
    paused: info?.paused ?? false,
    reason: (info?.paused && info.notes) || null,
    next: next ? timeOf(next) : null,
    last: last
      ? {
          time: timeOf(last.scheduleTime),
          startedAt: timeOf(last.actualTime),
          job: last.startWorkflowResult?.workflowId ?? '',
        }
      : null,
  };
}

function timeOf(timestamp: { seconds?: unknown; nanos?: number | null } | null | undefined): string {
  return new Date(Number(timestamp?.seconds ?? 0) * 1000 + Math.floor((timestamp?.nanos ?? 0) / 1e6)).toISOString();
}

function hasCode(error: unknown, code: number): boolean {
  return isGrpcServiceError(error) && Number(error.code) === code;
}

function foreign(id: string): MillraceError {
  return new MillraceError(
    'schedule.foreign',
    `schedule "${id}" was made by other means, or for another task queue; look at it in the Temporal UI, or take another id`,
  );
}

function notFound(id: string): MillraceError {
  return new MillraceError(
    'schedule.not_found',
    `schedule "${id}" not found; "millrace schedules" (GET /v1/schedules) lists the ones there are`,
  );
}
