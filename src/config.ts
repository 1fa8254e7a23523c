import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { validateHeaderName, validateHeaderValue } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse as parseToml } from 'smol-toml';
import { LOG_LEVELS, isLoopback } from './core/config.js';
import type { AccessConfig, Config, EncryptionKey, HttpHeader, S3Place } from './core/config.js';
import { MillraceError, messageOf } from './core/errors.js';
import type { Issue } from './core/errors.js';
import { devFile, isAlive } from './dev-addresses.js';
import { nearest, shown } from './schema/issues.js';
import { parseBytes } from './schema/units.js';
import { SETTINGS } from './settings.js';
import type { Setting, SettingFlag } from './settings.js';

const MIB = 1024 ** 2;
const TMPFS_MAGIC = 0x0102_1994;

type Raw = { value: unknown; from: string };

/**
 * Every setting, resolved: flag over environment over `millrace.toml` in `cwd` over default.
 * @param sources.env the process environment; `TEMPORAL_*` beyond address, namespace and UI is left to the connection
 * @param sources.flags by the names of `SETTINGS`; undefined counts as not given
 * @throws MillraceError `config.invalid` with every fault at once
 */
export function loadConfig(sources: {
  env: Readonly<Record<string, string | undefined>>;
  flags?: Partial<Record<SettingFlag, unknown>>;
  cwd: string;
}): Config {
  const { env, flags = {}, cwd } = sources;
  const faults: Issue[] = [];
  const file = readTomlFile(path.join(cwd, 'millrace.toml'), faults);

  const given = new Map<SettingFlag, unknown>();
  for (const setting of SETTINGS) {
    const raw = setting.env.endsWith(NAME)
      ? namedOf(setting, env, file[tomlKey(setting)])
      : firstGiven(setting, flags[setting.flag], env[setting.env], file[tomlKey(setting)]);
    if (!raw) continue;
    const parsed = parseSetting(setting, raw.value, cwd);
    if ('fault' in parsed) faults.push({ path: setting.env, message: `${raw.from}: ${parsed.fault}` });
    else given.set(setting.flag, parsed.value);
  }
  const access = accessOf(given, faults);
  checkHeaders(given, faults);
  if (faults.length > 0) {
    const text = faults.map((fault) => fault.message).join('; ');
    throw new MillraceError('config.invalid', `settings: ${text}`, { issues: faults });
  }
  const setting = <T>(flag: SettingFlag, otherwise: () => T): T =>
    given.has(flag) ? (given.get(flag) as T) : otherwise();

  const home = setting('home', () => path.join(cwd, '.millrace'));
  return {
    host: setting('host', () => '127.0.0.1'),
    port: setting('port', () => 8080),
    home,
    roots: setting('roots', () => [cwd]),
    work: setting('work', () => path.join(home, 'work')),
    scratch: setting('scratch', defaultScratch),
    taskQueue: setting('taskQueue', () => 'millrace'),
    processors: setting('processors', () => [path.join(cwd, 'processors')].filter((folder) => existsSync(folder))),
    threads: setting('threads', () => os.availableParallelism()),
    sqlMemoryBytes: setting('sqlMemory', () => 256 * MIB),
    insecure: setting('insecure', () => false),
    ...(access && { access }),
    ...(given.has('audit') && { audit: given.get('audit') as string }),
    ...((given.has('logLevel') || given.has('logFormat')) && {
      log: {
        level: setting('logLevel', () => 'warn' as const),
        format: setting('logFormat', () => 'text' as const),
      },
    }),
    ...(given.has('rateLimit') && { rateLimit: given.get('rateLimit') as number }),
    ...(given.has('streams') && { streams: given.get('streams') as number }),
    ...(given.has('cors') && { cors: given.get('cors') as string[] }),
    ...(given.has('encryptionKeys') && { encryptionKeys: given.get('encryptionKeys') as EncryptionKey[] }),
    ...(given.has('metricsPort') && { metricsPort: given.get('metricsPort') as number }),
    ...(isTracing(env) && { tracing: true }),
    ...(given.has('notify') && { notify: given.get('notify') as string[] }),
    ...(given.has('notifySecret') && { notifySecret: given.get('notifySecret') as string }),
    ...(given.has('notifyAllow') && { notifyAllow: given.get('notifyAllow') as string[] }),
    ...(given.has('httpAllow') && { httpAllow: given.get('httpAllow') as string[] }),
    ...(given.has('httpHeaders') && { httpHeaders: given.get('httpHeaders') as Record<string, HttpHeader> }),
    ...(given.has('postgres') && { postgres: given.get('postgres') as Record<string, string> }),
    ...(given.has('s3') && { s3: given.get('s3') as S3Place[] }),
    secrets: secretsOf(given, env),
    temporal: temporalOf(env, home),
  };
}

