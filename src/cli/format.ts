const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** Data that comes from files must not move the cursor, colour the terminal or turn its text round. */
export function printable(text: string): string {
  return text.replace(CONTROL, (char) => (char === '\n' ? '⏎' : char === '\t' ? ' ' : '·'));
}

const ANSI = /\u001b\[[0-9;]*m/g;
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;
const ZERO = /\p{M}|\u200b|\u200d/u;

/** Columns that a text takes on a terminal. */
export function displayWidth(text: string): number {
  const bare = text.replace(ANSI, '');
  if (/^[\u0020-\u007e]*$/.test(bare)) return bare.length;
  let width = 0;
  for (const char of bare) width += ZERO.test(char) ? 0 : WIDE.test(char) ? 2 : 1;
  return width;
}

/** Cut to `width` columns, with `…` for what is missing. The text holds no colours. */
export function cut(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = '';
  let used = 1;
  for (const char of text) {
    used += displayWidth(char);
    if (used > width) break;
    kept += char;
  }
  return `${kept}…`;
}

/** Broken between words into lines of `width` columns, the indent of all but the first not counted. A longer word stands as it is. */
export function wrap(text: string, width: number, indent = ''): string {
  if (displayWidth(text) <= width) return text;
  const lines: string[] = [];
  let line = /^ */.exec(text)![0];
  let empty = true;
  for (const word of text.trimStart().split(' ')) {
    const longer = empty ? line + word : `${line} ${word}`;
    if (!empty && displayWidth(longer) > width) {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
    empty = false;
  }
  return [...lines, line].join(`\n${indent}`);
}

export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - displayWidth(text)));
}

export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - displayWidth(text))) + text;
}
