/** Tells who a caller is. */
import { randomBytes } from 'node:crypto';
import type { Principal } from '../core/access.js';
import type { AccessConfig } from '../core/config.js';
import { MillraceError } from '../core/errors.js';
import { createOidc } from './oidc.js';
import { SESSION_MS, recordOfSession, sessionOf } from './session.js';
import { principalOf, recordOf, watchTokens } from './tokens.js';

/** All throw MillraceError `access.token_refused`, `access.token_expired`, `access.no_role`, `access.bad_tokens`, `access.provider`. */
export interface Gatekeeper {
  /** @param credential a bearer token, or a session */
  identify(credential: string): Promise<Principal>;
  /** What a browser is given for a token: how it will be known, and for how many milliseconds. */
  signIn(token: string): Promise<{ session: string; ms: number; principal: Principal }>;
}

/** @throws MillraceError `access.bad_tokens` where the file of tokens is there and no such file */
export async function createGatekeeper({ tokens: file, oidc, sessionKey }: AccessConfig): Promise<Gatekeeper> {
  const tokens = file === undefined ? async () => [] : watchTokens(file);
  const readJwt = oidc && createOidc(oidc);
  // Without a key that others know too, sessions are of this process alone.
  const key = sessionKey ?? randomBytes(32).toString('hex');
  await tokens();

  async function identify(credential: string): Promise<Principal> {
    const principal = credential.startsWith('ms_')
      ? await ofSession(credential)
      : isJwt(credential)
        ? ((await readJwt?.(credential)) ?? null)
        : await ofToken(credential);
    if (!principal) throw refused();
    if (principal.expiresAt !== undefined && principal.expiresAt <= Date.now()) {
      throw new MillraceError('access.token_expired', 'the token has expired; ask for a new one');
    }
    return principal;
  }

  async function ofToken(token: string): Promise<Principal | null> {
    const record = recordOf(await tokens(), token);
    return record && principalOf(record);
  }

  async function ofSession(session: string): Promise<Principal | null> {
    const found = recordOfSession(await tokens(), session, key);
    if (!found) return null;
    const principal = principalOf(found.record);
    return { ...principal, expiresAt: Math.min(found.expiresAt, principal.expiresAt ?? Infinity) };
  }

  return {
    identify,
    async signIn(token) {
      if (token.startsWith('ms_')) throw refused();
      const principal = await identify(token);
      const record = recordOf(await tokens(), token);
      const left = (principal.expiresAt ?? Infinity) - Date.now();
      // A token of a provider lives shortly, and nothing here could sign for it.
      return record
        ? { session: sessionOf(record, key), ms: Math.min(SESSION_MS, left), principal }
        : { session: token, ms: left, principal };
    },
  };
}

function isJwt(credential: string): boolean {
  return credential.split('.').length === 3;
}

function refused(): MillraceError {
  return new MillraceError('access.token_refused', 'the token is not a good one, or was revoked');
}