/** Secrets that others read from the environment by themselves. */
const OTHERS_SECRETS = ['AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'TEMPORAL_API_KEY'];

function secretsOf(
  given: ReadonlyMap<SettingFlag, unknown>,
  env: Readonly<Record<string, string | undefined>>,
): string[] {
  const passwords = Object.values((given.get('postgres') as Record<string, string> | undefined) ?? {}).map(
    (url) => new URL(url).password,
  );
  const headers = Object.values((given.get('httpHeaders') as Record<string, HttpHeader> | undefined) ?? {});
  const keys = (given.get('encryptionKeys') as EncryptionKey[] | undefined) ?? [];
  const found = [
    given.get('notifySecret') as string | undefined,
    given.get('sessionKey') as string | undefined,
    ...OTHERS_SECRETS.map((name) => env[name]),
    ...passwords.flatMap((password) => [password, decoded(password)]),
    // Of "Bearer …" the part that is secret, too.
    ...headers.flatMap(({ value }) => [value, value.split(' ').at(-1)!]),
    ...keys.map(({ key }) => Buffer.from(key).toString('base64')),
  ];
  return found.filter((secret) => secret !== undefined && secret !== '') as string[];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** What is secret does not cross a network in clear, unless its server is one that was allowed by name. */
function checkHeaders(given: ReadonlyMap<SettingFlag, unknown>, faults: Issue[]): void {
  const allowed = (given.get('httpAllow') as string[] | undefined) ?? [];
  const headers = (given.get('httpHeaders') as Record<string, HttpHeader> | undefined) ?? {};
  for (const [name, { url }] of Object.entries(headers)) {
    const { protocol, host, hostname } = new URL(url);
    if (protocol === 'https:' || isLoopback(hostname) || allowed.includes(host) || allowed.includes(hostname)) continue;
    const setting = `MILLRACE_HTTP_HEADERS_${name.toUpperCase()}`;
    const message = `${setting}: wanted an https URL, or a host that MILLRACE_HTTP_ALLOW names, found "${url}"`;
    faults.push({ path: setting, message });
  }
}

function accessOf(given: ReadonlyMap<SettingFlag, unknown>, faults: Issue[]): AccessConfig | undefined {
  const text = (flag: SettingFlag) => given.get(flag) as string | undefined;
  const [tokens, issuer, audience, sessionKey] = [
    text('tokens'),
    text('oidcIssuer'),
    text('oidcAudience'),
    text('sessionKey'),
  ];
  if ((issuer === undefined) !== (audience === undefined)) {
    const [there, missing] = issuer === undefined ? ['AUDIENCE', 'ISSUER'] : ['ISSUER', 'AUDIENCE'];
    const path = `MILLRACE_OIDC_${missing}`;
    faults.push({ path, message: `MILLRACE_OIDC_${there}: wanted ${path} beside it` });
  }
  const roleClaim = text('oidcRoleClaim') ?? 'millrace_role';
  const tenantClaim = text('oidcTenantClaim') ?? 'millrace_tenant';
  const oidc = issuer !== undefined && audience !== undefined && { issuer, audience, roleClaim, tenantClaim };
  if (tokens === undefined && !oidc) return undefined;
  return {
    ...(tokens !== undefined && { tokens }),
    ...(oidc && { oidc }),
    ...(sessionKey !== undefined && { sessionKey }),
  };
}

function temporalOf(env: Readonly<Record<string, string | undefined>>, home: string): Config['temporal'] {
  const chosenElsewhere = env.TEMPORAL_ADDRESS || env.TEMPORAL_PROFILE || env.TEMPORAL_CONFIG_FILE;
  const dev = chosenElsewhere ? null : readDevFile(devFile(home));
  const address = env.TEMPORAL_ADDRESS || dev?.temporal;
  const namespace = env.TEMPORAL_NAMESPACE || dev?.namespace;
  const uiUrl = env.TEMPORAL_UI_URL || dev?.ui;
  return { ...(address && { address }), ...(namespace && { namespace }), ...(uiUrl && { uiUrl }) };
}

/** An endpoint switches traces on, as with other programs; what else the variables say is read by the SDK of OpenTelemetry. */
function isTracing(env: Readonly<Record<string, string | undefined>>): boolean {
  const endpoint = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT;
  const off = env.OTEL_SDK_DISABLED?.toLowerCase() === 'true' || env.OTEL_TRACES_EXPORTER === 'none';
  return Boolean(endpoint) && !off;
}

/** What `millrace dev` wrote of itself; null where none runs from this home. */
function readDevFile(file: string): { temporal?: string; namespace?: string; ui?: string } | null {
  try {
    const dev = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    if (typeof dev.pid !== 'number' || !isAlive(dev.pid)) return null;
    const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined);
    return { temporal: text(dev.temporal), namespace: text(dev.namespace), ui: text(dev.ui) };
  } catch {
    return null;
  }
}

function readTomlFile(file: string, faults: Issue[]): Record<string, unknown> {
  let table: Record<string, unknown>;
  try {
    table = parseToml(readFileSync(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      faults.push({ path: 'millrace.toml', message: `millrace.toml: ${messageOf(error).split('\n')[0]}` });
    }
    return {};
  }
  const known = SETTINGS.map(tomlKey);
  for (const key of Object.keys(table).filter((key) => !known.includes(key))) {
    const near = nearest(key, known);
    const hint = near ? `did you mean "${near}"?` : `known: ${known.join(', ')}`;
    faults.push({ path: key, message: `millrace.toml: unknown key "${key}"; ${hint}` });
  }
  return table;
}

/** An empty environment variable counts as not set. */
function firstGiven(setting: Setting, flag: unknown, env: string | undefined, file: unknown): Raw | null {
  if (flag !== undefined)
    return { value: flag, from: `--${setting.flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}` };
  if (env !== undefined && env !== '') return { value: env, from: setting.env };
  return file === undefined ? null : { value: file, from: `millrace.toml ${tomlKey(setting)}` };
}

/** At the end of a setting of which there are as many as there are names. */
const NAME = '_<NAME>';

/** The names come from the environment and the file together; where both have one, the environment wins. */
function namedOf(setting: Setting, env: Readonly<Record<string, string | undefined>>, file: unknown): Raw | null {
  const prefix = setting.env.slice(0, -'<NAME>'.length);
  const set = Object.entries(env).filter(([key, value]) => key.startsWith(prefix) && value);
  const named = Object.fromEntries(set.map(([key, value]) => [key.slice(prefix.length), value]));
  if (file !== undefined && !(typeof file === 'object' && file !== null))
    return { value: file, from: `millrace.toml ${tomlKey(setting)}` };
  if (set.length === 0 && file === undefined) return null;
  const lower = (table: object) => Object.entries(table).map(([name, value]) => [name.toLowerCase(), value as unknown]);
  return { value: Object.fromEntries([...lower(file ?? {}), ...lower(named)]), from: setting.env };
}

function tomlKey(setting: Setting): string {
  return setting.env.replace(NAME, '').slice('MILLRACE_'.length).toLowerCase();
}

type Parsed = { value: unknown } | { fault: string };

function parseSetting(setting: Setting, value: unknown, cwd: string): Parsed {
  switch (setting.type) {
    case 'text':
      return typeof value === 'string' && value.trim() !== '' ? { value: value.trim() } : wanted('a text', value);
    case 'secret':
      return typeof value === 'string' && value.trim() !== '' ? { value: value.trim() } : { fault: 'wanted a text' };
    case 'level':
      return oneOf(LOG_LEVELS, value);
    case 'format':
      return oneOf(['text', 'json'], value);
    case 'keys':
      return encryptionKeys(value);
    case 'texts':
      return list(value) ?? wanted('texts separated by commas', value);
    case 'urls': {
      const urls = list(value);
      const isWeb = (url: string) => URL.canParse(url) && /^https?:/i.test(url);
      // A URL may hold what is secret.
      return urls?.value.every(isWeb) ? urls : { fault: 'wanted http or https URLs separated by commas' };
    }
    case 'url': {
      const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : null;
      const safe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname));
      return safe ? { value } : wanted('an https URL', value);
    }
    case 'port':
      return wholeNumber(value, 0, 65_535);
    case 'count':
      return wholeNumber(value, 1, 1024);
    case 'rate':
      return wholeNumber(value, 1, 1_000_000);
    case 'size': {
      const bytes = parseBytes(value);
      return bytes !== null && bytes >= 16 * MIB
        ? { value: bytes }
        : wanted('a size of at least 16MiB, such as "256MiB"', value);
    }
    case 'flag': {
      const flags: Record<string, boolean> = { '1': true, true: true, '0': false, false: false };
      const found = flags[String(value).toLowerCase()];
      return found === undefined ? wanted('1 or 0', value) : { value: found };
    }
    case 'file':
      return typeof value === 'string' && value !== '' ? folder(value, cwd) : wanted('a file', value);
    case 'folder':
      return typeof value === 'string' && value !== '' ? folder(value, cwd) : wanted('a folder', value);
    case 'work':
      return typeof value === 'string' && value !== ''
        ? workArea(value, cwd)
        : wanted('a folder or s3://bucket/prefix', value);
    case 'buckets':
      return buckets(value);
    case 'connections':
      return table(value, 'postgres://user:password@host/database', (url) =>
        /^postgres(ql)?:\/\//.test(url) && URL.canParse(url) ? url : null,
      );
    case 'headers':
      return table(value, 'https://host/path/ Header-Name: value', httpHeader);
    case 'folders': {
      const list = typeof value === 'string' ? value.split(path.delimiter).filter((part) => part !== '') : value;
      if (!Array.isArray(list) || list.length === 0 || !list.every((part) => typeof part === 'string' && part !== '')) {
        return wanted(`folders separated by "${path.delimiter}"`, value);
      }
      const folders = (list as string[]).map((part) => folder(part, cwd));
      return folders.find((one) => 'fault' in one) ?? { value: folders.map((one) => (one as { value: string }).value) };
    }
  }
}

