import type { CrontabRule } from './crontab.js';

/** A periodic task of Celery's beat, whatever it was read from. */
export interface BeatEntry {
  /** Table and primary key, or the name in `beat_schedule`: where a fault is told of. */
  where: string;
  /** Tells entries apart whose names give the same id. */
  pk: string;
  name: string;
  task: string;
  args: unknown[];
  kwargs: Record<string, unknown>;
  timing: Timing;
  queue: string | null;
  exchange: string | null;
  routingKey: string | null;
  headers: Record<string, unknown>;
  priority: number | null;
  expires: Date | null;
  expireSeconds: number | null;
  oneOff: boolean;
  startTime: Date | null;
  enabled: boolean;
  lastRunAt: Date | null;
  dateChanged: Date | null;
  totalRunCount: number;
  description: string;
  /** What stood there that has no place in this shape. */
  leftOut: string[];
}

export type Timing =
  | { kind: 'interval'; seconds: number }
  | { kind: 'crontab'; rule: CrontabRule; timezone: string }
  | { kind: 'solar'; event: string; latitude: number; longitude: number }
  | { kind: 'clocked'; time: Date };
