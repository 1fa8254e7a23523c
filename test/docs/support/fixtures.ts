import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../../../src/cli/package-root.js';
import type { DocsPlace } from './place.js';

/** What a page takes to be there already: files, and services where it does not show how to start them. */
export const FIXTURES: Readonly<Record<string, (place: DocsPlace) => Promise<void>>> = {
  'README.md': async (place) => {
    const flights = 'node_modules/vega-datasets/data/flights-3m.parquet';
    await place.write(flights, '');
    await copyFile(join(packageRoot(), flights), join(place.folder, flights));
  },
  'docs/schedules.md': async (place) => {
    await place.dev('npx millrace dev');
  },
  'docs/job-spec.md': async (place) => {
    await place.write('in.csv', 'n\n1\nx\n');
    const csv = { types: { n: 'int' } };
    const process = { use: 'sql', with: { map: 'select n from chunk' } };
    const spec = { source: { uri: 'in.csv', csv }, process, options: { rejects: { action: 'quarantine' } } };
    await place.write('spec.json', JSON.stringify(spec));
    await place.dev('npx millrace dev');
    const { code, output } = await place.shell(
      'ID=$(millrace run spec.json 2> /dev/null); millrace jobs watch $ID || true',
    );
    if (code !== 0) throw new Error(output);
  },
};