/** Of names and what `read` makes of their texts. What is there is secret, even where it is wrong. */
function table(value: unknown, form: string, read: (text: string) => unknown): Parsed {
  if (typeof value !== 'object' || value === null) return { fault: `wanted a table of names, each with ${form}` };
  const found = Object.entries(value).map(([name, text]) => {
    return [name, /^[a-z][a-z0-9_]*$/.test(name) && typeof text === 'string' ? read(text) : null] as const;
  });
  const wrong = found.find(([, one]) => one === null);
  return wrong ? { fault: `"${wrong[0]}": wanted ${form}` } : { value: Object.fromEntries(found) };
}

/** Of what makes a request a request, nothing is set from outside. */
const OWN_HEADERS =
  /^(?:host|range|if-.*|connection|content-.*|transfer-encoding|accept-encoding|upgrade|te|trailer)$/i;

function httpHeader(text: string): HttpHeader | null {
  const [, url, name, value] = /^(\S+)\s+([^\s:]+):\s*(\S.*)$/.exec(text.trim()) ?? [];
  if (url === undefined || !/^https?:/i.test(url) || !URL.canParse(url) || OWN_HEADERS.test(name!)) return null;
  const { href, username, password, search, hash } = new URL(url);
  if (username || password || search || hash) return null;
  try {
    validateHeaderName(name!);
    validateHeaderValue(name!, value!);
  } catch {
    return null;
  }
  return { url: href, name: name!.toLowerCase(), value: value! };
}

