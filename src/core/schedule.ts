/**
 * A schedule in its canonical form: what `src/schema` makes of what a caller wrote, with every default filled in, durations
 * in milliseconds, times as RFC 3339 in UTC.
 */
export interface Schedule extends ScheduleRules {
  /** The job spec as the caller wrote it, `{{scheduledTime}}` templates included. */
  spec: Record<string, unknown>;
}

/**
 * A schedule as it is written, with the defaults filled in; what every door shows and takes. The server keeps it whole: the
 * spec is the argument of what it starts, the rest is the memo of that.
 */
export interface ScheduleDocument extends ScheduleTerms {
  spec: Record<string, unknown>;
}

export interface ScheduleTerms {
  id: string;
  when: Record<string, unknown>;
  timezone: string;
  startAt?: string;
  endAt?: string;
  jitter: string | number;
  maxRuns?: number;
  overlap: Overlap;
  catchup: string | number;
  pauseOnFailure: boolean;
  paused: boolean;
  note: string;
  notify: string[];
}

export interface ScheduleRules {
  /** 1 to 200 characters: letters, digits, `.`, `_`, `-`. */
  id: string;
  when: When;
  /** IANA name; `UTC` by default. Cron, calendar and templates are read in it; intervals and `at` are not. */
  timezone: string;
  startAt?: string;
  endAt?: string;
  /** Each start is put off by a random time up to this. */
  jitterMs: number;
  /** Runs after which the schedule starts no more. */
  maxRuns?: number;
  /** What happens at a nominal time while a run of the schedule is open. */
  overlap: Overlap;
  /** A nominal time that was missed by at most this is caught up. */
  catchupMs: number;
  /** Pauses the schedule when a run fails. */
  pauseOnFailure: boolean;
  paused: boolean;
  note: string;
  /** URLs that are told when a run failed, was missed or skipped, and when one succeeds after that. */
  notify: string[];
}

export const OVERLAPS = ['skip', 'bufferOne', 'bufferAll', 'cancelOther', 'terminateOther', 'allowAll'] as const;
export type Overlap = (typeof OVERLAPS)[number];

/** Exactly one of them. */
export type When =
  | { cron: string[] }
  | { every: { intervalMs: number; offsetMs: number } }
  | { calendar: CalendarRule[] }
  | { solar: { event: SolarEvent; latitude: number; longitude: number } }
  | { at: string };

/** All fields have to match. Each is a list of ranges, inclusive, every `step`th value from `start`. */
export interface CalendarRule {
  second: Span[];
  minute: Span[];
  hour: Span[];
  dayOfMonth: Span[];
  /** 1 to 12. */
  month: Span[];
  /** 0 (Sunday) to 6. */
  dayOfWeek: Span[];
  /** Empty: every year. */
  year: Span[];
}

export interface Span {
  start: number;
  end: number;
  step: number;
}

export const SOLAR_EVENTS = [
  'dawn_astronomical',
  'dawn_nautical',
  'dawn_civil',
  'sunrise',
  'solar_noon',
  'sunset',
  'dusk_civil',
  'dusk_nautical',
  'dusk_astronomical',
] as const;
export type SolarEvent = (typeof SOLAR_EVENTS)[number];

/** What the run of a schedule knows of its firing. */
export interface ScheduledRun {
  schedule: string;
  /** RFC 3339: the nominal time; of a manual trigger the time of the trigger. */
  time: string;
  /** In which the templates are written. */
  timezone: string;
}
