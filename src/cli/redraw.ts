import { displayWidth } from './format.js';
import { DEFAULT_WIDTH, type Out } from './io.js';

/** Lines of a terminal that are drawn over and over in their place. */
export interface Redraw {
  /** Each line narrower than the terminal. */
  draw(lines: readonly string[]): void;
  /** Takes them away, so that other text can be written where they stood. */
  clear(): void;
}

export function redraw(out: Out): Redraw {
  let drawn: number[] = [];
  // A terminal that was made narrower has wrapped the drawn lines over several rows: all of them have to go.
  const erase = (): string => {
    const columns = out.columns ?? DEFAULT_WIDTH;
    const rows = drawn.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / columns)), 0);
    return `${rows > 1 ? `\u001b[${rows - 1}A` : ''}\r\u001b[J`;
  };
  return {
    draw(lines) {
      out.write(erase() + lines.join('\n'));
      drawn = lines.map(displayWidth);
    },
    clear() {
      if (drawn.length > 0) out.write(erase());
      drawn = [];
    },
  };
}
