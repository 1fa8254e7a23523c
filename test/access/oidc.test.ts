import { SignJWT, UnsecuredJWT, exportJWK, generateKeyPair } from 'jose';
import type { CryptoKey } from 'jose';
import { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGatekeeper } from '../../src/access/gatekeeper.js';
import type { Gatekeeper } from '../../src/access/gatekeeper.js';
import { listening } from '../helpers/api-over.js';

/** An identity provider of two documents, and what it signs. */
let issuer: string;
let close: () => void;
let privateKey: CryptoKey;
let publicPem: string;
let gatekeeper: Gatekeeper;
const claims = { sub: 'ann', millrace_role: 'operator' };

beforeAll(async () => {
  const pair = await generateKeyPair('RS256', { extractable: true });
  ({ privateKey } = pair);
  const jwk = await exportJWK(pair.publicKey);
  publicPem = JSON.stringify(jwk);
  const app = new Hono();
  app.get('/.well-known/openid-configuration', (c) => c.json({ issuer, jwks_uri: `${issuer}/keys` }));
  app.get('/keys', (c) => c.json({ keys: [{ ...jwk, kid: 'k1', alg: 'RS256', use: 'sig' }] }));
  const server = await listening(app);
  ({ url: issuer, close } = server);
  gatekeeper = await gatekeeperOf({});
});
afterAll(() => close());

const gatekeeperOf = (changes: object) =>
  createGatekeeper({
    oidc: { issuer, audience: 'millrace', roleClaim: 'millrace_role', tenantClaim: 'millrace_tenant', ...changes },
  });

function jwt(payload: object = {}, { expires = '5m', aud = 'millrace', iss = issuer, key = privateKey } = {}) {
  return new SignJWT({ ...claims, ...payload })
    .setProtectedHeader({ alg: 'RS256', kid: 'k1' })
    .setIssuedAt()
    .setIssuer(iss)
    .setAudience(aud)
    .setExpirationTime(expires)
    .sign(key);
}
const codeOf = (token: string | Promise<string>, by = gatekeeper) =>
  Promise.resolve(token)
    .then((text) => by.identify(text))
    .then(
      () => 'in',
      (error: { code: string }) => error.code,
    );

describe('a JSON Web Token of the provider', () => {
  it('says who it is, until when, in which role and tenant', async () => {
    expect(await gatekeeper.identify(await jwt({ millrace_tenant: 'acme' }))).toEqual({
      subject: 'oidc:ann',
      role: 'operator',
      tenant: 'acme',
      expiresAt: expect.any(Number) as number,
    });
    expect(await gatekeeper.identify(await jwt())).toMatchObject({ tenant: 'default' });
  });

  it('may have its roles in a list, deep inside', async () => {
    const keycloak = await gatekeeperOf({ roleClaim: 'realm_access.roles' });
    const token = jwt({ realm_access: { roles: ['offline', 'viewer', 'admin'] } });
    expect(await keycloak.identify(await token)).toMatchObject({ role: 'admin' });
    expect(await codeOf(jwt({ realm_access: null }), keycloak)).toBe('access.no_role');
  });

  it.each<[string, () => string | Promise<string>, string]>([
    ['that has expired', () => jwt({}, { expires: '-1m' }), 'access.token_expired'],
    ['for somebody else', () => jwt({}, { aud: 'other' }), 'access.token_refused'],
    ['of somebody else', () => jwt({}, { iss: 'https://evil.example' }), 'access.token_refused'],
    [
      'without a signature',
      () => new UnsecuredJWT(claims).setIssuer(issuer).setAudience('millrace').encode(),
      'access.token_refused',
    ],
    [
      'signed with the public key as a secret',
      () =>
        new SignJWT(claims)
          .setProtectedHeader({ alg: 'HS256', kid: 'k1' })
          .setIssuer(issuer)
          .setAudience('millrace')
          .setExpirationTime('5m')
          .sign(Buffer.from(publicPem)),
      'access.token_refused',
    ],
    [
      'signed with another key',
      async () => jwt({}, { key: (await generateKeyPair('RS256')).privateKey }),
      'access.token_refused',
    ],
    ['with a changed body', async () => changed(await jwt()), 'access.token_refused'],
    ['without a role', () => jwt({ millrace_role: undefined }), 'access.no_role'],
    ['with a role that is none', () => jwt({ millrace_role: 'root' }), 'access.no_role'],
    ['with a tenant that leads elsewhere', () => jwt({ millrace_tenant: 'a:b' }), 'access.no_role'],
    ['without a subject', () => jwt({ sub: undefined }), 'access.token_refused'],
  ])('%s is refused', async (_, token, code) => {
    expect(await codeOf(token())).toBe(code);
  });

  it('waits for a provider that is away', async () => {
    const away = await gatekeeperOf({ issuer: 'http://127.0.0.1:1' });
    expect(await codeOf(jwt(), away)).toBe('access.provider');
  });

  it('is its own session, as long as it is good', async () => {
    const token = await jwt();
    const { session, ms } = await gatekeeper.signIn(token);
    expect(session).toBe(token);
    expect(ms).toBeLessThanOrEqual(5 * 60_000);
  });
});

/** The same signature over a higher role. */
function changed(token: string): string {
  const [head, body, signature] = token.split('.') as [string, string, string];
  const payload = JSON.parse(Buffer.from(body, 'base64url').toString()) as object;
  const raised = Buffer.from(JSON.stringify({ ...payload, millrace_role: 'admin' })).toString('base64url');
  return [head, raised, signature].join('.');
}
