import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ERROR_CODES, NO_CODES } from '../../scripts/reference/error-codes.js';
import { referencePage } from '../../scripts/reference/page.js';
import { packageRoot } from '../../src/cli/package-root.js';

const ROOT = packageRoot();

it('docs/reference.md is what the program says: npm run reference writes it anew', () => {
  expect(readFileSync(join(ROOT, 'docs/reference.md'), 'utf8')).toBe(referencePage());
});

it('each error code of the program has its meaning in scripts/reference/error-codes.ts, and there is none beside', () => {
  const families = new Set(Object.keys(ERROR_CODES).map((code) => code.split('.')[0]!));
  const literal = new RegExp(`'((?:${[...families].join('|')})\\.[a-z_]+)'`, 'g');
  const found = new Set<string>();
  for (const room of ['src', 'activities', 'workflows']) {
    for (const name of readdirSync(join(ROOT, room), { recursive: true, encoding: 'utf8' })) {
      if (!/\.tsx?$/.test(name)) continue;
      for (const [, code] of readFileSync(join(ROOT, room, name), 'utf8').matchAll(literal)) found.add(code!);
    }
  }
  const codes = [...found].filter((code) => !NO_CODES.has(code)).sort();
  expect(Object.keys(ERROR_CODES)).toEqual(codes);
});
