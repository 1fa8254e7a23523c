import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { MillraceError } from '../../src/core/errors.js';
import type { ProcessorInfo } from '../../src/core/job.js';
import { checkParams } from '../../src/schema/params.js';

const geocode: ProcessorInfo = {
  name: 'geocode',
  description: '',
  kind: 'record',
  params: z.toJSONSchema(z.strictObject({ lang: z.string().default('en'), limit: z.int().min(1).optional() }), {
    io: 'input',
  }),
};

function refusal(params: Record<string, unknown>, info = geocode): MillraceError {
  try {
    checkParams(info, params);
  } catch (error) {
    if (error instanceof MillraceError) return error;
  }
  throw new Error('was accepted');
}

describe('checkParams', () => {
  it('accepts what the schema accepts', () => {
    expect(() => checkParams(geocode, {})).not.toThrow();
    expect(() => checkParams(geocode, { lang: 'fr', limit: 5 })).not.toThrow();
  });

  it.each<[Record<string, unknown>, string, string]>([
    [{ lang: 5 }, '/process/with/lang', 'parameters of processor "geocode": process.with.lang: wanted a text, found 5'],
    [
      { lagn: 'x' },
      '/process/with/lagn',
      'parameters of processor "geocode": process.with.lagn: unknown key "lagn"; did you mean "lang"?',
    ],
    [
      { limit: 0 },
      '/process/with/limit',
      'parameters of processor "geocode": process.with.limit: wanted at least 1, found 0',
    ],
  ])('refuses %j', (params, path, message) => {
    const error = refusal(params);
    expect(error.code).toBe('processor.bad_params');
    expect(error.message).toBe(message);
    expect(error.issues).toEqual([
      { path, message: message.slice(message.indexOf(': ', 40) + 2).replace(/^process\.with\.\w+: /, '') },
    ]);
  });

  it('leaves a schema that it cannot rebuild to the worker', () => {
    const odd = { ...geocode, params: { type: 'object', if: {}, then: {} } };
    expect(() => checkParams(odd, { anything: 1 })).not.toThrow();
  });
});
