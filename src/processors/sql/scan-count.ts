/** An operator of the plan that ran, as DuckDB's profile tells it. */
export interface ProfiledOperator {
  operator_name?: string;
  operator_type?: string;
  operator_cardinality?: number;
  extra_info?: Record<string, unknown>;
  children?: ProfiledOperator[];
}

/** Operators that always take all rows of all their children. Limits, joins and whatever may be invented are not among them. */
const EXHAUSTIVE = new Set([
  'COPY_TO_FILE',
  'BATCH_COPY_TO_FILE',
  'PROJECTION',
  'FILTER',
  'HASH_GROUP_BY',
  'PERFECT_HASH_GROUP_BY',
  'UNGROUPED_AGGREGATE',
  'ORDER_BY',
  'TOP_N',
  'WINDOW',
  'STREAMING_WINDOW',
  'UNNEST',
  'UNION',
]);
const TEXT_SCANS = new Set(['READ_CSV', 'READ_JSON']);

/**
 * How many records the scan of a text chunk read, told by the query's own profile, so that counting costs no second scan.
 * Null where no scan is sure to have read the whole chunk (a limit, a join, a scan optimised away).
 */
export function scanCount(profile: ProfiledOperator): number | null {
  for (const child of profile.children ?? []) {
    const type = child.operator_type ?? '';
    if (type === 'TABLE_SCAN') {
      const whole = TEXT_SCANS.has(child.operator_name?.trim() ?? '') && child.extra_info?.['Filters'] === undefined;
      if (whole && child.operator_cardinality !== undefined) return child.operator_cardinality;
    } else if (EXHAUSTIVE.has(type)) {
      const count = scanCount(child);
      if (count !== null) return count;
    }
  }
  return null;
}
