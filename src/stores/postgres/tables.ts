import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Client } from 'pg';
import { MillraceError } from '../../core/errors.js';
import { parseTableUri } from '../../core/table-uri.js';
import type { TableRef, Tables } from '../port.js';
import { close, connectTo, postgresFault } from './connect.js';
import type { Connections } from './connect.js';
import { loadTable, resolveTarget } from './load.js';
import { endRanges, loadRange, loadedPieces } from './load-range.js';
import { SOURCE_FAULTS, firstRows, labelOf, look } from './look.js';
import { rangeQueries } from './ranges.js';
import { literal } from './sql.js';

const BEGIN = 'begin isolation level repeatable read read only';
/** An id that the server does not know: its holder is gone. */
const NO_SNAPSHOT = { '22023': 'source.snapshot_lost', '42704': 'source.snapshot_lost' };

/** Tables and queries of the PostgreSQL databases that the settings name. */
export function createTables(connections: Connections): Tables {
  async function reading<T>(ref: TableRef, use: (client: Client) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const client = await connectTo(connections, parseTableUri(ref.uri).connection, signal);
    try {
      await client.query(BEGIN);
      return await use(client);
    } catch (error) {
      throw postgresFault(error, `source "${labelOf(ref)}"`, SOURCE_FAULTS);
    } finally {
      await close(client);
    }
  }

  return {
    look: (ref, sampled = 0) =>
      reading(ref, async (client) => {
        const looked = await look(client, ref);
        return { ...looked, sample: sampled > 0 ? await firstRows(client, looked, sampled) : [] };
      }),

    underSnapshot: (ref, use, signal) =>
      reading(
        ref,
        async (client) => {
          const lost = new AbortController();
          client.once('end', () => lost.abort());
          const { rows } = await client.query<{ id: string }>('select pg_export_snapshot() as id');
          const looked = await look(client, ref);
          const queries = await rangeQueries(client, looked);
          const ranges = queries.map((query) => ({ ref, snapshot: rows[0]!.id, query, columns: looked.columns }));
          try {
            return await use({ shape: looked, ranges, lost: lost.signal });
          } catch (error) {
            throw lost.signal.aborted && !signal?.aborted ? snapshotLost(ref, error) : error;
          }
        },
        signal,
      ),

    async copyRange({ ref, snapshot, query }, file, signal) {
      const { to } = await import('pg-copy-streams');
      return reading(
        ref,
        async (client) => {
          await client.query(`set transaction snapshot ${literal(snapshot)}`).catch((error: unknown) => {
            const fault = postgresFault(error, 'snapshot', NO_SNAPSHOT);
            throw fault.code === 'source.snapshot_lost' ? snapshotLost(ref, error) : error;
          });
          const rows = client.query(to(`copy (${query}) to stdout (format csv, null '\\N')`));
          await pipeline(rows, createWriteStream(file), { signal });
          return rows.rowCount;
        },
        signal,
      );
    },

    resolve: (uri, ifExists) => resolveTarget(connections, uri, ifExists),
    load: (load) => loadTable(connections, load),
    loadRange: (load) => loadRange(connections, load),
    loadedPieces: (of) => loadedPieces(connections, of),
    endRanges: (end) => endRanges(connections, end),

    async check(name) {
      const client = await connectTo(connections, name.toLowerCase());
      try {
        const { rows } = await client.query<{ version: string }>(`select current_setting('server_version') as version`);
        return rows[0]!.version;
      } finally {
        await close(client);
      }
    },
  };
}

function snapshotLost(ref: TableRef, cause: unknown): MillraceError {
  return new MillraceError(
    'source.snapshot_lost',
    `source "${labelOf(ref)}": the connection that held its moment ended before all was copied; the copy starts over`,
    { retryable: true, cause },
  );
}
