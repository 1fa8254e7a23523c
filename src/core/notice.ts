import type { JobState } from './job.js';

/** What a webhook is told. */
export interface Notice {
  /** The same for every delivery of the same event, so that a receiver can drop what it has. */
  id: string;
  /** `job.<end state>`, or of a schedule: a run `failed`, one `recovered` after that, nominal times were `missed` or `skipped`. */
  type: `job.${JobState}` | `schedule.${'failed' | 'recovered' | 'missed' | 'skipped'}`;
  /** RFC 3339. */
  time: string;
  job?: NoticedJob;
  schedule?: {
    id: string;
    /** Nominal time of the run (RFC 3339). */
    time?: string | null;
    /** How many nominal times were missed or skipped since the last look. */
    count?: number;
  };
}

export interface NoticedJob {
  id: string;
  name: string;
  state: JobState;
  records?: { in: number; used: number; filtered: number; rejected: number; out: number };
  error?: { code: string; message: string };
}

/** A URL without what may be secret in it, for messages. */
export function shownUrl(url: string): string {
  const match = /^(https?:\/\/)(?:[^@/]*@)?([^/?#]+)/i.exec(url);
  return match ? `${match[1]}${match[2]}/…` : 'a URL';
}
