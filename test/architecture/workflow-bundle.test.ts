import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import path from 'node:path';
import { bundleWorkflowCode } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');
const quiet = () => undefined;
const BUNDLE_MS = 120_000;

interface Contents {
  /** Files of the project, from its root. */
  files: string[];
  packages: string[];
  builtins: string[];
}

/** What a bundle holds, out of its source map and of the requires that were left in it. */
async function bundled(workflowsPath: string): Promise<Contents> {
  const said: string[] = [];
  const error = (message: string): number => said.push(message);
  const logger = { log: quiet, trace: quiet, debug: quiet, info: quiet, warn: quiet, error };
  const { code } = await bundleWorkflowCode({ workflowsPath, logger }).catch((cause: unknown) => {
    throw new Error(said.join('\n'), { cause });
  });
  const encoded = /sourceMappingURL=data:application\/json;(?:charset=[^;]+;)?base64,([\w+/=]+)\s*$/.exec(code)?.[1];
  if (encoded === undefined) throw new Error('the bundle carries no source map');
  const { sources } = JSON.parse(Buffer.from(encoded, 'base64').toString()) as { sources: string[] };
  const paths = sources.map((source) => source.replace(/^webpack:\/\/[^/]*\//, '').replace(/^\.\/(?=\/)/, ''));
  const contents: Contents = { files: [], packages: [], builtins: [] };
  for (const file of paths) {
    const name = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1];
    if (name !== undefined) contents.packages.push(name);
    else if (path.isAbsolute(file)) contents.files.push(path.relative(root, file));
    else if (file.startsWith('external ')) contents.builtins.push(file);
  }
  const required = [...code.matchAll(/\brequire\(["'](?:node:)?([\w/]+)["']\)/g)].map((match) => match[1]!);
  contents.builtins.push(...required.filter((name) => builtinModules.includes(name)));
  contents.packages = [...new Set(contents.packages)].sort();
  return contents;
}

describe('the bundle of the workflows', () => {
  let contents: Contents;

  beforeAll(async () => {
    contents = await bundled(path.join(root, 'workflows/index.ts'));
  }, BUNDLE_MS);

  it('holds the workflows', () => {
    expect(contents.files).toEqual(expect.arrayContaining(['workflows/index.ts', 'workflows/process-dataset.ts']));
  });

  it('holds nothing of the project but workflows, contract and core', () => {
    expect(contents.files.filter((file) => !/^(workflows\/|src\/core\/|src\/contract\.ts$)/.test(file))).toEqual([]);
  });

  it('holds no package but the workflow side of the SDK: no zod, no driver', () => {
    const ofTheSdk = ['@temporalio/common', '@temporalio/workflow', 'long', 'ms', 'nexus-rpc'];
    expect(contents.packages.filter((name) => !ofTheSdk.includes(name))).toEqual([]);
  });

  it('holds no module of Node', () => {
    expect(contents.builtins).toEqual([]);
  });
});

describe('a workflow that is not deterministic is caught:', () => {
  let folder: string;

  beforeAll(async () => {
    // Inside of the project, so that its packages resolve.
    await mkdir(path.join(root, 'node_modules/.cache'), { recursive: true });
    folder = await mkdtemp(path.join(root, 'node_modules/.cache/workflows-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function workflow(name: string, text: string): Promise<string> {
    const file = path.join(folder, name);
    await writeFile(file, text);
    return file;
  }

  it(
    'a module of Node',
    async () => {
      const file = await workflow(
        'reads.mjs',
        "import { readFileSync } from 'node:fs';\nexport const reads = async () => readFileSync('x');",
      );
      await expect(bundled(file)).rejects.toThrow(/node:fs/);
    },
    BUNDLE_MS,
  );

  it(
    'zod',
    async () => {
      const file = await workflow(
        'checks.mjs',
        "import { z } from 'zod';\nexport const checks = async (x) => z.string().parse(x);",
      );
      expect((await bundled(file)).packages).toContain('zod');
    },
    BUNDLE_MS,
  );
});
