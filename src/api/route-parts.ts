/** What the routes of all resources are made of. */
import type { z } from '@hono/zod-openapi';
import { jobListSchema, problemSchema } from '../schema/views.js';

export const MAX_PAGE = 200;

const Problem = problemSchema.meta({ id: 'Problem' });
export const JobList = jobListSchema.meta({ id: 'JobList' });

export const json = <Schema extends z.ZodType>(description: string, schema: Schema, headers?: z.ZodObject) => ({
  description,
  ...(headers && { headers }),
  content: { 'application/json': { schema } },
});

const problem = { description: 'What went wrong', content: { 'application/problem+json': { schema: Problem } } };

/** The answers of errors; each of them is a problem document. */
export function problems<const Statuses extends readonly number[]>(...statuses: Statuses) {
  return Object.fromEntries([401, 403, 429, 500, ...statuses].map((status) => [status, problem])) as Record<
    Statuses[number] | 401 | 403 | 429 | 500,
    typeof problem
  >;
}

/** Where an answer leads: the operations that take the id it has. */
export const leadsTo = (...operations: string[]) => ({
  links: Object.fromEntries(
    operations.map((operationId) => [operationId, { operationId, parameters: { id: '$response.body#/id' } }]),
  ),
});

export const ref = (name: string) => ({ schema: { $ref: `#/components/schemas/${name}` } });
