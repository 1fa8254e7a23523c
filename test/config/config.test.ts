import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config.js';
import { MillraceError } from '../../src/core/errors.js';
import { SETTINGS } from '../../src/settings.js';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(path.join(os.tmpdir(), 'millrace-config-'));
});

const toml = (text: string) => writeFileSync(path.join(cwd, 'millrace.toml'), text);

function refusal(run: () => unknown): MillraceError {
  try {
    run();
  } catch (error) {
    if (error instanceof MillraceError) return error;
    throw error;
  }
  throw new Error('was accepted');
}

describe('loadConfig', () => {
  it('has a default for everything', () => {
    const config = loadConfig({ env: {}, cwd });
    expect(config).toEqual({
      host: '127.0.0.1',
      port: 8080,
      home: path.join(cwd, '.millrace'),
      roots: [cwd],
      work: path.join(cwd, '.millrace/work'),
      scratch: expect.stringMatching(/^(\/dev\/shm\/millrace-\d+|.*\/millrace)$/) as string,
      taskQueue: 'millrace',
      processors: [],
      threads: os.availableParallelism(),
      sqlMemoryBytes: 268_435_456,
      insecure: false,
      secrets: [],
      temporal: {},
    });
  });

  it('finds the processors folder where there is one', () => {
    mkdirSync(path.join(cwd, 'processors'));
    expect(loadConfig({ env: {}, cwd }).processors).toEqual([path.join(cwd, 'processors')]);
  });

  it('takes the flag over the environment over the file over the default', () => {
    toml('port = 1\nhost = "file"\nthreads = 3\n');
    const config = loadConfig({
      env: { MILLRACE_PORT: '2', MILLRACE_HOST: 'env' },
      flags: { port: 3, host: undefined },
      cwd,
    });
    expect([config.port, config.host, config.threads, config.taskQueue]).toEqual([3, 'env', 3, 'millrace']);
  });

  it('makes folders absolute and splits lists by the delimiter of the platform', () => {
    const roots = ['data', '/srv/in'].join(path.delimiter);
    const config = loadConfig({ env: { MILLRACE_ROOTS: roots, MILLRACE_WORK: 'file:///w', MILLRACE_HOME: 'h' }, cwd });
    expect(config.roots).toEqual([path.join(cwd, 'data'), '/srv/in']);
    expect([config.work, config.home]).toEqual(['/w', path.join(cwd, 'h')]);
    toml('roots = ["a", "b"]');
    expect(loadConfig({ env: {}, cwd }).roots).toEqual([path.join(cwd, 'a'), path.join(cwd, 'b')]);
  });

  it('reads whom to tell, and shows no secret when it is wrong', () => {
    const env = {
      MILLRACE_NOTIFY: 'https://a.example/x, http://b.example',
      MILLRACE_NOTIFY_SECRET: ' s ',
      MILLRACE_NOTIFY_ALLOW: 'b.example',
    };
    expect(loadConfig({ env, cwd })).toMatchObject({
      notify: ['https://a.example/x', 'http://b.example'],
      notifySecret: 's',
      notifyAllow: ['b.example'],
    });
    const wrong = { MILLRACE_NOTIFY: 'a.example/?token=hidden', MILLRACE_NOTIFY_SECRET: '   ' };
    expect(refusal(() => loadConfig({ env: wrong, cwd })).issues.map(({ message }) => message)).toEqual([
      'MILLRACE_NOTIFY: wanted http or https URLs separated by commas',
      'MILLRACE_NOTIFY_SECRET: wanted a text',
    ]);
  });

  it('names every fault at once, and where it came from', () => {
    toml('prot = 1\nthreads = 0\n');
    const env = {
      MILLRACE_PORT: '70000',
      MILLRACE_SQL_MEMORY: 'lots',
      MILLRACE_WORK: 'ftp://bucket/x',
      MILLRACE_INSECURE: 'yes',
    };
    const error = refusal(() => loadConfig({ env, flags: { roots: 7 }, cwd }));
    expect(error.code).toBe('config.invalid');
    expect(error.issues.map((issue) => issue.message)).toEqual([
      'millrace.toml: unknown key "prot"; did you mean "port"?',
      'MILLRACE_PORT: wanted a whole number from 0 to 65535, found "70000"',
      `--roots: wanted folders separated by "${path.delimiter}", found 7`,
      'MILLRACE_WORK: "ftp:" is not supported by this version; wanted a folder, found "ftp://bucket/x"',
      'millrace.toml threads: wanted a whole number from 1 to 1024, found 0',
      'MILLRACE_SQL_MEMORY: wanted a size of at least 16MiB, such as "256MiB", found "lots"',
      'MILLRACE_INSECURE: wanted 1 or 0, found "yes"',
    ]);
  });

  it('says what is wrong with a broken file', () => {
    toml('port = = 1');
    expect(refusal(() => loadConfig({ env: {}, cwd })).message).toMatch(/^settings: millrace\.toml: Invalid TOML/);
  });

  it('counts an empty environment variable as not set', () => {
    expect(loadConfig({ env: { MILLRACE_PORT: '' }, cwd }).port).toBe(8080);
  });
});

