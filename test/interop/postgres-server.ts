import { execFile, spawn } from 'node:child_process';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { globSync } from 'tinyglobby';
import { freePort } from '../../src/temporal/free-port.js';

const run = promisify(execFile);

export interface PostgresServer {
  /** Of its database `postgres`. */
  url: string;
  stop(): Promise<void>;
}

/** The folder of `initdb` and `postgres`; null where this machine has none. */
export async function findPostgres(): Promise<string | null> {
  const installed = globSync('/usr/{lib/postgresql/*,local/pgsql,local}/bin/initdb', { absolute: true }).sort().at(-1);
  const found = installed ?? (await run('sh', ['-c', 'command -v initdb']).catch(() => ({ stdout: '' }))).stdout.trim();
  return found ? join(found, '..') : null;
}

/** A server of its own, in a folder that is removed when it stops. */
export async function startPostgres(bin: string): Promise<PostgresServer> {
  const data = await mkdtemp(join(tmpdir(), 'millrace-postgres-'));
  const user = await unprivileged();
  if (user) await chown(data, user.uid, user.gid);
  const options = { cwd: data, ...user };
  await run(
    join(bin, 'initdb'),
    ['-D', join(data, 'db'), '-U', 'beat', '-A', 'trust', '--no-sync', '-E', 'UTF8'],
    options,
  );
  const port = await freePort('127.0.0.1');
  const server = spawn(
    join(bin, 'postgres'),
    ['-D', join(data, 'db'), '-k', data, '-p', String(port), '-h', '127.0.0.1', '-F'],
    { ...options, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const ended = new Promise<void>((resolve) => server.on('exit', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    let log = '';
    server.stderr.on('data', (text: Buffer) => {
      log += text.toString();
      if (log.includes('ready to accept connections')) resolve();
    });
    server.on('exit', () => reject(new Error(`postgres ended: ${log}`)));
  });
  return {
    url: `postgres://beat@127.0.0.1:${port}/postgres`,
    async stop() {
      server.kill('SIGINT');
      await ended;
      await rm(data, { recursive: true });
    },
  };
}

/** It does not run as root. */
async function unprivileged(): Promise<{ uid: number; gid: number } | null> {
  if (process.getuid?.() !== 0) return null;
  const { stdout } = await run('sh', [
    '-c',
    'for u in postgres nobody; do id -u $u && id -g $u && exit; done 2>/dev/null',
  ]);
  const [uid, gid] = stdout.trim().split('\n').map(Number);
  return { uid: uid!, gid: gid! };
}
