/** Every setting, resolved. `src/config.ts` makes it from flags, environment, `millrace.toml` and defaults. */
export interface Config {
  host: string;
  port: number;
  /** Folder of the dev server's data, caches and the addresses of what `dev` started. Absolute. */
  home: string;
  /** Folders under which file sources and sinks may lie. Absolute. */
  roots: string[];
  /** The work area: an absolute folder, or `s3://bucket/prefix`. */
  work: string;
  /** Folder for slices that threads work on; a memory file system is best. Absolute. */
  scratch: string;
  taskQueue: string;
  /** Folders with processors (.ts, .js, .mjs files). Absolute. */
  processors: string[];
  /** Chunks a worker process computes at once. */
  threads: number;
  /** Memory limit of the SQL engine of one thread, in bytes. */
  sqlMemoryBytes: number;
  /** Listening beyond this machine, without authentication, was asked for by name. */
  insecure?: boolean;
  /** How callers are told from each other; absent: nobody is asked who they are. */
  access?: AccessConfig;
  /** File that changes are written down in, by whom. */
  audit?: string;
  log?: LogConfig;
  /** Requests a second of one caller. */
  rateLimit?: number;
  /** Event streams open at once. */
  streams?: number;
  /** Origins whose pages may ask the API. */
  cors?: string[];
  /** What goes through Temporal is encrypted with the first, and decrypted with any of them. */
  encryptionKeys?: EncryptionKey[];
  /** Port where a worker tells its metrics. */
  metricsPort?: number;
  /** Spans are exported, as the variables of OpenTelemetry say. */
  tracing?: boolean;
  /** Webhooks that are told of what happens to any schedule. */
  notify?: string[];
  /** What notices are signed with. */
  notifySecret?: string;
  /** Hosts (`host` or `host:port`) that may be told although they are private. */
  notifyAllow?: string[];
  /** Hosts (`host` or `host:port`) that sources may be read from although they are private. */
  httpAllow?: string[];
  /** What web servers are asked with, by the name of its setting in lower case. */
  httpHeaders?: Record<string, HttpHeader>;
  /** What of S3 sources and sinks may name. */
  s3?: S3Place[];
  /** Databases that sources and sinks may name: connection, in lower case, to URL. */
  postgres?: Record<string, string>;
  /** What no message may show, of all that this process was told. */
  secrets?: string[];
  temporal: { address?: string; namespace?: string; uiUrl?: string };
}

/** Whether only this machine reaches what listens on a host. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d+){3}$/.test(host);
}

/** A header that goes to one web server, and nowhere else. */
export interface HttpHeader {
  /** What URLs have to begin with: an origin, and a path that ends in `/` or is the whole path. */
  url: string;
  name: string;
  /** Secret. */
  value: string;
}

export interface S3Place {
  bucket: string;
  /** What keys have to begin with; empty: any. */
  prefix: string;
  /** Of the AWS configuration: its endpoint, region and credentials. Default: those of the environment. */
  profile?: string;
}

export interface AccessConfig {
  /** File of the hashes of tokens. Absolute. */
  tokens?: string;
  oidc?: OidcConfig;
  /** What sessions are signed with; absent: a key of the process alone. */
  sessionKey?: string;
}

export const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const;

export interface LogConfig {
  level: (typeof LOG_LEVELS)[number];
  format: 'text' | 'json';
}

export interface EncryptionKey {
  id: string;
  /** 32 bytes. */
  key: Uint8Array;
}

export interface OidcConfig {
  /** URL, as the provider's tokens have it. */
  issuer: string;
  /** What the tokens must be made for. */
  audience: string;
  /** Claims, or paths of names to them. */
  roleClaim: string;
  tenantClaim: string;
}
