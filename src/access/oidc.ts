/** JSON Web Tokens of an OpenID Connect provider. */
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';
import type { JWTPayload, JWTVerifyGetKey } from 'jose';
import { DEFAULT_TENANT, ROLES, isRole, isTenant } from '../core/access.js';
import type { Principal } from '../core/access.js';
import type { OidcConfig } from '../core/config.js';
import { MillraceError, messageOf } from '../core/errors.js';

/** Signatures with a key pair. With a shared secret among them, the public key would be one. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const CLOCK_TOLERANCE_S = 30;
const DISCOVERY_MS = 5000;

/**
 * Who a token is of. Null for what is no good token.
 * @throws MillraceError `access.token_expired`, `access.no_role`; `access.provider` where the provider's keys cannot be had
 */
export type ReadJwt = (token: string) => Promise<Principal | null>;

export function createOidc({ issuer, audience, roleClaim, tenantClaim }: OidcConfig): ReadJwt {
  let keys: Promise<JWTVerifyGetKey> | null = null;

  async function verified(token: string): Promise<JWTPayload | null> {
    keys ??= discover(issuer).catch((error: unknown) => {
      // Asked again by the next caller.
      keys = null;
      throw error;
    });
    try {
      const { payload } = await jwtVerify(token, await keys, {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        clockTolerance: CLOCK_TOLERANCE_S,
        requiredClaims: ['exp', 'sub'],
      });
      return payload;
    } catch (error) {
      if (error instanceof errors.JWTExpired) {
        throw new MillraceError('access.token_expired', 'the token has expired; ask your provider for a new one');
      }
      if (error instanceof errors.JWKSTimeout || !(error instanceof errors.JOSEError)) throw providerError(error);
      return null;
    }
  }

  return async (token) => {
    const payload = await verified(token);
    if (!payload) return null;
    const role = highestRole(claimOf(payload, roleClaim));
    const tenant = claimOf(payload, tenantClaim) ?? DEFAULT_TENANT;
    if (!role) {
      throw new MillraceError(
        'access.no_role',
        `the token gives no role: its claim "${roleClaim}" has none of ${ROLES.join(', ')}`,
      );
    }
    if (typeof tenant !== 'string' || !isTenant(tenant)) {
      throw new MillraceError('access.no_role', `the claim "${tenantClaim}" of the token is no tenant's name`);
    }
    return { subject: `oidc:${payload.sub}`, role, tenant, expiresAt: payload.exp! * 1000 };
  };
}

async function discover(issuer: string): Promise<JWTVerifyGetKey> {
  const at = `${issuer.replace(/\/+$/, '')}/.well-known/openid-configuration`;
  try {
    const response = await fetch(at, { signal: AbortSignal.timeout(DISCOVERY_MS), redirect: 'error' });
    if (!response.ok) throw new Error(`status ${response.status}`);
    const found = (await response.json()) as { issuer?: unknown; jwks_uri?: unknown };
    if (found.issuer !== issuer) throw new Error(`it says that it is ${JSON.stringify(found.issuer)}`);
    return createRemoteJWKSet(new URL(String(found.jwks_uri)), { timeoutDuration: DISCOVERY_MS });
  } catch (error) {
    throw providerError(error);
  }
}

function providerError(error: unknown): MillraceError {
  if (error instanceof MillraceError) return error;
  return new MillraceError('access.provider', `the keys of the identity provider cannot be had: ${messageOf(error)}`, {
    retryable: true,
    cause: error,
  });
}

/** A claim by its name or, where there is none of that name, by the path that its dots give. */
function claimOf(payload: JWTPayload, name: string): unknown {
  if (Object.hasOwn(payload, name)) return payload[name];
  let value: unknown = payload;
  for (const step of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string, unknown>)[step];
  }
  return value;
}

function highestRole(claim: unknown): Principal['role'] | undefined {
  const named = [claim].flat().filter(isRole);
  return ROLES.findLast((role) => named.includes(role));
}
