import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../../../src/cli/package-root.js';
import { startPostgres } from '../../helpers/postgres-server.js';
import { CREDENTIALS, testBucket, testS3 } from '../../helpers/s3-server.js';
import type { DocsPlace } from './place.js';

const CREDENTIALS_TEXT = `AWS_ACCESS_KEY_ID=${CREDENTIALS.accessKeyId} AWS_SECRET_ACCESS_KEY=${CREDENTIALS.secretAccessKey}`;

/** What a page takes to be there already: files, and services where it does not show how to start them. */
export const FIXTURES: Readonly<Record<string, (place: DocsPlace) => Promise<void>>> = {
  'README.md': async (place) => {
    const flights = 'node_modules/vega-datasets/data/flights-3m.parquet';
    await place.write(flights, '');
    await copyFile(join(packageRoot(), flights), join(place.folder, flights));
  },
  'docs/postgres.md': async (place) => {
    const server = await startPostgres();
    place.atEnd(() => server.stop());
    place.replace('postgres://reader:password@127.0.0.1:5432/shop', server.url);
  },
  'docs/s3.md': async (place) => {
    await testBucket('flights');
    const { endpoint } = await testS3();
    place.replace('http://127.0.0.1:9000', endpoint);
    place.replace('AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local-secret', CREDENTIALS_TEXT);
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
