import type { CalendarRule, Span } from '../core/schedule.js';

export function valuesOf(spans: readonly Span[]): Set<number> {
  const values = new Set<number>();
  for (const { start, end, step } of spans) for (let value = start; value <= end; value += step) values.add(value);
  return values;
}

export function sortedValuesOf(spans: readonly Span[]): number[] {
  return [...valuesOf(spans)].sort((a, b) => a - b);
}

/** Whether a calendar fires on a day, given as its midnight in UTC. */
export function dayMatcher(calendar: CalendarRule): (midnight: number) => boolean {
  const months = valuesOf(calendar.month);
  const daysOfMonth = valuesOf(calendar.dayOfMonth);
  const daysOfWeek = valuesOf(calendar.dayOfWeek);
  const years = calendar.year.length === 0 ? null : valuesOf(calendar.year);
  return (midnight) => {
    const date = new Date(midnight);
    return (
      months.has(date.getUTCMonth() + 1) &&
      daysOfMonth.has(date.getUTCDate()) &&
      daysOfWeek.has(date.getUTCDay()) &&
      (!years || years.has(date.getUTCFullYear()))
    );
  };
}
