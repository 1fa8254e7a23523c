import type { ChunkRow } from '../core/chunk-view.js';
import { compact, count } from '../core/figures.js';

const COLUMNS = 60;
const MAX_LINES = 6;
const CELL = 10;

export type CellState = 'pending' | 'running' | 'part' | 'done' | 'failed';

/** Neighbouring chunks `[from, to)` in one cell of the strip. */
export interface StripCell {
  from: number;
  to: number;
  state: CellState;
}

/**
 * Any number of chunks as at most `COLUMNS * MAX_LINES` cells. What needs to be seen wins: one failed chunk makes its cell failed.
 * @param rows all chunks of the job, in order
 */
export function stripCells(rows: readonly ChunkRow[], most = COLUMNS * MAX_LINES): StripCell[] {
  const total = rows.at(-1)?.to ?? 0;
  const cells = Math.min(total, most);
  let at = 0;
  return Array.from({ length: cells }, (_, i) => {
    const from = Math.floor((i * total) / cells);
    const to = Math.floor(((i + 1) * total) / cells);
    const states = new Set<ChunkRow['state']>();
    while (rows[at]!.to <= from) at++;
    for (let row = at; row < rows.length && rows[row]!.from < to; row++) states.add(rows[row]!.state);
    return { from, to, state: stateOf(states) };
  });
}

function stateOf(states: ReadonlySet<ChunkRow['state']>): CellState {
  if (states.has('failed')) return 'failed';
  if (states.has('running')) return 'running';
  if (states.has('done')) return states.has('pending') ? 'part' : 'done';
  return 'pending';
}

const NAMES: Record<CellState, string> = {
  done: 'done',
  part: 'partly done',
  running: 'at work',
  failed: 'failed',
  pending: 'waiting',
};

/** All chunks of a job at one glance. */
export function ChunkStrip({ rows }: { rows: readonly ChunkRow[] }) {
  const cells = stripCells(rows);
  if (cells.length === 0) return null;
  const columns = Math.min(COLUMNS, cells.length);
  const lines = Math.ceil(cells.length / columns);
  const shown = [...new Set(cells.map(({ state }) => state))];
  const sums = (['done', 'running', 'failed', 'pending'] as const)
    .map((state) => [state, rows.reduce((sum, row) => sum + (row.state === state ? row.to - row.from : 0), 0)] as const)
    .filter(([, sum]) => sum > 0)
    .map(([state, sum]) => `${count(sum)} ${NAMES[state]}`)
    .join(', ');
  return (
    <figure class="strip">
      <svg
        viewBox={`0 0 ${COLUMNS * CELL} ${lines * CELL}`}
        role="img"
        aria-label={`Chunks: ${sums}`}
        preserveAspectRatio="xMinYMin"
      >
        {cells.map(({ from, to, state }, i) => (
          <rect
            class={`cell cell-${state}`}
            x={(i % columns) * CELL + 0.5}
            y={Math.floor(i / columns) * CELL + 0.5}
            width={CELL - 1}
            height={CELL - 1}
            rx="1.5"
          >
            <title>{`${to - from === 1 ? `chunk ${from + 1}` : `chunks ${from + 1}–${to}`}: ${NAMES[state]}`}</title>
          </rect>
        ))}
      </svg>
      <figcaption>
        {sums}
        <span class="legend">
          {shown.map((state) => (
            <span>
              <span class={`swatch cell-${state}`}></span> {NAMES[state]}
            </span>
          ))}
        </span>
      </figcaption>
    </figure>
  );
}

const BARS = 60;
const HEIGHT = 60;

/** Records a second, in equal spans of the time from `fromMs` to `toMs`; empty where nothing is known. */
export function throughput(rows: readonly ChunkRow[], fromMs: number, toMs: number, bars = BARS): number[] {
  const span = (toMs - fromMs) / bars;
  const ended = rows.filter(({ endedAt, counts }) => endedAt !== null && counts !== null);
  if (span <= 0 || ended.length < 2) return [];
  const sums = Array.from({ length: bars }, () => 0);
  for (const { endedAt, counts } of ended) {
    const bar = Math.min(bars - 1, Math.floor((Date.parse(endedAt!) - fromMs) / span));
    if (bar >= 0) sums[bar]! += counts!.in;
  }
  return sums.map((sum) => sum / (span / 1000));
}

/** The records of chunks that ended, over time. */
export function Throughput({ rates }: { rates: readonly number[] }) {
  const peak = Math.max(...rates, 0);
  if (peak === 0) return null;
  const width = 600 / rates.length;
  return (
    <figure class="throughput">
      <svg
        viewBox={`0 0 600 ${HEIGHT}`}
        role="img"
        aria-label={`Throughput over time, at most ${compact(peak)} records a second`}
      >
        {rates.map((rate, i) => {
          const height = (rate / peak) * HEIGHT;
          return <rect x={i * width} y={HEIGHT - height} width={Math.max(0.5, width - 1)} height={height} />;
        })}
      </svg>
      <figcaption>Records of ended chunks over time; the highest bar is {compact(peak)}/s</figcaption>
    </figure>
  );
}
