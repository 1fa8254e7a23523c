export type Row = Record<string, unknown>;

/** The tables of django-celery-beat by the names of their models. */
export type BeatTables = Record<Model, Row[]>;

export type Model = 'periodictask' | 'intervalschedule' | 'crontabschedule' | 'solarschedule' | 'clockedschedule';

/** The columns that are read, of all but the key `id`. */
export const COLUMNS: Readonly<Record<Model, readonly string[]>> = {
  periodictask: [
    'name',
    'task',
    'interval_id',
    'crontab_id',
    'solar_id',
    'clocked_id',
    'args',
    'kwargs',
    'queue',
    'exchange',
    'routing_key',
    'headers',
    'priority',
    'expires',
    'expire_seconds',
    'one_off',
    'start_time',
    'enabled',
    'last_run_at',
    'total_run_count',
    'date_changed',
    'description',
  ],
  intervalschedule: ['every', 'period'],
  crontabschedule: ['minute', 'hour', 'day_of_month', 'month_of_year', 'day_of_week', 'timezone'],
  solarschedule: ['event', 'latitude', 'longitude'],
  clockedschedule: ['clocked_time'],
};

export const MODELS = Object.keys(COLUMNS) as Model[];

export function tableOf(model: Model): string {
  return `django_celery_beat_${model}`;
}

/** `found`: the columns of each table that is there. */
export function missingColumns(
  found: ReadonlyMap<string, ReadonlySet<string>>,
): Array<{ path: string; message: string }> {
  const mend = 'bring the tables up to date with "manage.py migrate django_celery_beat" (2.2 or later)';
  return MODELS.flatMap((model) => {
    const table = tableOf(model);
    const columns = found.get(table);
    if (!columns) return [{ path: table, message: `there is no such table; name the right database, or ${mend}` }];
    return ['id', ...COLUMNS[model]]
      .filter((column) => !columns.has(column))
      .map((column) => ({ path: `${table}.${column}`, message: `there is no such column; ${mend}` }));
  });
}
