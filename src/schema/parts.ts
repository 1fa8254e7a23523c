/** What the schemas of all documents are made of. */
import { z } from 'zod';
import { shown, unknownKeys } from './issues.js';
import { parseDuration } from './units.js';

export const DAY_MS = 86_400_000;

/** An object in which an unknown key is a fault that says which key was meant. */
export function closed<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject(shape, { error: unknownKeys(Object.keys(shape)) });
}

export function duration(minMs: number, maxMs = 365 * DAY_MS) {
  return z
    .union([z.string(), z.number()])
    .transform((value, context) => {
      const ms = parseDuration(value);
      if (ms === null) return fault(context, `wanted a duration such as "10s", "30m" or "7d", found ${shown(value)}`);
      if (ms < minMs) return fault(context, `wanted at least ${minMs} ms, found ${shown(value)}`);
      if (ms > maxMs) return fault(context, `wanted at most ${maxMs / DAY_MS} days, found ${shown(value)}`);
      return ms;
    })
    .meta({ examples: ['10s', '30m', '7d'] });
}

const MAX_URLS = 10;

/** Webhooks. */
export const notifyUrls = z
  .array(
    z.url({
      protocol: /^https?$/,
      error: ({ input }) => `wanted an http or https URL, found ${shown(input)}`,
    }),
  )
  .max(MAX_URLS);

export function fault(context: z.RefinementCtx, message: string): never {
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
}

/** No document of ours comes near it, and what walks one may do so by recursion. */
export const MAX_DEPTH = 64;

/** Whether a value has more levels than `MAX_DEPTH`; one that holds itself, as YAML can say, has no end of them. */
export function isTooDeep(value: unknown): boolean {
  let level = new Set<unknown>([value]);
  for (let depth = 0; depth <= MAX_DEPTH; depth++) {
    const next = new Set<unknown>();
    for (const one of level) {
      if (typeof one !== 'object' || one === null) continue;
      for (const child of Object.values(one)) if (typeof child === 'object' && child !== null) next.add(child);
    }
    if (next.size === 0) return false;
    level = next;
  }
  return true;
}

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
