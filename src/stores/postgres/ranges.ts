import type { Client } from 'pg';
import type { Looked } from './look.js';
import { identifier, literal } from './sql.js';

/** Rows that are looked at for each border, on average. */
const SAMPLE_PER_RANGE = 200;

/** The queries that together give every row of a source once, in the order of its key where it has one. */
export async function rangeQueries(client: Client, looked: Looked): Promise<string[]> {
  const all = `select ${looked.select} from ${looked.from}`;
  const order = looked.key.length > 0 ? ` order by ${looked.key.map(identifier).join(', ')}` : '';
  const where = looked.ranges === 1 ? [] : looked.split === 'key' ? await byKey(client, looked) : byBlocks(looked);
  return where.length === 0 ? [all + order] : where.map((condition) => `${all} where ${condition}${order}`);
}

/** A row keeps its place for as long as a snapshot sees it. */
function byBlocks({ ranges, blocks }: Looked): string[] {
  const border = (n: number) => `'(${Math.floor((n * blocks!) / ranges)},0)'::tid`;
  return Array.from({ length: ranges }, (_, n) => {
    // What lies behind the last block that was counted belongs to the last range.
    const below = n === ranges - 1 ? '' : ` and ctid < ${border(n + 1)}`;
    return `ctid >= ${border(n)}${below}`;
  });
}

/** Borders at equal shares of the rows, of a sample where there are many. */
async function byKey(client: Client, { key, keyTypes, from, ranges, records, blocks }: Looked): Promise<string[]> {
  const names = key.map(identifier);
  const share = Math.min(100, (100 * ranges * SAMPLE_PER_RANGE) / Math.max(1, records));
  const sample = blocks !== null && share < 50 ? ` tablesample bernoulli (${share}) repeatable (1)` : '';
  const known = names.map((name) => `${name} is not null`).join(' and ');
  const { rows } = await client.query<string[]>({
    text: `select distinct on (tile) ${names.map((name, i) => `${name}::text as k${i}`).join(', ')}
      from (select ${names.join(', ')}, ntile(${ranges}) over (order by ${names.join(', ')}) as tile
              from ${from}${sample} where ${known}) tiles
      order by tile, ${names.join(', ')}`,
    rowMode: 'array',
  });
  const borders = rows
    .slice(1)
    .map((cells) => `(${cells.map((cell, i) => `${literal(cell)}::${keyTypes[i]}`).join(', ')})`);
  const distinct = borders.filter((border, i) => border !== borders[i - 1]);
  const tuple = `(${names.join(', ')})`;
  const none = names.map((name) => `${name} is null`).join(' or ');
  return Array.from({ length: distinct.length + 1 }, (_, n) => {
    const low = n === 0 ? [] : [`${tuple} >= ${distinct[n - 1]}`];
    const high = n === distinct.length ? [] : [`${tuple} < ${distinct[n]}`];
    const range = [known, ...low, ...high].join(' and ');
    // Where a key is null no comparison holds.
    return n === distinct.length ? `((${range}) or ${none})` : range;
  });
}
