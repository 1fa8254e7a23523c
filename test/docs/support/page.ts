/** What stands in a page of the docs: its fenced blocks, and what the page says of how to try them. */
export interface Block {
  /** `sh`, `yaml`, `ts`, …; empty where the fence has none. */
  language: string;
  text: string;
  /** Of the opening fence, from 1. */
  line: number;
  /** Why it is not tried. */
  skipped?: string;
  /** What a shell block has to exit with. */
  exits: number;
}

const MARK = /^\s*<!-- (not run|exits): (.+) -->\s*$/;

/**
 * The blocks of a page, in order. The line before a fence may be `<!-- not run: reason -->` or `<!-- exits: 2 -->`.
 * @throws Error where a mark has no block behind it, or a reason is none
 */
export function blocksOf(page: string): Block[] {
  const lines = page.split('\n');
  const blocks: Block[] = [];
  for (let n = 0; n < lines.length; n += 1) {
    const mark = MARK.exec(lines[n]!);
    if (mark && !lines[n + 1]?.startsWith('```')) throw new Error(`line ${n + 1}: no block behind "${lines[n]}"`);
    const fence = /^```(\S*)/.exec(lines[n]!);
    if (!fence) continue;
    const end = lines.indexOf('```', n + 1);
    if (end < 0) throw new Error(`line ${n + 1}: the block has no end`);
    const [, kind, value = ''] = MARK.exec(lines[n - 1] ?? '') ?? [];
    if (kind === 'not run' && value.length < 15) throw new Error(`line ${n}: "${value}" is no reason`);
    blocks.push({
      language: fence[1]!,
      text: lines.slice(n + 1, end).join('\n'),
      line: n + 1,
      exits: kind === 'exits' ? Number(value) : 0,
      ...(kind === 'not run' && { skipped: value }),
    });
    n = end;
  }
  return blocks;
}

/** The file that a block is, by its first line: `# nightly.yaml` or `// processors/double.ts, for: …`. */
export function fileOf({ text }: Block): string | null {
  return /^(?:#|\/\/) ([\w./-]+\.(?:ya?ml|m?ts|json|csv))\b/.exec(text)?.[1] ?? null;
}

/** Commands behind `$ `, each with the lines that it is said to print. */
export function commandsOf(text: string): Array<{ command: string; output: string[] }> {
  const commands: Array<{ command: string; output: string[] }> = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('$ ')) commands.push({ command: line.slice(2), output: [] });
    else commands.at(-1)?.output.push(line);
  }
  return commands;
}

const VARYING = /[0-9a-f]{8}-[0-9a-f-]{20,}|\d[\d.,:]*(?:T[\d:.]+Z?)?/g;

/** Whether a line was printed as it is shown: figures, times and ids may differ, `…` stands for anything, blanks for blanks. */
export function matches(shown: string, printed: string): boolean {
  // A figure alone is what a command was asked for.
  if (/^\d+$/.test(shown)) return printed.trim() === shown;
  const escape = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const pattern = shown
    .trim()
    .split(/(\s+|…)/)
    .map((part) => {
      if (part === '…') return '.*';
      if (/^\s+$/.test(part)) return '\\s+';
      const fixed = part.split(VARYING).map(escape);
      return fixed.join('[\\dTZ.,:a-f-]+');
    })
    .join('');
  return new RegExp(`^${pattern}$`).test(printed.trim());
}
