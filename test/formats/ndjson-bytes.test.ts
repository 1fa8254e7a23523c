import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createNdjsonBytes } from '../../src/formats/ndjson-bytes.js';
import { ndjsonLines } from '../../src/formats/ndjson-writer.js';
import type { Row } from '../../src/core/records.js';

const value = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.integer(),
  fc.double(),
  fc.integer().map((hundredths) => hundredths / 100),
  fc.boolean(),
  fc.constant(null),
  fc.constant(undefined),
  fc.bigInt(),
  fc.constantFrom(-0, -2147483648, 2147483647, 1e21, 1e-7, 'é', '"', '\\', '\n', '\u2028', '\ud800', '😀'),
  fc.jsonValue(),
);

describe('createNdjsonBytes', () => {
  it('writes the bytes that ndjsonLines writes, for rows of one shape', () => {
    fc.assert(
      fc.property(
        fc
          .uniqueArray(fc.string(), { maxLength: 5 })
          .chain((keys) =>
            fc.array(
              fc
                .tuple(...keys.map(() => value))
                .map((values) => Object.fromEntries(keys.map((key, i) => [key, values[i]]))),
            ),
          ),
        (rows) => {
          expect(createNdjsonBytes()(rows as Row[]).toString()).toBe(
            Buffer.from(ndjsonLines(rows as Row[])).toString(),
          );
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('and for rows of different shapes, call after call', () => {
    const write = createNdjsonBytes();
    fc.assert(
      fc.property(fc.array(fc.dictionary(fc.string(), value)), (rows) => {
        expect(write(rows as Row[]).toString()).toBe(Buffer.from(ndjsonLines(rows as Row[])).toString());
      }),
    );
  });
});
