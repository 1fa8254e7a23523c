import type { Context, MiddlewareHandler } from 'hono';
import { getContext } from 'hono/context-storage';
import { getCookie } from 'hono/cookie';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { AuditEntry } from '../access/audit.js';
import type { Gatekeeper } from '../access/gatekeeper.js';
import { DEFAULT_TENANT, mayAct } from '../core/access.js';
import type { Principal, Role } from '../core/access.js';
import { MillraceError } from '../core/errors.js';
import { SESSION_COOKIE, SIGN_IN } from '../dashboard/sign-in.js';
import { isCodec } from './codec.js';
import type { ApiDeps } from './deps.js';
import { HttpProblem, problemOf } from './problems.js';

/** Who asks, and whether that still holds: a stream may outlive the token that opened it. */
export interface Caller extends Principal {
  holds(): Promise<boolean>;
}

interface Env {
  Variables: { caller?: Caller; requestId: string };
  Bindings: { caller?: Caller; incoming?: { socket?: { remoteAddress?: string } } };
}

const ALWAYS = () => Promise.resolve(true);
/** Where nobody is asked who they are, all may do all. */
const ANONYMOUS: Caller = { subject: 'anonymous', role: 'admin', tenant: DEFAULT_TENANT, holds: ALWAYS };
/** What has to answer before anybody has said who they are. */
const OPEN = /^\/(healthz|readyz|sign-in|assets\/[^/]+)$/;
const REFUSED = new Set(['access.token_refused', 'access.token_expired', 'access.no_role']);

/** Undefined where nobody has said who they are. */
export function identifiedCaller(c: Context): Caller | undefined {
  return (c as Context<Env>).get('caller');
}

/** The caller of this request. */
export function callerOf(c: Context): Caller {
  return identifiedCaller(c) ?? ANONYMOUS;
}

/** What a request that this process makes of itself is sent with: it is of the caller whose request is answered by it. */
export function fromInside(): Env['Bindings'] {
  const c = getContext<Env>();
  return { ...c.env, caller: callerOf(c) };
}

/** Whether this process asks itself. */
export function isInside(c: Context): boolean {
  return (c as Context<Env>).env?.caller !== undefined;
}

/** Lets through who may do what they ask, and has written down who changed something, or was refused. */
export function admit({ gatekeeper, audit, rateLimit }: Pick<ApiDeps, 'gatekeeper' | 'audit' | 'rateLimit'>) {
  const limiter =
    rateLimit === undefined ? undefined : new RateLimiterMemory({ points: rateLimit, duration: 1, keyPrefix: '' });

  const middleware: MiddlewareHandler<Env> = async (c, next) => {
    try {
      const inside = c.env?.caller;
      if (!inside && !OPEN.test(c.req.path)) await limit(limiter, await identify(c, gatekeeper));
      if (inside) c.set('caller', inside);
      checkRole(c);
    } catch (error) {
      const code = error instanceof MillraceError ? error.code : 'internal';
      const [status] = problemOf(code);
      audit?.write(entryOf(c, status, code));
      if (status === 401 && wantsPage(c)) {
        return c.redirect(`${SIGN_IN}?next=${encodeURIComponent(pathOf(c))}`, 303);
      }
      throw error;
    }
    await next();
    if (!isRead(c) && isCall(c)) {
      audit?.write(entryOf(c, c.res.status, c.error instanceof MillraceError ? c.error.code : undefined));
    }
  };
  return middleware;
}

