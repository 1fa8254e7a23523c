import { z } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import { etag } from 'hono/etag';

const tag = etag();

/** Who has what would be told already is told so, and nothing else. Errors are always told. */
const middleware: MiddlewareHandler = async (c, next) => {
  await next();
  if (c.res.status === 200) await tag(c, () => Promise.resolve());
};

export const ifNoneMatch = {
  'if-none-match': z.string().optional().openapi({ description: 'The `ETag` of an answer that is known' }),
};

/** A route whose answer has an `ETag`: for its definition, beside a 304 among its answers. */
export const revalidated = { middleware } as const;
export const notModified = { 304: { description: 'It is what the caller knows' } } as const;
