import { z } from 'zod';
import { MillraceError } from '../core/errors.js';
import type { ProcessorInfo } from '../core/job.js';
import { suggestion, toIssues, wording } from './issues.js';

const compiled = new WeakMap<object, z.ZodType>();

/**
 * Checks the parameters of a processor against the JSON Schema that workers publish.
 * @throws MillraceError `processor.bad_params` with JSON pointers into the spec
 */
export function checkParams(info: ProcessorInfo, params: Record<string, unknown>): void {
  const result = schemaOf(info).safeParse(params, { error: wording });
  if (result.success) return;
  const known = Object.keys((info.params.properties as Record<string, unknown> | undefined) ?? {});
  const issues = toIssues(result.error).map(({ path, message }) => {
    const unknown = /^unknown key "(.*)"$/.exec(message);
    const hint = known.length === 0 ? 'it takes no parameters' : suggestion(unknown?.[1] ?? '', known);
    return { path: `/process/with${path}`, message: unknown ? `${message}; ${hint}` : message };
  });
  const first = issues[0]!;
  const place = first.path.slice(1).replaceAll('/', '.');
  throw new MillraceError(
    'processor.bad_params',
    `parameters of processor "${info.name}": ${place}: ${first.message}`,
    { issues },
  );
}

/** A schema that zod cannot rebuild lets everything pass here; the worker checks again with its own. */
function schemaOf(info: ProcessorInfo): z.ZodType {
  const known = compiled.get(info.params);
  if (known) return known;
  let schema: z.ZodType;
  try {
    schema = z.fromJSONSchema(info.params);
  } catch {
    schema = z.unknown();
  }
  compiled.set(info.params, schema);
  return schema;
}
