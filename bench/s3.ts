import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Bucket } from '../src/stores/s3/bucket.js';
import { stagedObject } from '../src/stores/s3/staged-object.js';
import { bringS3Server } from '../test/helpers/bring-s3-server.js';
import { alternate, ended, flightsFile, freePort, startServices, stationsFile } from './harness.js';
import type { Line } from './report.js';

const ROUNDS = 5;
const HOME = fileURLToPath(new URL('../.millrace', import.meta.url));
const KEYS = { access: 'millrace', secret: 'only-for-benchmarks' };

const sum = {
  use: 'sql',
  with: {
    map: 'select station, sum(temperature) total, count(*) n from chunk group by station',
    reduce: 'select station, sum(total) total, sum(n)::bigint n from partials group by station order by station',
  },
};

/** The same jobs over the same bytes: in a bucket and on a web server of this machine, and on its disk. */
export async function s3(): Promise<Line[]> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'millrace-bench-s3-'));
  const port = await freePort();
  await mkdir(path.join(folder, 'bench'));
  const env = { ...process.env, ROOT_ACCESS_KEY: KEYS.access, ROOT_SECRET_KEY: KEYS.secret };
  const binary = await bringS3Server(HOME, process.env, (line) => process.stderr.write(`${line}\n`));
  const server = spawn(binary, ['--quiet', '--port', `127.0.0.1:${port}`, 'posix', folder], { env, stdio: 'ignore' });
  process.env.AWS_ENDPOINT_URL_S3 = `http://127.0.0.1:${port}`;
  process.env.AWS_REGION = 'us-east-1';
  process.env.AWS_ACCESS_KEY_ID = KEYS.access;
  process.env.AWS_SECRET_ACCESS_KEY = KEYS.secret;
  process.env.MILLRACE_S3_BUCKETS = 'bench';
  const webPort = await freePort();
  process.env.MILLRACE_HTTP_ALLOW = `127.0.0.1:${webPort}`;
  const webServer = fileURLToPath(new URL('web-server.mjs', import.meta.url));
  const web = spawn(process.execPath, [webServer, String(webPort), await stationsFile(10_000_000)], {
    stdio: 'ignore',
  });
  const services = await startServices();
  try {
    const bucket = new Bucket('bench');
    const stations = await stationsFile(10_000_000);
    const flights = await flightsFile();
    await upload(bucket, 'stations.csv', stations);
    await upload(bucket, 'flights.csv', flights);
    const reading = (uri: string) => services.run({ source: { uri }, process: sum });
    const copy = { use: 'sql', with: { map: 'select * from chunk' } };
    const writing = (uri: string) =>
      services.run({ source: { uri: flights }, process: copy, sink: { uri, ifExists: 'replace' } });
    const read = await alternate(ROUNDS, {
      ours: () => reading('s3://bench/stations.csv'),
      web: () => reading(`http://127.0.0.1:${webPort}/stations.csv`),
      peer: () => reading(stations),
    });
    const written = await alternate(ROUNDS, {
      ours: () => writing('s3://bench/out/flights.csv'),
      peer: () => writing(path.join(path.dirname(flights), 'out-flights.csv')),
    });
    const bench = 's3';
    const target = '<= 1.3x';
    return [
      {
        bench,
        what: 'sql over 10 M rows of CSV, from a bucket / from disk',
        ours: read.ours,
        peer: read.peer,
        target,
        met: read.ours <= 1.3 * read.peer,
      },
      {
        bench,
        what: 'the same, from a web server / from disk',
        ours: read.web,
        peer: read.peer,
        target,
        met: read.web <= 1.3 * read.peer,
      },
      { bench, what: '3 M rows of CSV copied, into a bucket / to disk', ...written, target: '' },
    ];
  } finally {
    await services.stop();
    await Promise.all([ended(server), ended(web)]);
    await rm(folder, { recursive: true, force: true });
  }
}

async function upload(bucket: Bucket, key: string, file: string): Promise<void> {
  const staged = stagedObject(bucket, key);
  const handle = await open(file);
  try {
    for await (const block of handle.createReadStream({ highWaterMark: 4 * 1024 ** 2 }))
      await staged.append(block as Buffer);
    await staged.publish('replace');
  } finally {
    await handle.close().catch(() => undefined);
  }
}
