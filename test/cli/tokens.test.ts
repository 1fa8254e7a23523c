import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createGatekeeper } from '../../src/access/gatekeeper.js';
import { testApi } from './support/test-api.js';
import type { TestApi } from './support/test-api.js';
import { millrace } from './support/test-io.js';

let folder: string;
let tokens: string;
let api: TestApi;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-cli-tokens-'));
  tokens = join(folder, 'tokens.json');
  await run(['tokens', 'create', '--role', 'viewer', '--note', 'first']);
  api = await testApi({ gatekeeper: await createGatekeeper({ tokens }) });
});
afterAll(async () => {
  await api?.stop();
  await rm(folder, { recursive: true });
});

const run = (args: string[], env: Record<string, string> = {}) =>
  millrace(args, { env: { MILLRACE_TOKENS: tokens, ...env }, cwd: folder });

it('makes a token that the API takes, shows it once, and revokes it', async () => {
  const made = await run(['tokens', 'create', '--role', 'operator', '--tenant', 'acme', '--expires', '90d']);
  expect(made.out).toMatch(/^mr_\S+\n$/);
  expect(made.err).toMatch(/^Token [0-9a-f]{12}: operator of tenant "acme", good until 20.*It is not shown again\.\n$/);
  const id = made.err.split(' ')[1]!.replace(':', '');
  const secret = made.out.trim().slice(16);
  const listed = await run(['tokens', 'list']);
  expect(listed.out).toMatch(new RegExp(`${id} +operator +acme +20`));
  expect(listed.out).toMatch(/viewer +default +never +first/);
  expect(listed.out + (await run(['tokens', 'list', '--json'])).out).not.toContain(secret);
  const asked = () => run(['jobs', '--api', api.url], { MILLRACE_TOKEN: made.out.trim() });
  await expect.poll(async () => (await asked()).code).toBe(0);
  expect(await run(['tokens', 'revoke', id])).toMatchObject({ code: 0, err: `Token ${id} is revoked\n` });
  await expect.poll(async () => (await asked()).code).toBe(77);
  expect((await run(['tokens', 'revoke', id])).err).toContain('access.unknown_token');
});

it('says where a token is looked for, and what a role does not allow', async () => {
  const without = await run(['jobs', '--api', api.url]);
  expect(without).toMatchObject({ code: 77 });
  expect(without.err).toMatch(/MILLRACE_TOKEN is where this command looks for a token.*\[access\.token_wanted\]/s);
  const { token } = JSON.parse((await run(['tokens', 'create', '--role', 'viewer', '--json'])).out) as {
    token: string;
  };
  await expect
    .poll(async () => (await run(['jobs', 'cancel', 'j-1', '--api', api.url], { MILLRACE_TOKEN: token })).err)
    .toMatch(/has role viewer.*wants operator \[access\.forbidden\]/s);
});

it.each([
  [['tokens', 'create', '--role', 'root'], /Allowed choices are viewer, operator, admin/],
  [['tokens', 'create', '--tenant', 'A:b'], /small letters/],
  [['tokens', 'create', '--expires', 'soon'], /Wanted a duration/],
])('%j is refused', async (args, message) => {
  const { code, err } = await run(args);
  expect(code).toBe(64);
  expect(err).toMatch(message);
});

it('wants to know the file', async () => {
  const { code, err } = await run(['tokens', 'list'], { MILLRACE_TOKENS: '' });
  expect([code, err]).toEqual([64, expect.stringContaining('set MILLRACE_TOKENS') as string]);
});
