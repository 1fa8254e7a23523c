/** JSON Schema for records: what `source.schema` says a record must be like. */
import { createRequire } from 'node:module';
import type { Ajv2020, Options } from 'ajv/dist/2020.js';
import type { FormatsPlugin } from 'ajv-formats';
import type { Row } from '../core/records.js';

/** What is wrong with a record, or null. Run it in threads that can be ended: a pattern of the schema may take for ever on a long text. */
export type RecordCheck = (record: Row) => string | null;

const OPTIONS: Options = {
  // Like the draft, but for what is no keyword: a misspelt one would check nothing.
  strict: true,
  strictTypes: false,
  strictTuples: false,
  strictRequired: false,
  allowUnionTypes: true,
  // What refers to much, often, would be written out each time.
  inlineRefs: false,
  logger: false,
};

const require = createRequire(import.meta.url);

/**
 * @param schema JSON Schema, draft 2020-12; nothing is loaded that it refers to
 * @param nullIsAbsent of formats that have no other way to say that there is no value
 * @throws Error where it is no such schema
 */
export function recordCheck(schema: object, { nullIsAbsent }: { nullIsAbsent: boolean }): RecordCheck {
  // Loaded where it is asked for: most jobs have no schema, and it takes as long to load as the rest of a command.
  const { Ajv2020: Validator } = require('ajv/dist/2020.js') as { Ajv2020: typeof Ajv2020 };
  const { default: addFormats } = require('ajv-formats') as { default: FormatsPlugin };
  const ajv = new Validator(OPTIONS);
  addFormats(ajv);
  const matches = ajv.compile(schema);
  return (record) => {
    if (matches(asJson(record, nullIsAbsent))) return null;
    const [first] = matches.errors!;
    const place = first!.instancePath.slice(1);
    const allowed = (first!.params as { allowedValues?: unknown[] }).allowedValues;
    const values = allowed ? `: ${allowed.map((value) => JSON.stringify(value)).join(', ')}` : '';
    return `${place === '' ? 'the record' : place} ${first!.message}${values}`;
  };
}

/** A record as a schema sees it: long integers are numbers. Most records are that already. */
function asJson(record: Row, nullIsAbsent: boolean): unknown {
  const isAsSeen = (value: unknown) =>
    value === null ? !nullIsAbsent : typeof value !== 'bigint' && typeof value !== 'object';
  for (const name in record) if (!isAsSeen(record[name])) return copied(record, nullIsAbsent);
  return record;
}

function copied(record: Row, nullIsAbsent: boolean): unknown {
  const entries = Object.entries(record).filter(([, value]) => !(nullIsAbsent && value === null));
  return Object.fromEntries(entries.map(([name, value]) => [name, plain(value)]));
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(plain);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
}