/** What is there is secret, even where it is wrong. */
function encryptionKeys(value: unknown): Parsed {
  const found = (list(value)?.value ?? []).map((text) => /^([A-Za-z0-9._-]{1,64}):([A-Za-z0-9+/]{43}=)$/.exec(text));
  const names = found.map((match) => match?.[1]);
  if (found.length === 0 || names.includes(undefined)) {
    return {
      fault: 'wanted NAME:BASE64 of 32 bytes each, separated by commas; make one with: openssl rand -base64 32',
    };
  }
  if (new Set(names).size < names.length) return { fault: 'two keys have one name' };
  return { value: found.map((match) => ({ id: match![1]!, key: Buffer.from(match![2]!, 'base64') })) };
}

/** Null where it is no list of texts. */
function list(value: unknown): { value: string[] } | null {
  const texts: unknown = typeof value === 'string' ? value.split(',').map((part) => part.trim()) : value;
  const isList = Array.isArray(texts) && texts.every((text) => typeof text === 'string' && text !== '');
  return isList ? { value: texts as string[] } : null;
}

function folder(text: string, cwd: string): Parsed {
  if (/^file:/i.test(text)) {
    try {
      return { value: fileURLToPath(new URL(text, `file://${cwd}/`)) };
    } catch (error) {
      return { fault: `${messageOf(error)}, found ${shown(text)}` };
    }
  }
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(text);
  if (scheme)
    return { fault: `"${scheme[1]}:" is not supported by this version; wanted a folder, found ${shown(text)}` };
  return { value: path.resolve(cwd, text) };
}

