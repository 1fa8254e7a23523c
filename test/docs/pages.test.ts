import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/cli/package-root.js';
import { parseSchedule } from '../../src/schema/schedule.js';
import { parseSpec } from '../../src/schema/spec.js';
import { testCli } from '../helpers/temporal-server.js';
import { FIXTURES } from './support/fixtures.js';
import { blocksOf, commandsOf, fileOf, matches, type Block } from './support/page.js';
import { makeDocsPlace, type DocsPlace } from './support/place.js';

const ROOT = packageRoot();
const PAGES = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs')).flatMap((name) => (name.endsWith('.md') ? [`docs/${name}`] : [])),
];
/** Tried in the order of the page, in one folder, by the services of that folder. */
const TRIED = new Set(['sh', 'console', 'yaml', 'json', 'ts']);
/** The wait for the pages before it included. */
const PAGE_MS = 600_000;
/** Most of the time is waiting for services to start and to stop. */
const AT_ONCE = 3;
const waiting: Array<() => void> = [];
let free = AT_ONCE;

async function inTurn(run: () => Promise<void>): Promise<void> {
  if (free > 0) free -= 1;
  else await new Promise<void>((resolve) => waiting.push(resolve));
  try {
    await run();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else free += 1;
  }
}

/** A page for each of them: what is on it is done as a reader would do it. */
describe.skipIf(!process.env.DOCS_TESTS || testCli() === undefined)('what the docs show', () => {
  it.concurrent.each(PAGES)(
    '%s',
    async (page) => {
      const blocks = blocksOf(readFileSync(join(ROOT, page), 'utf8'));
      const tried = blocks.filter(({ language, skipped }) => TRIED.has(language) && skipped === undefined);
      if (tried.length === 0) return;
      await inTurn(async () => {
        const place = await makeDocsPlace(testCli()!);
        try {
          await FIXTURES[page]?.(place);
          for (const block of tried) await tryBlock(place, block, page);
        } finally {
          await place.stop();
        }
      });
    },
    PAGE_MS,
  );
});

describe('the pages', () => {
  it('leave out few blocks, each for a reason', () => {
    const all = PAGES.flatMap((page) => blocksOf(readFileSync(join(ROOT, page), 'utf8'))).filter(({ language }) =>
      TRIED.has(language),
    );
    const skipped = all.filter((block) => block.skipped !== undefined);
    expect(all.length).toBeGreaterThan(40);
    expect(skipped.length).toBeLessThan(all.length / 4);
  });

  it('link to pages and headings that are there', () => {
    const headings = new Map<string, Set<string>>();
    const anchorsOf = (page: string): Set<string> => {
      const known = headings.get(page) ?? new Set(anchors(readFileSync(join(ROOT, page), 'utf8')));
      headings.set(page, known);
      return known;
    };
    for (const page of PAGES) {
      const text = readFileSync(join(ROOT, page), 'utf8').replace(/^```[\s\S]*?^```/gm, '');
      for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^[a-z]+:/.test(target)) continue;
        const [file, anchor] = target.split('#');
        const path = file ? join(page, '..', file) : page;
        expect(() => readdirSync(join(ROOT, path, '..')), `${page}: ${target}`).not.toThrow();
        expect(readdirSync(join(ROOT, path, '..')), `${page}: ${target}`).toContain(path.split('/').at(-1));
        if (anchor) expect([...anchorsOf(path)], `${page}: ${target}`).toContain(anchor);
      }
    }
  });
});

/** As GitHub makes them of headings. */
function anchors(text: string): string[] {
  return [...text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replace(/\s/g, '-'),
  );
}

async function tryBlock(at: DocsPlace, block: Block, page: string): Promise<void> {
  const where = `${page}:${block.line}`;
  const file = fileOf(block);
  if (file) await at.write(file, `${block.text}\n`);
  switch (block.language) {
    case 'sh':
      if (/^npx millrace dev\b[^\n]*$/.test(block.text)) return at.dev(block.text);
      await runs(at, block.text, block.exits, where);
      return;
    case 'console':
      for (const { command, output } of commandsOf(block.text)) {
        const printed = (await runs(at, command, block.exits, where)).split('\n');
        for (const line of output.filter((one) => one.trim() !== '' && one.trim() !== '…'))
          expect(
            printed.some((one) => matches(line, one)),
            `${where}: "${line}" is not in:\n${printed.join('\n')}`,
          ).toBe(true);
      }
      return;
    case 'yaml':
      return isValid(block.text, where);
    case 'json':
      for (const text of block.text.startsWith('{"') ? block.text.split('\n') : [block.text])
        expect(() => JSON.parse(text) as unknown, where).not.toThrow();
      return;
    default:
      // A processor is run by the commands of its page.
      expect(file, `${where}: a block of TypeScript without the name of its file`).not.toBeNull();
  }
}

async function runs(at: DocsPlace, script: string, exits: number, where: string): Promise<string> {
  const { code, output } = await at.shell(script);
  expect(code, `${where}:\n${script}\n${output}`).toBe(exits);
  return output;
}

/** A spec, a schedule or a list of them; a part of a spec is laid over a small one. */
function isValid(text: string, where: string): void {
  const document = parseDocument(text);
  expect(document.errors, where).toEqual([]);
  const value = document.toJS() as Record<string, unknown>;
  const schedules = Array.isArray(value.schedules) ? (value.schedules as unknown[]) : 'when' in value ? [value] : null;
  try {
    if (schedules) for (const schedule of schedules) parseSchedule(schedule);
    else parseSpec({ source: { items: [{}] }, process: { use: 'sql', with: { map: 'select 1' } }, ...value });
  } catch (error) {
    throw new Error(`${where}: ${String(error)}`, { cause: error });
  }
}
