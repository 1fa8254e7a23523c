import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAudit } from '../../src/access/audit.js';
import type { AuditEntry } from '../../src/access/audit.js';
import { createGatekeeper } from '../../src/access/gatekeeper.js';
import { createToken } from '../../src/access/tokens.js';
import type { Role } from '../../src/core/access.js';
import type { JobView } from '../../src/core/job.js';
import { encryptionCodec } from '../../src/temporal/encryption.js';
import { startService } from './support/service.js';
import type { Service } from './support/service.js';

let folder: string;
let tokens: string;
let auditFile: string;
let service: Service;
/** By tenant and role. */
const bearer: Record<string, string> = {};

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'millrace-access-'));
  tokens = path.join(folder, 'tokens.json');
  auditFile = path.join(folder, 'audit.log');
  for (const [tenant, role] of [
    ['default', 'operator'],
    ['default', 'admin'],
    ['acme', 'operator'],
    ['acme', 'viewer'],
    ['acme', 'admin'],
  ] as ReadonlyArray<[string, Role]>) {
    bearer[`${tenant} ${role}`] = (await createToken(tokens, { tenant, role, note: '', expiresAt: null })).token;
  }
  service = await startService({
    gatekeeper: await createGatekeeper({ tokens }),
    audit: await createAudit(auditFile, (line) => service.logged.push(line)),
    rateLimit: 1000,
    codec: encryptionCodec([]),
  });
});
afterAll(async () => {
  await service?.stop();
  await rm(folder, { recursive: true });
});

const SPEC = {
  name: 'n',
  source: { items: [{ a: 1 }] },
  process: { use: 'sql', with: { map: 'select * from chunk' } },
};

function as(who: string, init: RequestInit = {}): RequestInit {
  return { ...init, headers: { ...init.headers, authorization: `Bearer ${bearer[who]}` } };
}
function post(body: unknown = {}, headers: Record<string, string> = {}): RequestInit {
  return { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } };
}
async function ask(at: string, init?: RequestInit) {
  const response = await service.app.request(at, init);
  const text = await response.text();
  const body = (text.startsWith('{') ? JSON.parse(text) : {}) as { code?: string } & Record<string, never>;
  return { status: response.status, headers: response.headers, text, body, code: body.code };
}
async function startedBy(who: string, headers: Record<string, string> = {}): Promise<string> {
  const { status, text } = await ask('/v1/jobs', as(who, post(SPEC, headers)));
  expect(status, text).toBe(202);
  return (JSON.parse(text) as JobView).id;
}
async function entries(): Promise<AuditEntry[]> {
  const text = await readFile(auditFile, 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as AuditEntry);
}

describe('who nobody knows', () => {
  it.each(['/v1/jobs', '/v1/jobs/j-1', '/v1/processors', '/openapi.json', '/v1/nowhere', '/', '/metrics'])(
    'is asked on %s, whether it is there or not',
    async (at) => {
      const { status, code, headers } = await ask(at);
      expect([status, code]).toEqual([401, 'access.token_wanted']);
      expect(headers.get('www-authenticate')).toBe('Bearer realm="millrace"');
    },
  );

  it('gets the same answer for a job that is there and one that is not', async () => {
    const id = await startedBy('default operator');
    const wrong = { headers: { authorization: 'Bearer mr_000000000000_wrong' } };
    const answers = await Promise.all([ask(`/v1/jobs/${id}`, wrong), ask('/v1/jobs/j-none', wrong)]);
    expect(answers.map(({ status, code }) => [status, code])).toEqual(Array(2).fill([401, 'access.token_refused']));
    expect(answers[0].headers.get('www-authenticate')).toContain('error="invalid_token"');
  });

  it('may ask whether the service is alive and ready', async () => {
    expect((await ask('/healthz')).status).toBe(200);
    expect((await ask('/readyz')).status).toBe(200);
  });

  it('is led to the sign-in with a browser, and back', async () => {
    const { status, headers } = await ask('/jobs/j-1?a=b', { headers: { accept: 'text/html' } });
    expect([status, headers.get('location')]).toEqual([303, '/sign-in?next=%2Fjobs%2Fj-1%3Fa%3Db']);
    expect((await ask('/sign-in?next=%2Fjobs%2Fj-1')).text).toContain('value="/jobs/j-1"');
    expect((await ask('/sign-in?next=//evil.example')).text).toContain('name="next" value="/"');
  });
});

