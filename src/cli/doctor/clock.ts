import { duration } from '../../core/figures.js';

/** Beyond it schedules fire at odd moments, and pages show ages that cannot be. */
export const MAX_SKEW_MS = 5000;
export const SET_CLOCKS = 'let both machines set their clocks by NTP (timedatectl set-ntp true)';

export function skewText(ms: number): string {
  return duration(Math.abs(ms) / 1000);
}
