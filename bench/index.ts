/**
 * npm run bench [-- NAME…] [-- --save]: each benchmark against a peer in the same run, in turns, medians of several rounds.
 * Figures of different machines or days say nothing; the ratios do.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { badInput } from './bad-input.js';
import { flightsTs } from './flights-ts.js';
import { startServices, type Services } from './harness.js';
import { load } from './load.js';
import { postgres } from './postgres.js';
import { machine, tableText, type Line } from './report.js';
import { roundTrip } from './round-trip.js';
import { s3 } from './s3.js';
import { scale } from './scale.js';
import { smallJob } from './small-job.js';
import { demo, dev } from './start-up.js';
import { stations } from './stations.js';
import { trigger } from './trigger.js';
import { watching } from './watching.js';

/** On services of the run. */
const SERVED: Record<string, (services: Services) => Promise<Line[]>> = {
  trigger,
  'small-job': smallJob,
  stations,
  'flights-ts': flightsTs,
  scale,
  load,
  'bad-input': badInput,
};
/** These start their own. */
const ALONE: Record<string, () => Promise<Line[]>> = { dev, demo, s3, postgres };

/** Minutes, or an hour: only by name. */
const LONG: typeof SERVED = { watching, 'round-trip': roundTrip };

const { values, positionals } = parseArgs({ allowPositionals: true, options: { save: { type: 'boolean' } } });
const usual = [...Object.keys(SERVED), ...Object.keys(ALONE)];
const known = [...usual, ...Object.keys(LONG)];
const unknown = positionals.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`no benchmark ${unknown.join(', ')}; there are ${known.join(', ')}`);
  process.exit(64);
}
const chosen = positionals.length > 0 ? positionals : usual;

const on = machine();
console.log(
  Object.entries(on)
    .map(([name, value]) => `${name} ${value}`)
    .join(' · ') + '\n',
);
const lines: Line[] = [];
for (const name of chosen) {
  process.stderr.write(`${name}…\n`);
  const alone = ALONE[name];
  if (alone) {
    lines.push(...(await alone()));
    continue;
  }
  // Fresh ones for each: neither memory nor history of one benchmark weighs on the next.
  const services = await startServices();
  try {
    lines.push(...(await (SERVED[name] ?? LONG[name])!(services)));
  } finally {
    await services.stop();
  }
}
console.log(`\n${tableText(lines)}`);

if (values.save) {
  const folder = fileURLToPath(new URL('results/', import.meta.url));
  await mkdir(folder, { recursive: true });
  const date = new Date().toISOString();
  const file = `${folder}${date.slice(0, 10)}.json`;
  await writeFile(file, `${JSON.stringify({ date, machine: on, lines }, null, 2)}\n`);
  console.log(`\nsaved ${file}`);
}
process.exit(0);