describe('a browser', () => {
  const form = (fields: Record<string, string>, headers = {}) => ({
    method: 'POST',
    body: new URLSearchParams(fields),
    headers,
  });

  it('signs in with a token, is known by a session that no script reads, and signs out', async () => {
    const signedIn = await ask('/sign-in', form({ token: ` ${bearer['acme viewer']} `, next: '/workers' }));
    expect([signedIn.status, signedIn.headers.get('location')]).toEqual([303, '/workers']);
    const cookie = signedIn.headers.get('set-cookie')!;
    expect(cookie).toMatch(/^millrace_session=ms_.*; Max-Age=43200; Path=\/; HttpOnly; SameSite=Lax$/);
    expect(cookie).not.toContain(bearer['acme viewer']!.slice(16));
    const page = await ask('/workers', { headers: { accept: 'text/html', cookie: cookie.split(';')[0]! } });
    expect(page.status).toBe(200);
    expect(page.text).toContain('viewer of acme');
    const out = await ask('/sign-out', form({}, { cookie: cookie.split(';')[0]! }));
    expect(out.headers.get('set-cookie')).toMatch(/^millrace_session=; Max-Age=0/);
  });

  it('keeps its session for encrypted connections where the connection is one', async () => {
    const { headers } = await ask(
      '/sign-in',
      form({ token: bearer['acme viewer']! }, { 'x-forwarded-proto': 'https' }),
    );
    expect(headers.get('set-cookie')).toContain('; Secure');
  });

  it('is told of a wrong token, and never sent elsewhere', async () => {
    const wrong = await ask('/sign-in', form({ token: 'mr_x', next: 'https://evil.example' }));
    expect(wrong.status).toBe(401);
    expect(wrong.text).toContain('not a good one');
    expect(wrong.headers.get('set-cookie')).toBeNull();
    const right = await ask('/sign-in', form({ token: bearer['acme viewer']!, next: 'https://evil.example' }));
    expect(right.headers.get('location')).toBe('/');
  });

  it('may not act for its user from the page of another site', async () => {
    const session = (await ask('/sign-in', form({ token: bearer['acme operator']! }))).headers.get('set-cookie')!;
    const id = await startedBy('acme operator');
    const headers = { cookie: session.split(';')[0]!, origin: 'https://evil.example' };
    const { status, code } = await ask(`/jobs/${id}/cancel`, form({}, headers));
    expect([status, code]).toEqual([403, 'request.cross_site']);
  });

  it('bears its session to pages of this service only, also where another origin may ask', async () => {
    const session = (await ask('/sign-in', form({ token: bearer['acme operator']! }))).headers.get('set-cookie')!;
    const by = (origin: string) => ask('/v1/caller', { headers: { cookie: session.split(';')[0]!, origin } });
    expect((await by('http://localhost')).status).toBe(200);
    expect((await by('https://board.example')).status).toBe(401);
  });

  it('of a viewer is told what it may not order', async () => {
    const session = (await ask('/sign-in', form({ token: bearer['acme viewer']! }))).headers.get('set-cookie')!;
    const id = await startedBy('acme operator');
    const { status, text } = await ask(`/jobs/${id}/cancel`, form({}, { cookie: session.split(';')[0]! }));
    expect(status).toBe(403);
    expect(text).toContain('access.forbidden');
  });
});

