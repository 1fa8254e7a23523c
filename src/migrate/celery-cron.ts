/** A field of Celery's crontab, which has its own rules: ranges may wrap around, and both day fields have to match. */
export type CeleryUnit = 'minute' | 'hour' | 'dayOfMonth' | 'month' | 'dayOfWeek';

interface Field {
  min: number;
  count: number;
  names?: readonly string[];
}

const FIELDS: Readonly<Record<CeleryUnit, Field>> = {
  minute: { min: 0, count: 60 },
  hour: { min: 0, count: 24 },
  dayOfMonth: { min: 1, count: 31 },
  month: {
    min: 1,
    count: 12,
    names: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  },
  dayOfWeek: { min: 0, count: 7, names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
};

/** The values of a field in order, or what is wrong with it. */
export function celeryField(unit: CeleryUnit, text: string): number[] | string {
  const field = FIELDS[unit];
  const values = new Set<number>();
  for (const part of text.split(',')) {
    const match = /^(?:\*|(\w+)(?:-(\w+))?)(?:\/(\d+))?$/.exec(part);
    const step = Number(match?.[3] ?? 1);
    if (!match || step < 1 || (match[1] !== undefined && match[2] === undefined && match[3] !== undefined))
      return `${JSON.stringify(part)} is no field of a crontab`;
    const start = match[1] === undefined ? field.min : valueOf(field, match[1]);
    const end =
      match[1] === undefined ? field.min + field.count - 1 : match[2] === undefined ? start : valueOf(field, match[2]);
    if (start === null || end === null)
      return `${JSON.stringify(part)} is not from ${field.min} to ${field.min + field.count - 1}`;
    const range: number[] = [];
    for (let value = start; value <= (end < start ? end + field.count : end); value++)
      range.push(((value - field.min) % field.count) + field.min);
    for (let n = 0; n < range.length; n += step) values.add(range[n]!);
  }
  return [...values].sort((a, b) => a - b);
}

/** Whether a field matches everything. */
export function isEvery(unit: CeleryUnit, text: string): boolean {
  return celeryField(unit, text).length === FIELDS[unit].count;
}

function valueOf({ min, count, names }: Field, text: string): number | null {
  const index = names?.indexOf(text.slice(0, 3).toLowerCase()) ?? -1;
  const value = /^\d+$/.test(text) ? Number(text) : index < 0 ? -1 : index + min;
  return value >= min && value < min + count ? value : null;
}
