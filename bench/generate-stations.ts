/**
 * Writes a CSV of `station,temperature` with a header: 413 stations, temperatures of one decimal in -99.9..99.9.
 * The same rows for the same count, whenever and wherever it runs.
 *
 * npx tsx bench/generate-stations.ts ROWS FILE
 */
import { closeSync, openSync, writeSync } from 'node:fs';

const STATIONS = 413;
const BUFFER_BYTES = 4 * 1024 * 1024;
const LONGEST_LINE = 64;

const [rowsText, path] = process.argv.slice(2);
const rows = Number(rowsText);
if (!path || !Number.isSafeInteger(rows) || rows < 0) {
  console.error('usage: npx tsx bench/generate-stations.ts ROWS FILE');
  process.exit(64);
}

const SYLLABLES = [
  'al',
  'bor',
  'cas',
  'den',
  'el',
  'far',
  'gan',
  'hol',
  'is',
  'jor',
  'kal',
  'lun',
  'mar',
  'nor',
  'os',
  'pra',
];
const syllable = (n: number): string => SYLLABLES[n % SYLLABLES.length]!;
/** The number spelt in syllables, some with one more so that lengths differ. */
const stationName = (n: number): string => {
  const name = syllable(n) + syllable(n >> 4) + syllable((n >> 8) + 7) + (n % 3 === 0 ? syllable(n * 5) : '');
  return name[0]!.toUpperCase() + name.slice(1);
};

const stations = Array.from({ length: STATIONS }, (_, n) => Buffer.from(`${stationName(n)},`));
const temperatures = Array.from({ length: 1999 }, (_, n) => Buffer.from(`${((n - 999) / 10).toFixed(1)}\n`));

const file = openSync(path, 'w');
const buffer = Buffer.allocUnsafe(BUFFER_BYTES);
let length = buffer.write('station,temperature\n', 0);
/** xorshift32; its low bits choose the station, its high bits the temperature. */
let state = 0x9e3779b9;
for (let row = 0; row < rows; row++) {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  const random = state >>> 0;
  const station = stations[random % STATIONS]!;
  const temperature = temperatures[(random >>> 9) % temperatures.length]!;
  station.copy(buffer, length);
  length += station.length;
  temperature.copy(buffer, length);
  length += temperature.length;
  if (length > BUFFER_BYTES - LONGEST_LINE) {
    writeSync(file, buffer, 0, length);
    length = 0;
  }
}
writeSync(file, buffer, 0, length);
closeSync(file);