describe('roles', () => {
  it('a viewer reads', async () => {
    const id = await startedBy('acme operator');
    for (const at of [`/v1/jobs/${id}`, '/v1/jobs', `/v1/jobs/${id}/spec`, '/v1/processors', '/v1/schedules', '/']) {
      expect((await ask(at, as('acme viewer'))).status, at).toBe(200);
    }
    const when = { when: { every: '1h' }, count: 1 };
    expect((await ask('/v1/schedules/upcoming', as('acme viewer', post(when)))).status).toBe(200);
  });

  it.each([
    ['POST', '/v1/jobs'],
    ['POST', '/v1/plan'],
    ['POST', '/v1/jobs/j-1/cancel'],
    ['POST', '/v1/jobs/j-1/retry'],
    ['PATCH', '/v1/jobs/j-1'],
    ['POST', '/v1/processors/p/jobs'],
    ['PUT', '/v1/schedules/s'],
    ['DELETE', '/v1/schedules/s'],
    ['POST', '/v1/schedules/check'],
    ['GET', '/v1/audit'],
  ])('a viewer may not %s %s', async (method, at) => {
    const { status, code } = await ask(
      at,
      as('acme viewer', { ...post(), method, ...(method === 'GET' && { body: undefined }) }),
    );
    expect([status, code]).toEqual([403, 'access.forbidden']);
  });

  it('the audit log is for admins', async () => {
    expect((await ask('/v1/audit', as('acme operator'))).status).toBe(403);
    expect((await ask('/v1/audit', as('acme admin'))).status).toBe(200);
  });

  it('what goes through Temporal is of all tenants, and shown to admins of the default one', async () => {
    const answers = ['default operator', 'acme admin', 'default admin'].map((who) =>
      ask('/codec/decode', as(who, post({ payloads: [] }))),
    );
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([403, 403, 200]);
    expect((await ask('/codec/decode', post({ payloads: [] }))).status).toBe(401);
  });

  it('everybody may ask who they are', async () => {
    const { text } = await ask('/v1/caller', as('acme viewer'));
    expect(JSON.parse(text)).toMatchObject({ role: 'viewer', tenant: 'acme', expiresAt: null });
  });
});

describe('tenants', () => {
  it('know nothing of the jobs of others: neither read, ordered, listed nor built upon', async () => {
    const id = await startedBy('acme operator');
    const calls: Array<[string, string]> = [
      ['GET', ''],
      ['GET', '/events'],
      ['GET', '/result'],
      ['GET', '/output'],
      ['GET', '/manifest'],
      ['GET', '/rejects'],
      ['GET', '/chunks'],
      ['GET', '/spec'],
      ['GET', '?wait=1s'],
      ['POST', '/cancel'],
      ['POST', '/pause'],
      ['POST', '/resume'],
      ['POST', '/retry'],
      ['PATCH', ''],
    ];
    for (const [method, tail] of calls) {
      const init = method === 'PATCH' ? { ...post({ concurrency: 1 }), method } : { method };
      const { status, code } = await ask(`/v1/jobs/${id}${tail}`, as('default operator', init));
      expect([method, tail, status, code]).toEqual([method, tail, 404, 'job.not_found']);
    }
    const chained = await ask('/v1/jobs', as('default operator', post({ ...SPEC, source: { job: id } })));
    expect([chained.status, chained.code]).toEqual([422, 'source.job_not_committed']);
    const model = await ask('/v1/schedules', as('default operator', post({ id: 's', job: id, when: { every: '1h' } })));
    expect([model.status, model.code]).toEqual([404, 'job.not_found']);
    const listed = async (who: string) =>
      (JSON.parse((await ask('/v1/jobs?limit=200', as(who))).text) as { jobs: JobView[] }).jobs.map((job) => job.id);
    await expect.poll(() => listed('acme viewer')).toContain(id);
    expect(await listed('default operator')).not.toContain(id);
  });

  it('have their own Idempotency-Keys', async () => {
    const key = { 'idempotency-key': `k-${Date.now()}` };
    const [one, two] = [await startedBy('acme operator', key), await startedBy('default operator', key)];
    expect(one).not.toBe(two);
    expect(await startedBy('acme operator', key)).toBe(one);
  });

  it('have their own schedules, also under the same id', async () => {
    const schedule = { when: { every: '12h' }, spec: SPEC, paused: true };
    const put = (who: string, at: string, note: string) =>
      ask(`/v1/schedules/${at}`, as(who, { ...post({ ...schedule, note }), method: 'PUT' }));
    expect((await put('acme operator', 'same', 'of acme')).status).toBe(201);
    expect((await put('default operator', 'same', 'of default')).status).toBe(201);
    expect((await put('acme operator', 'own', 'of acme')).status).toBe(201);
    const noteOf = async (who: string, at: string) => {
      const { status, text } = await ask(`/v1/schedules/${at}`, as(who));
      return status === 200 ? (JSON.parse(text) as { note: string }).note : status;
    };
    expect(await noteOf('acme viewer', 'same')).toBe('of acme');
    expect(await noteOf('default operator', 'same')).toBe('of default');
    for (const at of ['own', 'acme:own', 'acme%3Aown']) expect(await noteOf('default operator', at)).toBe(404);
    const idsOf = async (who: string) =>
      (JSON.parse((await ask('/v1/schedules', as(who))).text) as { schedules: Array<{ id: string }> }).schedules.map(
        ({ id }) => id,
      );
    await expect.poll(() => idsOf('acme viewer')).toEqual(['own', 'same']);
    expect(await idsOf('default operator')).not.toContain('own');
    const triggered = await ask('/v1/schedules/same/trigger', as('acme operator', post()));
    const { job } = JSON.parse(triggered.text) as { job: string };
    expect(job).toMatch(/^s-acme:same-/);
    expect((await ask(`/v1/jobs/${job}`, as('default operator'))).status).toBe(404);
    const view = JSON.parse((await ask(`/v1/jobs/${job}`, as('acme viewer'))).text) as JobView;
    expect(view.schedule?.id).toBe('same');
    for (const [who, at] of [
      ['acme operator', 'same'],
      ['acme operator', 'own'],
      ['default operator', 'same'],
    ] as const) {
      expect((await ask(`/v1/schedules/${at}`, as(who, { method: 'DELETE' }))).status).toBe(204);
    }
  });
});

