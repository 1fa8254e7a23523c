import { ApplicationFailure, condition, defineUpdate, setHandler } from '@temporalio/workflow';
import { PAUSE_UPDATE, RESUME_UPDATE, SET_UPDATE } from '../src/contract.js';
import { MillraceError } from '../src/core/errors.js';
import type { JobProgress } from '../src/core/job.js';
import type { PlanSummary } from '../src/core/plan.js';
import { parseSettings, settingsOf } from '../src/core/settings.js';
import type { JobSettings } from '../src/core/settings.js';
import type { JobLedger } from './job-ledger.js';
import { Pace } from './pace.js';

const pauseUpdate = defineUpdate<JobProgress, [(string | null)?]>(PAUSE_UPDATE);
const resumeUpdate = defineUpdate<JobProgress>(RESUME_UPDATE);
const setUpdate = defineUpdate<JobProgress, [unknown]>(SET_UPDATE);

const MAX_REASON_CHARS = 500;

/** What a job may be told while it runs. Repeating anything is harmless, and all of it may come before the plan is made. */
export class JobControl {
  readonly pace = new Pace();
  private changes: Partial<JobSettings> = {};
  private planned: JobSettings | null = null;
  private listener: () => void = () => undefined;

  constructor(private readonly ledger: JobLedger) {
    setHandler(pauseUpdate, (reason) => this.pause(reason ?? 'by request'), {
      validator: checkReason,
      description: 'hands out no more chunks; those at work end. Argument: why',
    });
    setHandler(resumeUpdate, () => this.resume(), { description: 'hands out chunks again' });
    setHandler(setUpdate, (given) => this.set(given), {
      validator: (given) => void readSettings(given),
      description: 'changes concurrency, rate, rejects, failedChunks, priority; written as in options of a job spec',
    });
  }

  get settings(): JobSettings {
    return { ...this.planned!, ...this.changes };
  }

  /** The settings of the plan, under what was changed meanwhile. */
  plan(plan: PlanSummary): void {
    this.planned = settingsOf(plan);
    this.apply();
  }

  /** Called after each change, once there is a plan. */
  onChange(listener: () => void): void {
    this.listener = listener;
  }

  /** Resolves when the job is not paused. */
  async released(): Promise<void> {
    if (this.pace.held) await condition(() => !this.pace.held);
  }

  pause(reason: string): JobProgress {
    this.ledger.pause(reason);
    this.apply();
    return this.ledger.progress;
  }

  private resume(): JobProgress {
    this.ledger.resume();
    this.apply();
    return this.ledger.progress;
  }

  private set(given: unknown): JobProgress {
    this.changes = { ...this.changes, ...readSettings(given) };
    this.apply();
    return this.ledger.progress;
  }

  private apply(): void {
    this.pace.held = this.ledger.progress.paused !== null;
    if (!this.planned) return;
    this.pace.rate = this.settings.rate;
    this.pace.most = this.settings.concurrency;
    this.ledger.settle(this.settings);
    this.listener();
  }
}

function checkReason(reason?: string | null): void {
  if (reason == null || (typeof reason === 'string' && reason.length <= MAX_REASON_CHARS)) return;
  throw refused(`wanted a reason of at most ${MAX_REASON_CHARS} characters`);
}

function readSettings(given: unknown): Partial<JobSettings> {
  try {
    return parseSettings(given);
  } catch (error) {
    if (error instanceof MillraceError) throw refused(error.message);
    throw error;
  }
}

function refused(message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, 'job.bad_settings');
}
