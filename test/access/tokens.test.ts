import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createGatekeeper } from '../../src/access/gatekeeper.js';
import { recordOfSession, sessionOf, SESSION_MS } from '../../src/access/session.js';
import { createToken, readTokens, recordOf, revokeToken } from '../../src/access/tokens.js';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'millrace-tokens-'));
  file = path.join(folder, 'deep', 'tokens.json');
});
afterEach(() => rm(folder, { recursive: true }));

const made = (changes: Partial<Parameters<typeof createToken>[1]> = {}) =>
  createToken(file, { role: 'operator', tenant: 'default', note: '', expiresAt: null, ...changes });
const code = (wanted: string) => expect.objectContaining({ code: wanted }) as Error;

describe('the file of tokens', () => {
  it('holds no token, and is for its owner alone', async () => {
    const { token, record } = await made({ note: 'nightly' });
    const text = await readFile(file, 'utf8');
    expect(token).toMatch(/^mr_[0-9a-f]{12}_[A-Za-z0-9_-]{43}$/);
    expect(text).not.toContain(token.slice(16));
    expect(text).toContain('nightly');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(recordOf(await readTokens(file), token)).toEqual(record);
  });

  it('knows a token by every character of it', async () => {
    const { token } = await made();
    const tokens = await readTokens(file);
    for (let at = 0; at < token.length; at++) {
      const other = token[at] === 'a' ? 'b' : 'a';
      expect(recordOf(tokens, token.slice(0, at) + other + token.slice(at + 1))).toBeNull();
    }
    expect(recordOf(tokens, '')).toBeNull();
    expect(recordOf([], token)).toBeNull();
  });

  it('loses no token where many are made at once', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => made()));
    const tokens = await readTokens(file);
    expect(all.map(({ token }) => recordOf(tokens, token)?.id)).toEqual(all.map(({ record }) => record.id));
  });

  it('forgets one that is revoked, and no other', async () => {
    const [one, two] = [await made(), await made()];
    expect(await revokeToken(file, one.record.id)).toBe(true);
    expect(await revokeToken(file, one.record.id)).toBe(false);
    expect((await readTokens(file)).map(({ id }) => id)).toEqual([two.record.id]);
  });

  it.each(['', '{', '[]', '{"version":2,"tokens":[]}', '{"version":1,"tokens":[{"id":"x"}]}'])(
    'that is %j lets nobody in',
    async (text) => {
      await made();
      await writeFile(file, text);
      await expect(createGatekeeper({ tokens: file })).rejects.toThrow(code('access.bad_tokens'));
    },
  );
});

describe('the gatekeeper', () => {
  it('lets tokens in, as what they are', async () => {
    const { token, record } = await made({ role: 'viewer', tenant: 'acme' });
    const gatekeeper = await createGatekeeper({ tokens: file });
    expect(await gatekeeper.identify(token)).toEqual({ subject: `token:${record.id}`, role: 'viewer', tenant: 'acme' });
  });

  it('refuses what is none, what was revoked, what has expired', async () => {
    const expired = await made({ expiresAt: new Date(Date.now() - 1000).toISOString() });
    const { token, record } = await made();
    const gatekeeper = await createGatekeeper({ tokens: file });
    await gatekeeper.identify(token);
    for (const wrong of ['', 'x', 'mr_', `${token}x`, token.toUpperCase(), 'a.b.c', 'ms_']) {
      await expect(gatekeeper.identify(wrong)).rejects.toThrow(code('access.token_refused'));
    }
    await expect(gatekeeper.identify(expired.token)).rejects.toThrow(code('access.token_expired'));
    await revokeToken(file, record.id);
    await expect
      .poll(() =>
        gatekeeper.identify(token).then(
          () => 'in',
          (error: { code: string }) => error.code,
        ),
      )
      .toBe('access.token_refused');
  });

  it('lets nobody in while the file is away, and all again when it is back', async () => {
    const { token } = await made();
    const gatekeeper = await createGatekeeper({ tokens: file });
    const answer = () =>
      gatekeeper.identify(token).then(
        () => 'in',
        (error: { code: string }) => error.code,
      );
    const text = await readFile(file);
    await rm(file);
    await expect.poll(answer).toBe('access.bad_tokens');
    await writeFile(file, text);
    await expect.poll(answer).toBe('in');
  });
});

describe('a session', () => {
  it('stands for its token for some hours, and for no other', async () => {
    const { token, record } = await made({ role: 'viewer' });
    const gatekeeper = await createGatekeeper({ tokens: file, sessionKey: 'k' });
    const { session, ms } = await gatekeeper.signIn(token);
    expect(session).not.toContain(token.slice(16));
    expect(ms).toBe(SESSION_MS);
    expect(await gatekeeper.identify(session)).toMatchObject({ subject: `token:${record.id}`, role: 'viewer' });
    const other = await createGatekeeper({ tokens: file, sessionKey: 'other' });
    await expect(other.identify(session)).rejects.toThrow(code('access.token_refused'));
    await expect(gatekeeper.signIn(session)).rejects.toThrow(code('access.token_refused'));
  });

  it('ends with its time, with its token, and where it was written by hand', async () => {
    const { record } = await made();
    const session = sessionOf(record, 'k', 1000);
    expect(recordOfSession([record], session, 'k', 1001)).toMatchObject({ record });
    expect(recordOfSession([record], session, 'k', 1000 + SESSION_MS)).toBeNull();
    expect(recordOfSession([], session, 'k', 1001)).toBeNull();
    const longer = session.replace(String(1000 + SESSION_MS), String(2000 + SESSION_MS));
    expect(longer).not.toBe(session);
    expect(recordOfSession([record], longer, 'k', 1001)).toBeNull();
    expect(recordOfSession([{ ...record, hash: 'f'.repeat(64) }], session, 'k', 1001)).toBeNull();
  });

  it('is shorter where the token is', async () => {
    const { token } = await made({ expiresAt: new Date(Date.now() + 60_000).toISOString() });
    const gatekeeper = await createGatekeeper({ tokens: file });
    const { ms } = await gatekeeper.signIn(token);
    expect(ms).toBeGreaterThan(50_000);
    expect(ms).toBeLessThanOrEqual(60_000);
  });
});
