/**
 * The arrows: who may import whom, and why. `src/contract.ts` is the only thing that both sides of Temporal share;
 * everything else points from the edge to the core.
 */
const CORE = '^src/core/';
const CONTRACT = '^src/contract[.]ts$';
const SCHEMA = '^src/schema/';
const TIMETABLE = '^src/timetable/';
const FORMATS = '^src/formats/';
const PROCESSORS = '^src/processors/';
const TEMPORAL = '^src/temporal/';
const STORE_PORT = '^src/stores/port[.]ts$';
const CONFIG = '^src/(config|settings|dev-addresses)[.]ts$';
const ENTRY_POINTS = '^src/(server|worker|worker-child|dev|dev-worker|thread|task-process)[.]ts$';
// A built-in module, as it is resolved: `fs/promises`. A file has a dot.
const NODE = '^[a-z_0-9/:]+$';

const npm = (...names) => `node_modules/(${names.join('|')})/`;

/** Everything that a room imports must be named here. */
const room = (name, from, may, comment) => ({
  name,
  severity: 'error',
  comment,
  from: { path: from },
  to: { pathNot: [from, ...may] },
});

module.exports = {
  forbidden: [
    room(
      'core-imports-core',
      CORE,
      [],
      'The core is replayed inside the workflow sandbox: a clock here is two clocks.',
    ),
    room(
      'contract-imports-core',
      CONTRACT,
      [CORE],
      'Both sides of Temporal load the contract: whatever it imports, the workflow bundle holds.',
    ),
    room(
      'timetable-imports-core',
      TIMETABLE,
      [CORE, npm('luxon', '@types/luxon', 'astronomy-engine')],
      'When a schedule fires is arithmetic over calendars, zones and the sun: tested without a server, and asked by every door.',
    ),
    room(
      'schema-imports-core',
      SCHEMA,
      [CORE, TIMETABLE, '^(crypto|module)$', npm('zod', 'ajv', 'ajv-formats')],
      'The border check is one question, asked by every door: it needs the rules, zod and a digest, and no door.',
    ),
    room(
      'formats-import-core',
      FORMATS,
      [
        CORE,
        STORE_PORT,
        '^(buffer|zlib|util|stream)$',
        npm('hyparquet', 'hyparquet-compressors', 'hyparquet-writer', 'fzstd'),
      ],
      'Formats turn bytes into records and do no I/O of their own, so that they are tested on arrays of bytes.',
    ),
    {
      name: 'formats-see-the-port-as-a-type',
      severity: 'error',
      comment: 'A format is given its bytes; of the stores it knows the shape of a ranged read and nothing that runs.',
      from: { path: FORMATS },
      to: { path: STORE_PORT, dependencyTypesNot: ['type-only'] },
    },
    room(
      'stores-touch-the-outside',
      '^src/stores/',
      [
        CORE,
        NODE,
        npm('tinyglobby', 'picomatch', 'pg', 'pg-copy-streams', '@aws-sdk', '@smithy', 'undici', 'hyparquet-writer'),
      ],
      'The stores are where drivers live: below them is only the core, and nothing above may leak into them.',
    ),
    {
      name: 'store-port-imports-core',
      severity: 'error',
      comment: 'The port is what others see of the stores: a driver or a file system here would reach everyone.',
      from: { path: STORE_PORT },
      to: { pathNot: [CORE, '^src/contract[.]ts$'] },
    },
    room(
      'processors-see-rows',
      PROCESSORS,
      [
        CORE,
        FORMATS,
        STORE_PORT,
        '^src/schema/record-schema[.]ts$',
        NODE,
        npm('@duckdb', 'piscina', 'zod', 'tsx', 'tinyglobby'),
      ],
      'A processor sees rows and is a plain function in a test: it knows neither jobs, nor HTTP, nor Temporal.',
    ),
    room(
      'workflows-are-deterministic',
      '^workflows/',
      [CONTRACT, CORE, npm('@temporalio/workflow', '@temporalio/common')],
      'What the bundle holds must be small and deterministic: no activity (even as a type), no store, Node or zod.',
    ),
    room(
      'activities-get-their-dependencies',
      '^activities/',
      [
        CONTRACT,
        CORE,
        SCHEMA,
        TIMETABLE,
        FORMATS,
        PROCESSORS,
        STORE_PORT,
        NODE,
        npm('@temporalio/activity', '@temporalio/common'),
      ],
      'Dependencies come in through the factory: of the stores an activity knows only the port.',
    ),
    room(
      'temporal-starts-by-name',
      TEMPORAL,
      [
        CONTRACT,
        CORE,
        TIMETABLE,
        STORE_PORT,
        NODE,
        npm(
          '@temporalio/client',
          '@temporalio/common',
          '@temporalio/envconfig',
          '@temporalio/proto',
          '@temporalio/testing',
          'long',
        ),
      ],
      'Jobs are started by name and signature, so that a client never loads a workflow or an activity.',
    ),
    room(
      'metrics-see-results',
      '^src/metrics/',
      [CORE, CONTRACT, NODE, npm('prom-client')],
      'A worker is counted from outside, by what its activities give: none of them knows that it is.',
    ),
    room(
      'tracing-looks-from-outside',
      '^src/tracing/',
      [
        CONTRACT,
        CORE,
        NODE,
        npm(
          '@opentelemetry',
          '@hono',
          'hono',
          '@temporalio/client',
          '@temporalio/common',
          '@temporalio/activity',
          '@temporalio/worker',
        ),
      ],
      'Requests, starts and attempts are wrapped: none of them knows that it is traced, and nothing is loaded where nobody asked.',
    ),
    room(
      'access-knows-callers',
      '^src/access/',
      [CORE, NODE, npm('zod', 'jose')],
      'Who a caller is is asked by the API and written by the command line: it knows neither, nor what is asked.',
    ),
    room(
      'api-knows-jobs',
      '^src/api/',
      [
        CORE,
        CONTRACT,
        SCHEMA,
        TIMETABLE,
        TEMPORAL,
        STORE_PORT,
        '^src/dashboard/',
        '^src/access/',
        NODE,
        npm('hono', '@hono', 'zod', 'yaml', 'rate-limiter-flexible', 'prom-client'),
      ],
      'HTTP knows jobs, not Temporal: its dependencies are handed in, and tests call the app without a port.',
    ),
    room(
      'dashboard-reads-the-api',
      '^src/dashboard/',
      [CORE, CONTRACT, SCHEMA, TEMPORAL, STORE_PORT, NODE, npm('hono', '@hono', 'zod')],
      'The dashboard shows what the JSON routes answer, so that a page never knows more than a caller can ask.',
    ),
    {
      name: 'http-sees-temporal-as-types',
      severity: 'error',
      comment: 'The API gets its jobs handed in: of the temporal room it knows shapes and nothing that runs.',
      from: { path: '^src/(api|dashboard)/' },
      to: { path: TEMPORAL, dependencyTypesNot: ['type-only'] },
    },
    room(
      'client-needs-nothing',
      '^src/client/',
      [CORE, SCHEMA],
      'A program that asks the service loads this and fetch: no npm package, and of the schemas the types only.',
    ),
    {
      name: 'client-sees-schemas-as-types',
      severity: 'error',
      comment: 'With a schema zod would come along, into every program that asks.',
      from: { path: '^src/client/' },
      to: { path: SCHEMA, dependencyTypesNot: ['type-only'] },
    },
    room(
      'cli-is-an-http-client',
      '^src/cli/',
      [
        CORE,
        SCHEMA,
        TIMETABLE,
        CONTRACT,
        CONFIG,
        ENTRY_POINTS,
        TEMPORAL,
        '^src/client/',
        '^src/(stores|processors|migrate|access)/',
        NODE,
        npm('commander', 'yaml'),
      ],
      'One door: what the command line can do, HTTP can do.',
    ),
    {
      name: 'cli-inside-by-name',
      severity: 'error',
      comment:
        'Only dev, demo, doctor, import and tokens work behind the API: they start it, examine what it stands on, or come before it.',
      from: { path: '^src/cli/', pathNot: '^src/cli/(commands/|)(dev|demo|doctor|import|tokens)([.]ts$|/)' },
      to: { path: '^src/(temporal|stores|processors|migrate|access)/' },
    },
    room(
      'config-imports-core',
      CONFIG,
      [CORE, SCHEMA, NODE, npm('smol-toml')],
      'Settings are read before anything exists: a room that they knew would be configured by itself.',
    ),
    room(
      'migrate-imports-core',
      '^src/migrate/',
      [CORE, SCHEMA, TIMETABLE, NODE, npm('pg', 'sql.js', 'luxon', '@types')],
      'A migration turns tables into schedules on paper: it starts nothing, so it can be run dry.',
    ),
    room(
      'thread-wires-what-computes',
      '^src/(thread|task-process|answer-task)[.]ts$',
      [CORE, CONFIG, '^src/stores/', FORMATS, PROCESSORS, NODE],
      'A worker thread computes on rows: a connection to Temporal or an open port there would be one per core.',
    ),
    room(
      'door-opens-processors',
      '^src/index[.]ts$',
      [CORE, PROCESSORS],
      'The package offers what the author of a processor writes with; more would be a promise to keep.',
    ),
    {
      name: 'temporal-sdk-in-its-rooms',
      severity: 'error',
      comment: 'The SDK is known where Temporal is: elsewhere a new version of it would be a change of everything.',
      from: { path: '^src/', pathNot: [TEMPORAL, ENTRY_POINTS, '^src/worker-runtime[.]ts$', '^src/tracing/'] },
      to: { path: npm('@temporalio') },
    },
    {
      name: 'workflows-are-loaded-by-path',
      severity: 'error',
      comment: 'Workflows run in their bundle only: imported elsewhere they would run outside of the sandbox.',
      from: { pathNot: '^(workflows|test)/' },
      to: { path: '^workflows/' },
    },
    {
      name: 'activities-are-wired-by-the-worker',
      severity: 'error',
      comment: 'The worker makes the activities and nobody else: all others call them by name.',
      from: { pathNot: '^(activities|test|bench)/|^src/worker[.]ts$' },
      to: { path: '^activities/' },
    },
    {
      name: 'entry-points-are-ends',
      severity: 'error',
      comment: 'An entry point wires and runs: who imports it starts a process inside another.',
      from: {
        pathNot: ['^src/cli/(commands/|)(dev|demo|doctor|worker|api)([.]ts$|/)', ENTRY_POINTS, '^(test|bench)/'],
      },
      to: { path: ENTRY_POINTS },
    },
    {
      name: 'entry-points-are-loaded-late',
      severity: 'error',
      comment:
        'The commands that run an entry point load it when they are called: `millrace --help` must not start a worker.',
      from: { path: '^src/cli/' },
      to: { path: ENTRY_POINTS, dependencyTypesNot: ['dynamic-import', 'type-only'] },
    },
    {
      name: 'only-dev-runs-entry-points',
      severity: 'error',
      comment: 'A production process is one thing: only `dev` puts several into one terminal.',
      from: { path: '^src/(server|worker|thread|task-process)[.]ts$' },
      to: { path: ENTRY_POINTS },
    },
    {
      name: 'nobody-imports-tests',
      severity: 'error',
      comment: 'What is shipped must not need what is not.',
      from: { path: '^(src|workflows|activities|bin|scripts)/' },
      to: { path: '^(test|bench|examples)/' },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'In a cycle nothing can be read, tested or moved alone; a cycle of types is a cycle.',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-two-rooms-that-import-each-other',
      scope: 'folder',
      severity: 'error',
      comment: 'Two rooms that know each other are one room with a wall in the way.',
      from: { path: '^(src/[^/]+|workflows|activities)$' },
      to: { path: '^(src/[^/]+|workflows|activities)$', circular: true },
    },
    {
      name: 'no-unresolvable',
      severity: 'error',
      comment: 'An import that leads nowhere fails when it is too late to say so kindly.',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'shipped-code-needs-no-dev-dependencies',
      severity: 'error',
      comment: 'An installation has no development dependencies.',
      from: { path: '^(src|workflows|activities|bin)/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      mainFields: ['module', 'main', 'types'],
    },
  },
};