describe('the Temporal server', () => {
  const dev = {
    temporal: '127.0.0.1:7233',
    namespace: 'default',
    ui: 'http://127.0.0.1:8233',
    api: 'http://127.0.0.1:8080',
  };
  const writeDev = (pid: number) => {
    mkdirSync(path.join(cwd, '.millrace'), { recursive: true });
    writeFileSync(path.join(cwd, '.millrace/dev.json'), JSON.stringify({ ...dev, pid }));
  };

  it('is the one that dev started from the same home', () => {
    writeDev(process.pid);
    expect(loadConfig({ env: {}, cwd }).temporal).toEqual({
      address: '127.0.0.1:7233',
      namespace: 'default',
      uiUrl: 'http://127.0.0.1:8233',
    });
  });

  it('is not one whose process is gone', () => {
    writeDev(2 ** 22 + 1);
    expect(loadConfig({ env: {}, cwd }).temporal).toEqual({});
  });

  it.each([
    [{ TEMPORAL_ADDRESS: 'other:7233' }, { address: 'other:7233' }],
    [{ TEMPORAL_PROFILE: 'prod' }, {}],
    [
      { TEMPORAL_ADDRESS: 'o:1', TEMPORAL_NAMESPACE: 'n', TEMPORAL_UI_URL: 'http://u' },
      { address: 'o:1', namespace: 'n', uiUrl: 'http://u' },
    ],
  ])('is what the environment says: %j', (env, temporal) => {
    writeDev(process.pid);
    expect(loadConfig({ env, cwd }).temporal).toEqual(temporal);
  });
});

describe('connections', () => {
  it('have their names from the environment and the file, in lower case', () => {
    toml('[postgres]\nshop = "postgres://a:b@file/x"\nother = "postgresql://o/y"');
    const env = { MILLRACE_POSTGRES_SHOP: 'postgres://a:b@env/x', MILLRACE_POSTGRES_Third: 'postgres://t/z' };
    expect(loadConfig({ env, cwd }).postgres).toEqual({
      shop: 'postgres://a:b@env/x',
      other: 'postgresql://o/y',
      third: 'postgres://t/z',
    });
    expect(loadConfig({ env: {}, cwd: path.join(cwd, 'elsewhere') }).postgres).toBeUndefined();
  });

  it('that are wrong are named without what is secret', () => {
    const { message } = refusal(() => loadConfig({ env: { MILLRACE_POSTGRES_SHOP: 'http://u:hunter2@h/x' }, cwd }));
    expect(message).toContain('"shop": wanted postgres://user:password@host/database');
    expect(message).not.toContain('hunter2');
  });
});

describe('headers for web servers', () => {
  const env = (text: string, more: object = {}) => ({ MILLRACE_HTTP_HEADERS_CRM: text, ...more });

  it('have their names from the environment and the file', () => {
    toml('[http_headers]\ncrm = "https://file/ A: 1"\nother = "https://Other.example/v1 X-Key: a: b c"');
    expect(loadConfig({ env: env('https://crm.example/v2/ authorization:Bearer t0ken'), cwd }).httpHeaders).toEqual({
      crm: { url: 'https://crm.example/v2/', name: 'authorization', value: 'Bearer t0ken' },
      other: { url: 'https://other.example/v1', name: 'x-key', value: 'a: b c' },
    });
  });

  it.each([
    'https://crm.example/',
    'https://crm.example/ hunter2',
    'https://u:hunter2@crm.example/ Authorization: x',
    'https://crm.example/?key=hunter2 Authorization: x',
    'ftp://crm.example/ Authorization: hunter2',
    'https://crm.example/ Host: hunter2',
    'https://crm.example/ Range: hunter2',
    'https://crm.example/ X-Key: hunter2\nX-Other: y',
    'https://crm.example/ X(Key: hunter2',
  ])('are refused, without what is secret: %j', (text) => {
    const { message } = refusal(() => loadConfig({ env: env(text), cwd }));
    expect(message).toContain('"crm": wanted https://host/path/ Header-Name: value');
    expect(message).not.toContain('hunter2');
  });

  it('go over http only to this machine, or to a host that is allowed by name', () => {
    const load = (host: string, more?: object) =>
      loadConfig({ env: env(`http://${host}/ Authorization: hunter2`, more), cwd });
    const { message } = refusal(() => load('crm.internal:81'));
    expect(message).toContain(
      'MILLRACE_HTTP_HEADERS_CRM: wanted an https URL, or a host that MILLRACE_HTTP_ALLOW names',
    );
    expect(message).not.toContain('hunter2');
    expect(load('127.0.0.1:81').httpHeaders).toBeDefined();
    expect(load('crm.internal:81', { MILLRACE_HTTP_ALLOW: 'crm.internal' }).httpHeaders).toBeDefined();
  });
});

