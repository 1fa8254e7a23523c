export type SettingType =
  | 'text'
  | 'texts'
  | 'level'
  | 'format'
  | 'urls'
  | 'secret'
  | 'keys'
  | 'port'
  | 'count'
  | 'rate'
  | 'size'
  | 'url'
  | 'file'
  | 'folder'
  | 'folders'
  | 'work'
  | 'buckets'
  | 'connections'
  | 'headers'
  | 'flag';

export interface Setting {
  /** Environment variable. The key in `millrace.toml` is its lower-case rest: `MILLRACE_TASK_QUEUE` is `task_queue`. */
  env: string;
  /** The name of its flag in `loadConfig`. */
  flag: string;
  type: SettingType;
  default: string;
  meaning: string;
}

/** Every setting of the project itself, as `doctor --settings` and the documentation show them. */
export const SETTINGS = [
  { env: 'MILLRACE_HOST', flag: 'host', type: 'text', default: '127.0.0.1', meaning: 'Address the API listens on' },
  {
    env: 'MILLRACE_PORT',
    flag: 'port',
    type: 'port',
    default: '8080',
    meaning: 'Port the API listens on; 0 takes a free one',
  },
  {
    env: 'MILLRACE_HOME',
    flag: 'home',
    type: 'folder',
    default: '.millrace',
    meaning: "Folder of the dev server's data, caches and the addresses of what `millrace dev` started",
  },
  {
    env: 'MILLRACE_ROOTS',
    flag: 'roots',
    type: 'folders',
    default: 'the current folder',
    meaning: 'Folders under which file sources and sinks may lie',
  },
  {
    env: 'MILLRACE_WORK',
    flag: 'work',
    type: 'work',
    default: '<home>/work',
    meaning: 'The work area: all run state, in a folder or at s3://bucket/prefix. API and workers need the same one',
  },
  {
    env: 'MILLRACE_SCRATCH',
    flag: 'scratch',
    type: 'folder',
    default: '/dev/shm/millrace-<uid> where that is memory with 1 GiB free, else <tmp>/millrace',
    meaning: 'Folder for the slices that worker threads compute on',
  },
  { env: 'MILLRACE_TASK_QUEUE', flag: 'taskQueue', type: 'text', default: 'millrace', meaning: 'Temporal task queue' },
  {
    env: 'MILLRACE_PROCESSORS',
    flag: 'processors',
    type: 'folders',
    default: 'processors, where it exists',
    meaning: 'Folders with processors (.ts, .js, .mjs)',
  },
  {
    env: 'MILLRACE_THREADS',
    flag: 'threads',
    type: 'count',
    default: 'the cores',
    meaning: 'Chunks a worker computes at once',
  },
  {
    env: 'MILLRACE_SQL_MEMORY',
    flag: 'sqlMemory',
    type: 'size',
    default: '256MiB',
    meaning: 'Memory limit of the SQL engine of one thread',
  },
  {
    env: 'MILLRACE_INSECURE',
    flag: 'insecure',
    type: 'flag',
    default: '0',
    meaning: '1 lets the API listen beyond this machine although it asks nobody who they are',
  },
  {
    env: 'MILLRACE_TOKENS',
    flag: 'tokens',
    type: 'file',
    default: 'none: nobody is asked who they are',
    meaning: 'File of the tokens that callers of the API bear, made by `millrace tokens create`',
  },
  {
    env: 'MILLRACE_OIDC_ISSUER',
    flag: 'oidcIssuer',
    type: 'url',
    default: 'none',
    meaning: 'OpenID Connect provider whose JSON Web Tokens are taken; wants MILLRACE_OIDC_AUDIENCE too',
  },
  {
    env: 'MILLRACE_OIDC_AUDIENCE',
    flag: 'oidcAudience',
    type: 'text',
    default: 'none',
    meaning: 'What these tokens must be made for (claim `aud`)',
  },
  {
    env: 'MILLRACE_OIDC_ROLE_CLAIM',
    flag: 'oidcRoleClaim',
    type: 'text',
    default: 'millrace_role',
    meaning: 'Claim with the role, or a list of roles of which the highest counts; dots lead into objects',
  },
  {
    env: 'MILLRACE_OIDC_TENANT_CLAIM',
    flag: 'oidcTenantClaim',
    type: 'text',
    default: 'millrace_tenant',
    meaning: 'Claim with the tenant; a token without it is of tenant `default`',
  },
  {
    env: 'MILLRACE_SESSION_KEY',
    flag: 'sessionKey',
    type: 'secret',
    default: 'one of the process alone',
    meaning: 'What the sessions of signed-in browsers are signed with; several API processes need the same one',
  },
  {
    env: 'MILLRACE_AUDIT',
    flag: 'audit',
    type: 'file',
    default: 'none',
    meaning: 'File that every change and every refused caller is written down in, a JSON object a line',
  },
  {
    env: 'MILLRACE_RATE_LIMIT',
    flag: 'rateLimit',
    type: 'rate',
    default: 'none',
    meaning: 'Requests a second that one caller may make of one API process',
  },
  {
    env: 'MILLRACE_STREAMS',
    flag: 'streams',
    type: 'rate',
    default: '500',
    meaning: 'Event streams that one API process keeps open at once; more are answered 429',
  },
  {
    env: 'MILLRACE_CORS',
    flag: 'cors',
    type: 'urls',
    default: 'none',
    meaning: 'Origins whose pages may ask the API from a browser, with a token, separated by commas',
  },
  {
    env: 'MILLRACE_ENCRYPTION_KEYS',
    flag: 'encryptionKeys',
    type: 'keys',
    default: 'none: unencrypted',
    meaning:
      'What goes through Temporal is encrypted with the first of these keys and decrypted with all: NAME:BASE64 of 32 bytes each, separated by commas. API and workers need the same ones',
  },
  {
    env: 'MILLRACE_LOG',
    flag: 'logLevel',
    type: 'level',
    default: 'warn',
    meaning:
      'What API and workers log at least: silent, error, warn, info (each request too), debug (each attempt too)',
  },
  {
    env: 'MILLRACE_LOG_FORMAT',
    flag: 'logFormat',
    type: 'format',
    default: 'text',
    meaning: 'Lines for people (text), or an object a line for programs (json)',
  },
  {
    env: 'MILLRACE_METRICS_PORT',
    flag: 'metricsPort',
    type: 'port',
    default: 'none: not told',
    meaning:
      'Port at MILLRACE_HOST where a worker tells its metrics, at `/metrics`; the API tells its own at its own port',
  },
  {
    env: 'MILLRACE_NOTIFY',
    flag: 'notify',
    type: 'urls',
    default: 'none',
    meaning: 'Webhooks told of failed, missed, skipped and recovered runs of any schedule, separated by commas',
  },
  {
    env: 'MILLRACE_NOTIFY_SECRET',
    flag: 'notifySecret',
    type: 'secret',
    default: 'none: unsigned',
    meaning: 'What notices are signed with (Standard Webhooks; whsec_… is base64)',
  },
  {
    env: 'MILLRACE_NOTIFY_ALLOW',
    flag: 'notifyAllow',
    type: 'texts',
    default: 'none',
    meaning: 'Hosts (host or host:port) that may be told although their address is private, separated by commas',
  },
  {
    env: 'MILLRACE_HTTP_ALLOW',
    flag: 'httpAllow',
    type: 'texts',
    default: 'none',
    meaning:
      'Hosts (host or host:port) that sources may be read from although their address is private, separated by commas',
  },
  {
    env: 'MILLRACE_HTTP_HEADERS_<NAME>',
    flag: 'httpHeaders',
    type: 'headers',
    default: 'none',
    meaning:
      'A header that sources below a URL are asked with, and no others: https://host/path/ Header-Name: value. In millrace.toml a table [http_headers]',
  },
  {
    env: 'MILLRACE_S3_BUCKETS',
    flag: 's3',
    type: 'buckets',
    default: 'none',
    meaning:
      'Buckets that sources and sinks may name, separated by commas: bucket or bucket/prefix, each with @profile where a profile of the AWS configuration is meant',
  },
  {
    env: 'MILLRACE_POSTGRES_<NAME>',
    flag: 'postgres',
    type: 'connections',
    default: 'none',
    meaning:
      'A database that sources and sinks name as postgres://NAME/schema.table: postgres://user:password@host/database. In millrace.toml a table [postgres]',
  },
] as const satisfies readonly Setting[];

export type SettingFlag = (typeof SETTINGS)[number]['flag'];
