/**
 * What a browser holds after a sign-in: no token, and good for some hours. It is signed with a key of the service, over the
 * token that it stands for: where that is revoked, its sessions are good no longer.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { TokenRecord } from './tokens.js';

export const SESSION_MS = 12 * 3_600_000;

export function sessionOf({ id, hash }: TokenRecord, key: string, now = Date.now()): string {
  const until = now + SESSION_MS;
  return `ms_${id}_${until}_${signature(key, id, until, hash)}`;
}

/** The token that a session was made of; null for what is no good session, or none any more. */
export function recordOfSession(
  tokens: readonly TokenRecord[],
  session: string,
  key: string,
  now = Date.now(),
): { record: TokenRecord; expiresAt: number } | null {
  const [, id, until, signed] = /^ms_([0-9a-f]{12})_(\d{1,15})_([A-Za-z0-9_-]{43})$/.exec(session) ?? [];
  const record = tokens.find((one) => one.id === id);
  const expiresAt = Number(until);
  if (!record || signed === undefined || expiresAt <= now) return null;
  const wanted = signature(key, record.id, expiresAt, record.hash);
  return timingSafeEqual(Buffer.from(wanted), Buffer.from(signed)) ? { record, expiresAt } : null;
}

function signature(key: string, id: string, until: number, hash: string): string {
  return createHmac('sha256', key).update(`${id} ${until} ${hash}`).digest('base64url');
}
