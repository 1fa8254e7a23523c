export type SettingType =
  | 'text'
  | 'texts'
  | 'urls'
  | 'secret'
  | 'port'
  | 'count'
  | 'size'
  | 'folder'
  | 'folders'
  | 'work'
  | 'buckets'
  | 'connections'
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
