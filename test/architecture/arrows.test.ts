import { createRequire } from 'node:module';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { cruise } from 'dependency-cruiser';
import type { ICruiseResult, IFlattenedRuleSet, IForbiddenRuleType } from 'dependency-cruiser';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');
const config = createRequire(import.meta.url)('../../.dependency-cruiser.cjs') as {
  forbidden: IForbiddenRuleType[];
  options: Record<string, unknown>;
};

interface Tree {
  [file: string]: string;
}

async function violations(baseDir: string, rooms: string[]): Promise<string[]> {
  const { enhancedResolveOptions, tsConfig: _forTheCommand, ...options } = config.options;
  const ruleSet: IFlattenedRuleSet = { forbidden: config.forbidden };
  const { output } = await cruise(
    rooms,
    { ...options, baseDir, validate: true, ruleSet },
    enhancedResolveOptions as Record<string, never>,
  );
  return (output as ICruiseResult).summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`);
}

describe('the arrows', () => {
  it('each give their reason in a sentence', () => {
    const silent = config.forbidden
      .filter(({ comment }) => !/^[A-Z].{30,}[.]$/.test(comment ?? ''))
      .map(({ name }) => name);
    expect(silent).toEqual([]);
  });

  it('hold', async () => {
    expect(await violations(root, ['bin', 'scripts', 'src', 'workflows', 'activities', 'test', 'bench'])).toEqual([]);
  });
});

describe('a wrong import is caught:', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'millrace-arrows-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function rulesBroken(name: string, tree: Tree): Promise<string[]> {
    const project = path.join(folder, name.replace(/\W+/g, '-'));
    for (const [file, text] of Object.entries({ 'package.json': '{"type":"module"}', ...tree })) {
      await mkdir(path.dirname(path.join(project, file)), { recursive: true });
      await writeFile(path.join(project, file), text);
    }
    const rooms = [...new Set(Object.keys(tree).map((file) => file.split('/')[0]!))];
    return [...new Set((await violations(project, rooms)).map((line) => line.split(':')[0]!))].sort();
  }

  const port = { 'src/stores/port.ts': 'export interface Store { size: number }\nexport const open = 1;' };
  const cases: [name: string, tree: Tree, rules: string[]][] = [
    ['a clock in the core', { 'src/core/plan.ts': "import 'node:fs';" }, ['core-imports-core']],
    [
      'a type of an activity in a workflow',
      {
        'workflows/index.ts': "import type { A } from '../activities/index.js';\nexport type B = A;",
        'activities/index.ts': 'export type A = 1;',
      },
      ['activities-are-wired-by-the-worker', 'workflows-are-deterministic'],
    ],
    [
      'a concrete store in an activity',
      { 'activities/commit.ts': "import '../src/stores/file-store.js';", 'src/stores/file-store.ts': 'export {};' },
      ['activities-get-their-dependencies'],
    ],
    [
      'code of the port in a format',
      { ...port, 'src/formats/csv.ts': "import { open } from '../stores/port.js';\nexport const a = open;" },
      ['formats-see-the-port-as-a-type'],
    ],
    [
      'code of the temporal room in the API',
      { 'src/api/app.ts': "import '../temporal/jobs.js';", 'src/temporal/jobs.ts': 'export {};' },
      ['http-sees-temporal-as-types'],
    ],
    [
      'the temporal room in a command that is not a named exception',
      { 'src/cli/commands/run.ts': "import '../../temporal/jobs.js';", 'src/temporal/jobs.ts': 'export {};' },
      ['cli-inside-by-name'],
    ],
    [
      'an entry point in a room',
      { 'src/temporal/jobs.ts': "export const a = () => import('../server.js');", 'src/server.ts': 'export {};' },
      ['entry-points-are-ends', 'temporal-starts-by-name'],
    ],
    [
      'an entry point that a command loads at once',
      { 'src/cli/commands/api.ts': "import '../../server.js';", 'src/server.ts': 'export {};' },
      ['entry-points-are-loaded-late'],
    ],
    [
      'a cycle of types',
      {
        'src/core/a.ts': "import type { B } from './b.js';\nexport type A = B;",
        'src/core/b.ts': "import type { A } from './a.js';\nexport type B = A | 1;",
      },
      ['no-cycles'],
    ],
    [
      'two rooms that import each other',
      {
        'src/api/a.ts': "import '../dashboard/a.js';",
        'src/dashboard/a.ts': 'export {};',
        'src/dashboard/b.ts': "import '../api/b.js';",
        'src/api/b.ts': 'export {};',
      },
      ['dashboard-reads-the-api', 'no-two-rooms-that-import-each-other'],
    ],
    [
      'an import that leads nowhere',
      { 'src/core/a.ts': "import './gone.js';" },
      ['core-imports-core', 'no-unresolvable'],
    ],
  ];

  it.each(cases)('%s', async (name, tree, rules) => {
    expect(await rulesBroken(name, tree)).toEqual(rules);
  });

  it('and what is allowed is not', async () => {
    const tree = {
      ...port,
      'src/core/spec.ts': 'export interface Spec { name: string }',
      'src/formats/csv.ts': "import type { Store } from '../stores/port.js';\nexport type A = Store;",
      'src/temporal/jobs.ts': "import type { Spec } from '../core/spec.js';\nexport type Jobs = Spec[];",
      'src/api/app.ts': "import type { Jobs } from '../temporal/jobs.js';\nexport type A = Jobs;",
      'src/server.ts': "import './api/app.js';",
      'src/cli/commands/api.ts': "export const run = () => import('../../server.js');",
    };
    expect(await rulesBroken('allowed', tree)).toEqual([]);
  });
});