describe('what is secret', () => {
  it('is known, so that no message shows it', () => {
    const env = {
      MILLRACE_POSTGRES_SHOP: 'postgres://me:pass%2Fword@host/db',
      MILLRACE_HTTP_HEADERS_CRM: 'https://crm.example/ Authorization: Bearer t0ken-1',
      MILLRACE_NOTIFY_SECRET: 'whsec_abc',
      MILLRACE_SESSION_KEY: 'session-key',
      MILLRACE_ENCRYPTION_KEYS: `k:${Buffer.alloc(32, 1).toString('base64')}`,
      AWS_SECRET_ACCESS_KEY: 'aws-secret',
      TEMPORAL_API_KEY: 'temporal-secret',
    };
    expect(loadConfig({ env, cwd }).secrets?.sort()).toEqual(
      [
        'pass%2Fword',
        'pass/word',
        'Bearer t0ken-1',
        't0ken-1',
        'whsec_abc',
        'session-key',
        Buffer.alloc(32, 1).toString('base64'),
        'aws-secret',
        'temporal-secret',
      ].sort(),
    );
    expect(loadConfig({ env: {}, cwd }).secrets).toEqual([]);
    const odd = { MILLRACE_POSTGRES_SHOP: 'postgres://me:100%25%@host/db' };
    expect(loadConfig({ env: odd, cwd }).secrets).toContain('100%25%');
  });
});

describe('SETTINGS', () => {
  it('lists each once, with a meaning', () => {
    expect(new Set(SETTINGS.map((setting) => setting.env)).size).toBe(SETTINGS.length);
    for (const { env, meaning } of SETTINGS)
      expect(`${env} ${meaning}`).toMatch(/^MILLRACE_[A-Z0-9_]+(<NAME>)? .{10,}/);
  });

  it('knows who may call: tokens, a provider, or both; and a provider whole or not at all', () => {
    const access = (env: Record<string, string>) => loadConfig({ env, cwd }).access;
    expect(access({})).toBeUndefined();
    expect(access({ MILLRACE_TOKENS: 't.json' })).toEqual({ tokens: path.join(cwd, 't.json') });
    const oidc = { MILLRACE_OIDC_ISSUER: 'https://id.example/', MILLRACE_OIDC_AUDIENCE: 'millrace' };
    expect(access({ ...oidc, MILLRACE_OIDC_ROLE_CLAIM: 'roles', MILLRACE_SESSION_KEY: 's' })).toEqual({
      oidc: { issuer: 'https://id.example/', audience: 'millrace', roleClaim: 'roles', tenantClaim: 'millrace_tenant' },
      sessionKey: 's',
    });
    expect(refusal(() => access({ MILLRACE_OIDC_ISSUER: 'https://id.example' })).message).toContain(
      'MILLRACE_OIDC_ISSUER: wanted MILLRACE_OIDC_AUDIENCE beside it',
    );
    expect(refusal(() => access({ ...oidc, MILLRACE_OIDC_ISSUER: 'http://id.example' })).message).toContain(
      'an https URL',
    );
  });

  it('tells three faults at once, and none of what is secret', () => {
    const key = Buffer.alloc(32, 7).toString('base64');
    const { issues, message } = refusal(() =>
      loadConfig({
        env: {
          MILLRACE_ENCRYPTION_KEYS: `a:${key},a:${key}`,
          MILLRACE_POSTGRES_MAIN: 'mysql://me:hunter2@db',
          MILLRACE_RATE_LIMIT: '0',
        },
        cwd,
      }),
    );
    expect(issues.map(({ path: at }) => at).sort()).toEqual([
      'MILLRACE_ENCRYPTION_KEYS',
      'MILLRACE_POSTGRES_<NAME>',
      'MILLRACE_RATE_LIMIT',
    ]);
    expect(message).not.toContain(key);
    expect(message).not.toContain('hunter2');
  });

  it('takes keys of 32 bytes, each with a name', () => {
    const key = Buffer.alloc(32, 7);
    const keysOf = (text: string) => loadConfig({ env: { MILLRACE_ENCRYPTION_KEYS: text }, cwd }).encryptionKeys;
    expect(keysOf(`k1:${key.toString('base64')}`)).toEqual([{ id: 'k1', key }]);
    const short = Buffer.alloc(31).toString('base64');
    for (const text of ['k1', 'k1:', `k1:${short}`, key.toString('base64'), ':'])
      expect(refusal(() => keysOf(text)).message).toContain('wanted NAME:BASE64 of 32 bytes');
  });
});
