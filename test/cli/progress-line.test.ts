import { describe, expect, it } from 'vitest';
import { displayWidth } from '../../src/cli/format.js';
import { progressLine } from '../../src/cli/progress-line.js';
import { progressBarLine } from '../../src/cli/progress-text.js';
import { styleFor } from '../../src/cli/style.js';
import { jobView, running } from './support/test-api.js';
import { testOut } from './support/test-io.js';

const style = styleFor(testOut(), {});

describe('on a terminal', () => {
  it('draws bar, share, records, rate, chunks and the time left', () => {
    expect(progressBarLine(running(0.5), 120, style)).toBe(
      'delays  ██████████████··············   50%  1.50M of 3.00M records  1.24M/s  chunk 5/10  2 s left',
    );
  });

  it('drops the least telling facts on narrow terminals and is never wider', () => {
    expect(progressBarLine(running(0.5), 60, style)).toBe('delays  ████····   50%  1.50M of 3.00M records  1.24M/s');
    for (let width = 12; width < 140; width += 1) {
      for (const job of [
        running(0),
        running(0.37),
        running(1),
        jobView({ name: 'a-name-that-is-rather-long-for-a-line' }),
      ]) {
        expect(displayWidth(progressBarLine(job, width, style))).toBeLessThanOrEqual(width);
      }
    }
  });

  it('says the state while nothing is counted yet', () => {
    expect(progressBarLine(jobView({ state: 'planning' }), 80, style)).toBe('delays  planning');
  });

  it('draws over its own line', () => {
    const out = testOut({ columns: 60 });
    const line = progressLine(out, { style });
    line.show(running(0.1));
    line.show(running(0.2));
    line.clear();
    expect(out.text.split('\r\u001b[J').map((part) => part.trim().slice(0, 6))).toEqual(['', 'delays', 'delays', '']);
    expect(out.text).not.toContain('\n');
  });

  it('takes away every row that a narrower window has wrapped its line into', () => {
    const out = testOut({ columns: 100 });
    const line = progressLine(out, { style });
    line.show(running(0.1));
    out.text = '';
    out.columns = 40;
    line.show(running(0.2));
    expect(out.text.startsWith('\u001b[2A\r\u001b[J')).toBe(true);
  });

  it('uses colours there, unless NO_COLOR is set', () => {
    const terminal = testOut({ columns: 80 });
    expect(progressBarLine(running(0.5), 79, styleFor(terminal, {}))).toContain('\u001b[');
    expect(progressBarLine(running(0.5), 79, styleFor(terminal, { NO_COLOR: '1' }))).not.toContain('\u001b[');
  });
});

describe('elsewhere', () => {
  it('writes a plain line about once a second, and none twice', () => {
    const out = testOut();
    let now = 0;
    const line = progressLine(out, { style, now: () => now });
    for (const [time, share] of [
      [0, 0.1],
      [500, 0.2],
      [1000, 0.3],
      [2500, 0.3],
      [3600, 1],
    ] as const) {
      now = time;
      line.show(running(share));
    }
    line.clear();
    expect(out.text.split('\n').map((text) => /\d+%/.exec(text)?.[0])).toEqual(['10%', '30%', '100%', undefined]);
    expect(out.text).not.toContain('\u001b');
  });
});
