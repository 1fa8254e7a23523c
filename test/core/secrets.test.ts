import fc from 'fast-check';
import { expect, it } from 'vitest';
import { maskOf } from '../../src/core/secrets.js';

it('hides a secret wherever it stands, as it is, in a URL and in JSON', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 6 }), fc.string(), fc.string(), (secret, before, behind) => {
      fc.pre(!secret.includes('*'));
      const mask = maskOf([secret]);
      for (const form of [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]) {
        expect(mask(`${before}${form}${behind}`)).not.toContain(form);
      }
    }),
  );
});

it('hides the whole of one that has another in it, and leaves what is too short', () => {
  expect(maskOf(['token-1', 'Bearer token-1', 'short'])('Bearer token-1, token-1, short')).toBe('***, ***, short');
});
