import type { Config } from '../../core/config.js';
import { createTables } from '../../stores/postgres/tables.js';
import { guarded, ok, type Check } from './check.js';

/** The databases that sources and sinks may name. */
export function checkConnections({ postgres = {} }: Config): Promise<Check[]> {
  const tables = createTables(postgres);
  return Promise.all(
    Object.keys(postgres).map((connection) => {
      const name = `postgres ${connection}`;
      const mend = `see docs/postgres.md: MILLRACE_POSTGRES_${connection.toUpperCase()}`;
      return guarded(name, mend, async () => ok(name, `PostgreSQL ${await tables.check(connection)} answers`));
    }),
  );
}
