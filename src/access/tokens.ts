/** Bearer tokens: a file of their hashes. Who has the file has no token. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { chmod, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { ROLES, isTenant } from '../core/access.js';
import type { Principal } from '../core/access.js';
import { MillraceError, messageOf } from '../core/errors.js';

const recordSchema = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{12}$/),
  /** SHA-256 of the secret, hex. It has 256 bits of chance, so that a slow hash would protect nothing more. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  role: z.enum(ROLES),
  tenant: z.string().refine(isTenant, 'wanted small letters, digits and hyphens'),
  /** What it is for; for people. */
  note: z.string(),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().nullable(),
});
const fileSchema = z.strictObject({ version: z.literal(1), tokens: z.array(recordSchema) });

/** A token as its file has it. */
export type TokenRecord = z.infer<typeof recordSchema>;

const SECRET_BYTES = 32;
const ID_BYTES = 6;
const LOCK_MS = 5000;
const LOCK_POLL_MS = 50;

/**
 * All tokens of a file; none where there is no file.
 * @throws MillraceError `access.bad_tokens` where it is no file of tokens
 */
export async function readTokens(file: string): Promise<TokenRecord[]> {
  try {
    return fileSchema.parse(JSON.parse(await readFile(file, 'utf8'))).tokens;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    const fault = error instanceof z.ZodError ? z.prettifyError(error).split('\n').join(' ') : messageOf(error);
    throw new MillraceError('access.bad_tokens', `"${file}" cannot be read as a file of tokens: ${fault}`, {
      cause: error,
    });
  }
}

/**
 * Adds a token to a file, which is made where there is none, for its owner alone.
 * @returns the token, which is kept nowhere, and its record
 * @throws MillraceError `access.bad_tokens`, `access.tokens_locked`
 */
export async function createToken(
  file: string,
  { role, tenant, note, expiresAt }: Pick<TokenRecord, 'role' | 'tenant' | 'note' | 'expiresAt'>,
): Promise<{ token: string; record: TokenRecord }> {
  const id = randomBytes(ID_BYTES).toString('hex');
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  const record = { id, hash: hashOf(secret), role, tenant, note, createdAt: new Date().toISOString(), expiresAt };
  await change(file, (tokens) => [...tokens, record]);
  return { token: `mr_${id}_${secret}`, record };
}

/** @returns false where there is none with this id @throws as `createToken` */
export async function revokeToken(file: string, id: string): Promise<boolean> {
  let found = false;
  await change(file, (tokens) => {
    found = tokens.some((token) => token.id === id);
    return tokens.filter((token) => token.id !== id);
  });
  return found;
}

/** The record that a token is of; null for one that is not in the list. Whether it has expired is not looked at. */
export function recordOf(tokens: readonly TokenRecord[], token: string): TokenRecord | null {
  const [, id, secret] = /^mr_([0-9a-f]{12})_([A-Za-z0-9_-]{43})$/.exec(token) ?? [];
  const record = tokens.find((one) => one.id === id);
  if (!record || secret === undefined) return null;
  return timingSafeEqual(Buffer.from(record.hash, 'hex'), Buffer.from(hashOf(secret), 'hex')) ? record : null;
}

export function principalOf({ id, role, tenant, expiresAt }: TokenRecord): Principal {
  return { subject: `token:${id}`, role, tenant, ...(expiresAt !== null && { expiresAt: Date.parse(expiresAt) }) };
}

/** Reads the file again when it has changed, looked at once a second at most: a revoked token is refused from then on. */
export function watchTokens(file: string): () => Promise<TokenRecord[]> {
  const LOOK_MS = 1000;
  let kept: { at: number; version: string; tokens: TokenRecord[] } | null = null;
  let reading: Promise<TokenRecord[]> | null = null;

  async function look(): Promise<TokenRecord[]> {
    const at = Date.now();
    const { mtimeMs, size, ino } = await stat(file);
    const version = `${mtimeMs} ${size} ${ino}`;
    if (kept?.version === version) kept.at = at;
    else kept = { at, version, tokens: await readTokens(file) };
    return kept.tokens;
  }
  return async () => {
    if (kept && Date.now() - kept.at < LOOK_MS) return kept.tokens;
    reading ??= look().finally(() => {
      reading = null;
    });
    try {
      return await reading;
    } catch (error) {
      // Whom a file would let in that cannot be read nobody knows: nobody.
      kept = null;
      throw error instanceof MillraceError
        ? error
        : new MillraceError('access.bad_tokens', `"${file}" cannot be read: ${messageOf(error)}`, { cause: error });
    }
  };
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** One process at a time; what a reader finds is the whole file before or after. */
async function change(file: string, make: (tokens: TokenRecord[]) => TokenRecord[]): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  const unlock = await lock(`${file}.lock`);
  try {
    const tokens = make(await readTokens(file));
    const fresh = `${file}.new`;
    await writeFile(fresh, `${JSON.stringify({ version: 1, tokens }, null, 2)}\n`, { mode: 0o600 });
    await chmod(fresh, 0o600);
    await rename(fresh, file);
  } finally {
    await unlock();
  }
}

async function lock(file: string): Promise<() => Promise<void>> {
  for (const end = Date.now() + LOCK_MS; ; await sleep(LOCK_POLL_MS)) {
    try {
      await (await open(file, 'wx')).close();
      return () => rm(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      if (Date.now() < end) continue;
      throw new MillraceError(
        'access.tokens_locked',
        `another process is changing the tokens; if none is, remove "${file}"`,
        { cause: error },
      );
    }
  }
}