/** Makes the caller known to what follows. @returns by what its requests are counted */
async function identify(c: Context<Env>, gatekeeper: Gatekeeper | undefined): Promise<string> {
  const address = c.env?.incoming?.socket?.remoteAddress ?? '';
  if (!gatekeeper) {
    c.set('caller', ANONYMOUS);
    return address;
  }
  const header = c.req.header('authorization');
  const session = mayBearSession(c) ? getCookie(c, SESSION_COOKIE) : undefined;
  const credential = header === undefined ? session : /^Bearer +(\S+) *$/i.exec(header)?.[1];
  if (credential === undefined) {
    throw unauthorized('access.token_wanted', 'this service asks who you are: send "Authorization: Bearer <token>"');
  }
  const principal = await identified(gatekeeper, credential);
  const holds = () =>
    gatekeeper.identify(credential).then(
      () => true,
      () => false,
    );
  c.set('caller', { ...principal, holds });
  return principal.subject;
}

/** A page of another origin, though it may ask, asks in its own name; but for the Temporal Web UI, which has none here. */
function mayBearSession(c: Context): boolean {
  const origin = c.req.header('origin');
  return (
    origin === undefined ||
    isCodec(c.req.path) ||
    (URL.canParse(origin) && new URL(origin).host === new URL(c.req.url).host)
  );
}

async function identified(gatekeeper: Gatekeeper, credential: string): Promise<Principal> {
  try {
    return await gatekeeper.identify(credential);
  } catch (error) {
    if (!(error instanceof MillraceError) || !REFUSED.has(error.code)) throw error;
    throw unauthorized(error.code, error.message, ', error="invalid_token"');
  }
}

function unauthorized(code: string, message: string, more = ''): HttpProblem {
  return new HttpProblem(code, message, { headers: { 'www-authenticate': `Bearer realm="millrace"${more}` } });
}

async function limit(limiter: RateLimiterMemory | undefined, key: string): Promise<void> {
  try {
    await limiter?.consume(key);
  } catch (error) {
    if (!(error instanceof RateLimiterRes)) throw error;
    const seconds = Math.max(1, Math.ceil(error.msBeforeNext / 1000));
    throw new HttpProblem('request.too_many', `more than ${limiter!.points} requests a second; wait ${seconds} s`, {
      headers: { 'retry-after': String(seconds) },
    });
  }
}

function checkRole(c: Context<Env>): void {
  const { role, subject, tenant } = callerOf(c);
  const needed = roleFor(c);
  // What goes through Temporal is of all tenants.
  const elsewhere = isCodec(c.req.path) && tenant !== DEFAULT_TENANT;
  if (mayAct(role, needed) && !elsewhere) return;
  throw new HttpProblem(
    'access.forbidden',
    `"${subject}" has role ${role} of tenant ${tenant}; ${c.req.method} ${c.req.path} wants ${needed}${elsewhere ? ` of ${DEFAULT_TENANT}` : ''}`,
  );
}

/** Reading is for all; what changes something, starts something or reads a source for the first time is for operators. */
function roleFor(c: Context): Role {
  if (c.req.path === '/v1/audit' || isCodec(c.req.path)) return 'admin';
  // A page does what it does by calls of its own.
  if (!isCall(c) || isRead(c)) return 'viewer';
  // It is arithmetic.
  return c.req.path === '/v1/schedules/upcoming' ? 'viewer' : 'operator';
}

function isCall(c: Context): boolean {
  return c.req.path.startsWith('/v1/') || isCodec(c.req.path);
}

function isRead(c: Context): boolean {
  return ['GET', 'HEAD', 'OPTIONS'].includes(c.req.method);
}

function wantsPage(c: Context): boolean {
  return isRead(c) && !isCall(c) && (c.req.header('accept') ?? '').includes('text/html');
}

function pathOf(c: Context): string {
  const { pathname, search } = new URL(c.req.url);
  return pathname + search;
}

function entryOf(c: Context<Env>, status: number, code: string | undefined): AuditEntry {
  const caller = identifiedCaller(c);
  return {
    at: new Date().toISOString(),
    requestId: c.get('requestId'),
    subject: caller?.subject ?? null,
    tenant: caller?.tenant ?? null,
    address: c.env?.incoming?.socket?.remoteAddress ?? null,
    method: c.req.method,
    path: c.req.path,
    status,
    ...(code !== undefined && { code }),
  };
}
