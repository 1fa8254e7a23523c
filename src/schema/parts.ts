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

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
