import { MillraceError } from '../core/errors.js';

/**
 * `k=v` pairs as parameters: a value that is JSON is taken as such (`n=3`, `on=true`, `list=[1,2]`), any other as text.
 * Errors: `usage.param` where a pair has no name or no `=`.
 */
export function parseParams(pairs: readonly string[]): Record<string, unknown> {
  const entries = pairs.map((pair): [string, unknown] => {
    const at = pair.indexOf('=');
    if (at < 1) {
      throw new MillraceError(
        'usage.param',
        `Cannot read --param "${pair}": wanted name=value, as in --param limit=10`,
      );
    }
    return [pair.slice(0, at), typed(pair.slice(at + 1))];
  });
  return Object.fromEntries(entries);
}

function typed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/**
 * The spec with `params` laid over `process.with`; everything else is left as it is. Of a spec with templates `scheduledTime` is
 * the time that they stand for, written in UTC.
 */
export async function withParams(
  spec: Record<string, unknown>,
  params: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  if (Object.keys(params).length === 0) return spec;
  const { scheduledTime, ...others } = params;
  if (scheduledTime === undefined) return overlaid(spec, params);
  const [{ parseTime }, { hasTemplates, resolveTemplates }] = await Promise.all([
    import('../timetable/parse-time.js'),
    import('../timetable/templates.js'),
  ]);
  if (hasTemplates(spec)) {
    const parsed = parseTime(typeof scheduledTime === 'string' ? scheduledTime : JSON.stringify(scheduledTime), 'UTC');
    if ('fault' in parsed) throw new MillraceError('usage.param', `--param scheduledTime: ${parsed.fault}`);
    return overlaid(resolveTemplates(spec, { time: parsed.time, timezone: 'UTC' }), others);
  }
  return overlaid(spec, params);
}

function overlaid(spec: Record<string, unknown>, params: Record<string, unknown>): Record<string, unknown> {
  const process = isRecord(spec.process) ? spec.process : {};
  const given = isRecord(process.with) ? process.with : {};
  return { ...spec, process: { ...process, with: { ...given, ...params } } };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
