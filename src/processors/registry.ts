import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { glob } from 'tinyglobby';
import { z } from 'zod';
import { MillraceError, messageOf } from '../core/errors.js';
import type { ProcessorInfo } from '../core/job.js';
import type { AnyProcessor } from './define.js';
import { SQL, kindOf } from './define.js';

const SQL_PARAMS = z.strictObject({
  map: z.string().min(1).describe('one SELECT; reads the table chunk'),
  reduce: z.string().min(1).optional().describe('one SELECT; reads the table partials'),
});

const SQL_INFO: ProcessorInfo = {
  name: SQL,
  description: 'SQL over each chunk (map, table "chunk"), then once over all results (reduce, table "partials")',
  kind: 'sql',
  params: z.toJSONSchema(SQL_PARAMS),
};

export interface Registry {
  /** @throws MillraceError `processor.unknown` */
  get(name: string): AnyProcessor;
  list(): ProcessorInfo[];
  /** The parameters as the processor's schema returns them. @throws MillraceError `processor.bad_params` */
  parse(name: string, given: Record<string, unknown>): unknown;
}

/**
 * Loads every processor below the folders: files whose default export was made by `defineProcessor`.
 * @throws MillraceError `processor.load_failed`, `processor.duplicate`
 */
export async function loadRegistry(folders: readonly string[]): Promise<Registry> {
  const processors = new Map<string, AnyProcessor>();
  const origins = new Map<string, string>();
  for (const folder of folders) {
    const files = await glob('**/*.{ts,mts,js,mjs}', {
      cwd: folder,
      absolute: true,
      ignore: ['**/node_modules/**', '**/*.d.ts', '**/*.test.*'],
    });
    for (const file of files.sort()) {
      const processor = await importProcessor(file);
      if (!processor) continue;
      const known = origins.get(processor.name) ?? (processor.name === SQL ? 'millrace itself' : undefined);
      if (known) {
        throw new MillraceError(
          'processor.duplicate',
          `processor "${processor.name}" is in ${file} and in ${known}; rename one`,
        );
      }
      processors.set(processor.name, processor);
      origins.set(processor.name, file);
    }
  }

  const get = (name: string) => {
    const processor = processors.get(name);
    if (processor) return processor;
    const names = [SQL, ...processors.keys()].map((one) => `"${one}"`).join(', ');
    throw new MillraceError('processor.unknown', `no processor "${name}" on this worker; it has ${names}`);
  };

  return {
    get,
    list: () => [SQL_INFO, ...[...processors.values()].map(describe)],
    parse(name, given) {
      const params = name === SQL ? SQL_PARAMS : (get(name).params ?? z.strictObject({}));
      const parsed = params.safeParse(given);
      if (parsed.success) return parsed.data as unknown;
      const issues = parsed.error.issues.map((issue) => ({
        path: ['/process/with', ...issue.path.map(String)].join('/'),
        message: issue.message,
      }));
      throw new MillraceError('processor.bad_params', `parameters of processor "${name}": ${issues[0]!.message}`, {
        issues,
      });
    },
  };
}

async function importProcessor(file: string): Promise<AnyProcessor | null> {
  let loaded: { default?: unknown };
  try {
    const load = /\.m?ts$/.test(file) ? importTypeScript : (url: string) => import(url) as Promise<unknown>;
    loaded = (await load(pathToFileURL(file).href)) as { default?: unknown };
  } catch (error) {
    throw new MillraceError(
      'processor.load_failed',
      `processor file ${path.basename(file)} could not be loaded: ${loadFault(error)}`,
      { cause: error },
    );
  }
  const candidate = defaultOf(loaded) as Partial<AnyProcessor> | undefined;
  if (!candidate || typeof candidate !== 'object' || typeof candidate.name !== 'string' || !kindOf(candidate))
    return null;
  return candidate as AnyProcessor;
}

/** The message without the list of who required what; of a package that is not there, with the way to it. */
function loadFault(error: unknown): string {
  const [message = ''] = messageOf(error).split('\n');
  const [, name] = /Cannot find (?:module|package) '((?:@[^'/]+\/)?[^'./][^'/]*)/.exec(message) ?? [];
  return name === undefined ? message : `${message}; install it where the file lies: npm install ${name}`;
}

/** In a folder whose package.json does not say `"type": "module"`, TypeScript becomes CommonJS, whose exports are the default of a module. */
function defaultOf(loaded: { default?: unknown }): unknown {
  const exported = loaded.default;
  const isCommonJs = typeof exported === 'object' && exported !== null && '__esModule' in exported;
  return isCommonJs ? (exported as { default?: unknown }).default : exported;
}

let typeScript: Promise<(url: string) => Promise<unknown>> | undefined;

/**
 * A folder of processors is the user's own TypeScript; this keeps a build step away from it. One loader for all files of a
 * thread: each costs a tenth of a second, and every import goes through all there are.
 */
async function importTypeScript(url: string): Promise<unknown> {
  typeScript ??= (async () => {
    const [esm, cjs] = await Promise.all([import('tsx/esm/api'), import('tsx/cjs/api')]);
    const namespace = 'millrace-processors';
    // For the files that a CommonJS one requires.
    cjs.register({ namespace });
    const loader = esm.register({ namespace });
    return (file) => loader.import(file, import.meta.url);
  })();
  return (await typeScript)(url);
}

function describe(processor: AnyProcessor): ProcessorInfo {
  const { name, description, params } = processor;
  return {
    name,
    description,
    kind: kindOf(processor)!,
    params: z.toJSONSchema(params ?? z.strictObject({}), { io: 'input', unrepresentable: 'any' }) as Record<
      string,
      unknown
    >,
  };
}
