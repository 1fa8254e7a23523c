import { describe, expect, it } from 'vitest';
import { MillraceError } from '../../src/core/errors.js';
import { recordCheck } from '../../src/schema/record-schema.js';
import { parseSpec } from '../../src/schema/spec.js';

const check = (schema: object) => recordCheck(schema, { nullIsAbsent: false });

describe('the schema of records', () => {
  it.each([
    [{ required: ['a'] }, {}, "the record must have required property 'a'"],
    [{ properties: { a: { type: ['string', 'null'] } } }, { a: null }, null],
    [{ properties: { a: { enum: ['x', 'y'] } } }, { a: 'z' }, 'a must be equal to one of the allowed values: "x", "y"'],
    [{ properties: { a: { format: 'date' } } }, { a: '2026-02-30' }, 'a must match format "date"'],
    [{ properties: { a: { type: 'integer' } } }, { a: 12345678901234567890n }, null],
    [{ properties: { a: { items: { minimum: 1 } } } }, { a: [1, 0] }, 'a/1 must be >= 1'],
    [{ $ref: '#/$defs/r', $defs: { r: { properties: { a: { const: 1 } } } } }, { a: 2 }, 'a must be equal to constant'],
  ])('%j says of a record what is wrong', (schema, record, fault) => {
    expect(check(schema)(record)).toBe(fault);
  });

  it('takes null for absent where a format has no other way to say it', () => {
    const schema = { required: ['a'], properties: { a: { type: 'string' }, b: { type: 'string' } } };
    const ofColumns = recordCheck(schema, { nullIsAbsent: true });
    expect(ofColumns({ a: 'x', b: null })).toBeNull();
    expect(ofColumns({ a: null, b: 'x' })).toBe("the record must have required property 'a'");
  });

  it('cannot be led to the prototype of objects', () => {
    const record = JSON.parse('{"__proto__": {"polluted": true}}') as Record<string, unknown>;
    expect(check({ additionalProperties: false })(record)).toMatch(/additional properties/);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

describe('a spec with a schema', () => {
  const parse = (schema: unknown) =>
    parseSpec({ source: { uri: 'a.csv', schema }, process: { use: 'sql', with: { map: 'select 1' } } });

  it('keeps it as it stands', () => {
    const schema = { properties: { a: { minimum: 0 } } };
    expect(parse(schema).source.schema).toEqual(schema);
  });

  it.each([
    ['no object', 'x', /wanted an object/],
    ['a misspelt keyword', { propertys: {} }, /unknown keyword: "propertys"/],
    ['no such type', { type: 'text' }, /type/],
    ['a reference to elsewhere', { $ref: 'https://example.com/s.json' }, /can't resolve reference/],
    ['a pattern that is none', { properties: { a: { pattern: '(' } } }, /Invalid regular expression/],
    ['one that is too long', { description: 'x'.repeat(70_000) }, /bytes as JSON, at most 65536/],
  ])('is refused where it is %s', (_, schema, message) => {
    let error: unknown;
    try {
      parse(schema);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(MillraceError);
    expect(error).toMatchObject({ code: 'spec.invalid', issues: [{ path: '/source/schema' }] });
    expect((error as Error).message).toMatch(message);
  });
});
