import { createRequire } from 'node:module';
import os from 'node:os';

/** One measured comparison. Times in milliseconds, unless `unit` says otherwise. */
export interface Line {
  bench: string;
  what: string;
  ours: number;
  /** Absent where the target is absolute. */
  peer?: number;
  unit?: string;
  target: string;
  /** Undefined: for information, without a target of its own. */
  met?: boolean;
}

export interface Machine {
  cpu: string;
  cores: number;
  memoryGb: number;
  load: number;
  node: string;
  temporalSdk: string;
  duckdb: string;
}

export function machine(): Machine {
  const require = createRequire(import.meta.url);
  const version = (name: string) => (require(`${name}/package.json`) as { version: string }).version;
  return {
    cpu: os.cpus()[0]?.model ?? 'unknown',
    cores: os.availableParallelism(),
    memoryGb: Math.round(os.totalmem() / 1e9),
    load: Number(os.loadavg()[0]!.toFixed(1)),
    node: process.versions.node,
    temporalSdk: version('@temporalio/client'),
    duckdb: version('@duckdb/node-api'),
  };
}

export function tableText(lines: readonly Line[]): string {
  const shown = (value: number | undefined, unit = 'ms') =>
    value === undefined ? '' : `${value.toFixed(value < 100 ? 2 : 0)} ${unit}`;
  const cells = [
    ['bench', 'what', 'ours', 'peer', 'ratio', 'target', ''],
    ...lines.map(({ bench, what, ours, peer, unit, target, met }) => [
      bench,
      what,
      shown(ours, unit),
      shown(peer, unit),
      peer === undefined ? '' : (ours / peer).toFixed(2),
      target,
      met === undefined ? '' : met ? 'met' : 'MISSED',
    ]),
  ];
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const isNumber = (column: number) => column >= 2 && column <= 4;
  return cells
    .map((row) =>
      row
        .map((cell, i) => (isNumber(i) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
