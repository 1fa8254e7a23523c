import type { Timing } from './beat-entry.js';

/** What Celery had, in its own words. */
export function describeTiming(timing: Timing): string {
  switch (timing.kind) {
    case 'interval':
      return `interval of ${timing.seconds} s`;
    case 'crontab':
      return `crontab ${timing.rule.text} (m h dM MY d), ${timing.timezone}`;
    case 'solar':
      return `solar ${timing.event} at ${timing.latitude}, ${timing.longitude}`;
    case 'clocked':
      return `clocked at ${timing.time.toISOString()}`;
  }
}
