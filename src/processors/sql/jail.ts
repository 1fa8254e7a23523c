import type { DuckDBInstance } from '@duckdb/node-api';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { literal, literalList } from './quote.js';

const require = createRequire(import.meta.url);

/**
 * A DuckDB instance for SQL of strangers. It reads and writes inside `scratch`, reads the files in `alsoReadable` (canonical
 * paths, since symbolic links are resolved before the check) and reaches nothing else: no other file, no network, no extension.
 * Its settings cannot be changed any more. Costs 10 to 25 ms.
 */
export async function openJail(
  scratch: string,
  memoryBytes: number,
  alsoReadable: string[] = [],
): Promise<DuckDBInstance> {
  // When it is needed, and not by `import`, which reads it all for the names of its exports and takes about twice as long.
  const { DuckDBInstance: Instance } = require('@duckdb/node-api') as { DuckDBInstance: typeof DuckDBInstance };
  const instance = await Instance.create(':memory:', {
    threads: '1',
    memory_limit: `${memoryBytes}B`,
    temp_directory: join(scratch, 'duckdb-temp'),
    preserve_insertion_order: 'true',
    // Beyond it a partition would get a second file; see MAX_PARTITIONS.
    partitioned_write_max_open_files: '1000',
    // It tells files apart by name and time, and would serve the bytes of a file that had the same name a moment ago.
    enable_external_file_cache: 'false',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  const connection = await instance.connect();
  try {
    // The same instants mean the same text on every worker.
    await connection.run(`SET GLOBAL TimeZone = 'UTC'`);
    await connection.run(`SET allowed_directories = [${literal(`${scratch}/`)}]`);
    if (alsoReadable.length > 0) await connection.run(`SET allowed_paths = ${literalList(alsoReadable)}`);
    await connection.run('SET enable_external_access = false');
    // Last: nothing after it can be changed.
    await connection.run('SET lock_configuration = true');
  } finally {
    connection.disconnectSync();
  }
  return instance;
}