describe('the audit log', () => {
  it('has who changed what, and who was refused, and no token', async () => {
    const id = await startedBy('acme operator');
    await ask(`/v1/jobs/${id}`, as('acme operator'));
    await ask(`/v1/jobs/${id}/cancel`, as('acme viewer', post()));
    await ask('/v1/jobs', { headers: { authorization: 'Bearer mr_000000000000_wrong' } });
    await expect
      .poll(async () => (await entries()).slice(-3).map(({ method, status, code }) => [method, status, code]))
      .toEqual([
        ['POST', 202, undefined],
        ['POST', 403, 'access.forbidden'],
        ['GET', 401, 'access.token_refused'],
      ]);
    const [started, forbidden, unknown] = (await entries()).slice(-3);
    expect(started).toMatchObject({
      subject: expect.stringMatching(/^token:/) as string,
      tenant: 'acme',
      path: '/v1/jobs',
    });
    expect(forbidden).toMatchObject({ path: `/v1/jobs/${id}/cancel`, tenant: 'acme' });
    expect(unknown).toMatchObject({ subject: null, tenant: null });
    const text = await readFile(auditFile, 'utf8');
    for (const token of Object.values(bearer)) expect(text).not.toContain(token.slice(16));
  });

  it('is told to its tenant, newest first', async () => {
    await startedBy('default operator');
    const id = await startedBy('acme operator');
    await ask(`/v1/jobs/${id}/cancel`, as('acme operator', post()));
    const { text } = await ask('/v1/audit?limit=2', as('acme admin'));
    const { entries: told } = JSON.parse(text) as { entries: AuditEntry[] };
    expect(told.map(({ path: at, tenant }) => [at, tenant])).toEqual([
      [`/v1/jobs/${id}/cancel`, 'acme'],
      ['/v1/jobs', 'acme'],
    ]);
  });

  it('has what a page ordered once, by whom', async () => {
    const form = { method: 'POST', body: new URLSearchParams({ token: bearer['acme operator']! }) };
    const cookie = (await ask('/sign-in', form)).headers.get('set-cookie')!.split(';')[0]!;
    const id = await startedBy('acme operator');
    const answer = await ask(`/jobs/${id}/cancel`, { method: 'POST', headers: { cookie } });
    expect(answer.status).toBe(303);
    await expect
      .poll(async () =>
        (await entries()).filter((entry) => entry.path.includes(id)).map(({ path: at, tenant }) => [at, tenant]),
      )
      .toEqual([[`/v1/jobs/${id}/cancel`, 'acme']]);
  });
});
