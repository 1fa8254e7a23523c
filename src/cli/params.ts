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

/** The spec with `params` laid over `process.with`; everything else is left as it is. */
export function withParams(spec: Record<string, unknown>, params: Record<string, unknown>): Record<string, unknown> {
  if (Object.keys(params).length === 0) return spec;
  const process = isRecord(spec.process) ? spec.process : {};
  const given = isRecord(process.with) ? process.with : {};
  return { ...spec, process: { ...process, with: { ...given, ...params } } };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
