import type { Client } from '@temporalio/client';
import type { CalendarRule, Span } from '../core/schedule.js';
import { describeWhen } from '../timetable/describe.js';

type ListEntry = Awaited<ReturnType<Client['workflowService']['listSchedules']>>['schedules'][number];
type ServerSpec = NonNullable<NonNullable<ListEntry['info']>['spec']>;

/** Longer intervals stand for one moment. */
const LONGEST_INTERVAL_S = 20 * 365 * 86_400;

/** When a schedule fires, by what a list of the server tells of it: the sentence that it was given, or one made of its rule. */
export function sentenceOfSpec(spec: ServerSpec): string {
  const calendars = spec.structuredCalendar ?? [];
  const comment = calendars[0]?.comment;
  if (comment) return comment;
  const timezone = spec.timezoneName || 'UTC';
  const intervals = (spec.interval ?? [])
    .map(({ interval, phase }) => ({ every: Number(interval?.seconds ?? 0), offset: Number(phase?.seconds ?? 0) }))
    .filter(({ every }) => every > 0 && every < LONGEST_INTERVAL_S)
    .map(({ every, offset }) =>
      describeWhen({ every: { intervalMs: every * 1000, offsetMs: offset * 1000 } }, timezone),
    );
  const rules = calendars.map((calendar): CalendarRule => ({
    second: spans(calendar.second),
    minute: spans(calendar.minute),
    hour: spans(calendar.hour),
    dayOfMonth: spans(calendar.dayOfMonth),
    month: spans(calendar.month),
    dayOfWeek: spans(calendar.dayOfWeek),
    year: spans(calendar.year),
  }));
  return [...intervals, ...(rules.length > 0 ? [describeWhen({ calendar: rules }, timezone)] : [])].join('; or ');
}

function spans(ranges: NonNullable<ServerSpec['structuredCalendar']>[number]['second']): Span[] {
  return (ranges ?? []).map(({ start, end, step }) => ({
    start: start ?? 0,
    end: Math.max(start ?? 0, end ?? 0),
    step: step || 1,
  }));
}
