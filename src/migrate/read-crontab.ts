import { CRONTAB_FIELDS, neverFires, parseCrontabField, type CrontabField, type CrontabRule } from './crontab.js';

const COLUMN_OF: Readonly<Record<CrontabField, string>> = {
  minute: 'minute',
  hour: 'hour',
  dayOfMonth: 'day_of_month',
  monthOfYear: 'month_of_year',
  dayOfWeek: 'day_of_week',
};

/** A crontab by its five texts; what is wrong is told by Celery's name of the field. */
export function readCrontab(
  texts: Record<CrontabField, string>,
  fault: (column: string, message: string) => void,
): CrontabRule {
  const rule = { text: CRONTAB_FIELDS.map((field) => texts[field]).join(' ') } as CrontabRule;
  let faults = 0;
  for (const field of CRONTAB_FIELDS) {
    const parsed = parseCrontabField(field, texts[field]);
    if ('values' in parsed) rule[field] = parsed.values;
    else {
      rule[field] = [1];
      fault(COLUMN_OF[field], `crontab field "${texts[field]}": ${parsed.fault}`);
      faults += 1;
    }
  }
  const never = faults === 0 ? neverFires(rule) : null;
  if (never) fault('day_of_month', `crontab "${rule.text}" never fires: ${never}`);
  return rule;
}