function workArea(text: string, cwd: string): Parsed {
  if (!/^s3:/i.test(text)) return folder(text, cwd);
  return /^s3:\/\/[^/@]+\/[^/]/i.test(text) ? { value: text.replace(/\/+$/, '') } : wanted('s3://bucket/prefix', text);
}

/** `bucket`, `bucket/prefix`, each with `@profile` at its end. */
function buckets(value: unknown): Parsed {
  const form = 'buckets separated by commas, each as bucket, bucket/prefix or either with @profile';
  const places = list(value)?.value.map((text) => /^([a-z0-9][a-z0-9.-]+)(?:\/([^@]*))?(?:@([^@/]+))?$/.exec(text));
  if (!places?.every((place) => place !== null)) return wanted(form, value);
  return {
    value: places.map(([, bucket, prefix = '', profile]): S3Place => {
      return { bucket: bucket!, prefix, ...(profile !== undefined && { profile }) };
    }),
  };
}

function wholeNumber(value: unknown, min: number, max: number): Parsed {
  const number = typeof value === 'string' && /^\d+$/.test(value.trim()) ? Number(value) : value;
  if (Number.isInteger(number) && (number as number) >= min && (number as number) <= max) return { value: number };
  return wanted(`a whole number from ${min} to ${max}`, value);
}

function oneOf(values: readonly string[], value: unknown): Parsed {
  const text = typeof value === 'string' ? value.trim().toLowerCase() : '';
  return values.includes(text) ? { value: text } : wanted(`one of ${values.join(', ')}`, value);
}

function wanted(what: string, value: unknown): Parsed {
  return { fault: `wanted ${what}, found ${shown(value)}` };
}

/** Memory where there is enough of it: containers often give 64 MB, which one chunk can fill. */
function defaultScratch(): string {
  try {
    const memory = statfsSync('/dev/shm');
    if (memory.type === TMPFS_MAGIC && memory.bavail * memory.bsize >= 1024 * MIB) {
      return `/dev/shm/millrace-${process.getuid?.() ?? 0}`;
    }
  } catch {
    // No such file system here.
  }
  return path.join(os.tmpdir(), 'millrace');
}
