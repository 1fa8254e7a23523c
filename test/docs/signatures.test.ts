import { spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packageRoot } from '../../src/cli/package-root.js';
import { blocksOf } from './support/page.js';

const PAGE = readFileSync(join(packageRoot(), 'docs/notifications.md'), 'utf8');
const blockIn = (language: string) => blocksOf(PAGE).find((block) => block.language === language)!.text;

const SECRET = 'whsec_bWlsbHJhY2U=';
const BODY = '{"type":"job.completed"}';

/** A notice that is signed as they are, `age` seconds ago. */
function signed(age = 0, body = BODY) {
  const timestamp = String(Math.floor(Date.now() / 1000) - age);
  const text = `n-1.${timestamp}.${body}`;
  const signature = createHmac('sha256', Buffer.from('bWlsbHJhY2U=', 'base64')).update(text).digest('base64');
  return { 'webhook-id': 'n-1', 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
}

const CASES = [
  [SECRET, signed(), true],
  [SECRET, signed(0, '{"type":"job.failed"}'), false],
  [SECRET, signed(600), false],
  ['another', signed(), false],
] as const;

it('the JavaScript of notifications.md tells genuine notices from others', async () => {
  const source = `data:text/javascript,${encodeURIComponent(blockIn('js'))}`;
  const { genuine } = (await import(/* @vite-ignore */ source)) as {
    genuine(secret: string, headers: object, body: string): boolean;
  };
  expect(CASES.map(([secret, headers]) => genuine(secret, headers, BODY))).toEqual(CASES.map(([, , answer]) => answer));
});

it.skipIf(spawnSync('python3', ['--version']).status !== 0)('so does its Python', () => {
  const calls = CASES.map(
    ([secret, headers]) =>
      `genuine(${JSON.stringify(secret)}, ${JSON.stringify(headers)}, ${JSON.stringify(BODY)}.encode())`,
  );
  const script = `${blockIn('python')}\nimport json\nprint(json.dumps([${calls.join(', ')}]))`;
  const { stdout, stderr } = spawnSync('python3', ['-c', script], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual(CASES.map(([, , answer]) => answer));
});
