import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { MillraceError } from '../../core/errors.js';

/**
 * Three million US flights of 2001, from the package `vega-datasets`: date, delay, distance, origin, destination.
 * Errors: `demo.no_data` where the package is not installed.
 */
export function flightsFile(): string {
  try {
    const entry = createRequire(import.meta.url).resolve('vega-datasets');
    const file = join(dirname(dirname(entry)), 'data', 'flights-3m.parquet');
    if (existsSync(file)) return file;
  } catch {
    // Not installed: said below.
  }
  throw new MillraceError(
    'demo.no_data',
    'Cannot find the flights of the package "vega-datasets"; run: npm install vega-datasets@3.2.1',
  );
}
