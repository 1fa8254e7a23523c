import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { goBuild } from '../../src/temporal/bring-cli.js';
import { WAYS, findOrBringCli } from '../../src/temporal/find-cli.js';

/** The ways that need no network. */
const HERE = WAYS.filter((way) => ['TEMPORAL_CLI_PATH', 'PATH', 'cache'].includes(way.name));
const FLAGS = '--sqlite-pragma --dynamic-config-value --search-attribute';

let folder: string;
let home: string;
let said: string[];
const say = (line: string) => said.push(line);

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'millrace-find-'));
  home = path.join(folder, 'home');
  said = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('findOrBringCli', () => {
  it('takes TEMPORAL_CLI_PATH before PATH before the cache', async () => {
    const named = await fakeCli('named/temporal', '1.3.0');
    const onPath = await fakeCli('bin/temporal', '1.2.0');
    const cached = await fakeCli('home/cache/temporal-1.1.0', '1.1.0');

    const env = { PATH: `${path.dirname(onPath)}:/usr/bin:/bin`, TEMPORAL_CLI_PATH: named };
    expect(await find(env)).toEqual({ path: named, version: '1.3.0', from: 'TEMPORAL_CLI_PATH' });
    expect(await find({ PATH: env.PATH })).toEqual({ path: onPath, version: '1.2.0', from: 'PATH' });
    expect(await find({ PATH: '/usr/bin:/bin' })).toEqual({ path: cached, version: '1.1.0', from: 'cache' });
  });

  it('passes over a binary on PATH that has no dev server, and says so', async () => {
    const old = await fakeCli('old/temporal', '0.9.0', 'unknown command');
    const good = await fakeCli('bin/temporal', '1.2.0');
    const found = await find({ PATH: [path.dirname(old), path.dirname(good), '/usr/bin', '/bin'].join(':') });
    expect(found.path).toBe(good);
    expect(said).toContain(
      `PATH: "${old}" cannot be used: "server start-dev" of version 0.9.0 lacks --sqlite-pragma, --dynamic-config-value, --search-attribute`,
    );
  });

  it('takes the newest of the cache by number, not by letter, and no unfinished one', async () => {
    await fakeCli('home/cache/temporal-1.9.1', '1.9.1');
    const newest = await fakeCli('home/cache/temporal-1.10.0', '1.10.0');
    await fakeCli('home/cache/.bring-x/temporal', '9.9.9');
    expect((await find({ PATH: '/usr/bin:/bin' })).path).toBe(newest);
  });

  it('does not look in the current folder for an empty part of PATH', async () => {
    await expect(find({ PATH: '' })).rejects.toMatchObject({ code: 'temporal.no_cli' });
    await expect(find({ PATH: ':.:bin' })).rejects.toThrow(/PATH: nothing there/);
  });

  it('uses no other binary than the one that TEMPORAL_CLI_PATH names', async () => {
    const onPath = await fakeCli('bin/temporal', '1.2.0');
    const env = { PATH: `${path.dirname(onPath)}:/usr/bin:/bin`, TEMPORAL_CLI_PATH: '/nowhere/temporal' };
    await expect(find(env)).rejects.toMatchObject({
      code: 'temporal.no_cli',
      message: expect.stringMatching(
        /tried TEMPORAL_CLI_PATH: "\/nowhere\/temporal" cannot be used: not found$/,
      ) as string,
    });
  });

  it('tells in one message what was tried and how to install it, where nothing is found', async () => {
    const closed = {
      name: 'download',
      candidates: () => Promise.reject(new Error('https://host.invalid cannot be reached (ENOTFOUND)')),
    };
    const failure = findOrBringCli({ home, env: { PATH: '' }, say }, [...HERE, closed, goBuild]);
    await expect(failure).rejects.toMatchObject({
      code: 'temporal.no_cli',
      message: expect.stringMatching(
        /^no Temporal server to start; .*TEMPORAL_CLI_PATH.*TEMPORAL_ADDRESS.*; tried TEMPORAL_CLI_PATH: nothing there; PATH: nothing there; cache: nothing there; download: https:\/\/host\.invalid cannot be reached \(ENOTFOUND\); go: not found$/,
      ) as string,
    });
    expect(said[0]).toMatch(/^looking for a Temporal server/);
  });
});

function find(env: NodeJS.ProcessEnv) {
  return findOrBringCli({ home, env, say }, HERE);
}

/** A program that answers as the `temporal` CLI of that version does. */
async function fakeCli(name: string, version: string, help = FLAGS): Promise<string> {
  const file = path.join(folder, name);
  await mkdir(path.dirname(file), { recursive: true });
  const script = `#!/bin/sh\ncase "$1" in --version) echo "temporal version ${version} (Server 1.0.0)";; *) echo "${help}";; esac\n`;
  await writeFile(file, script);
  await chmod(file, 0o755);
  return file;
}
