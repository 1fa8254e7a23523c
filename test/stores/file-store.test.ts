import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFileStore } from '../../src/stores/file-store.js';
import type { SinkStore, SourceStore } from '../../src/stores/port.js';

let base: string;
let root: string;
let store: SourceStore & SinkStore;

beforeEach(() => {
  base = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'millrace-store-')));
  root = path.join(base, 'root');
  mkdirSync(path.join(root, 'sub'), { recursive: true });
  writeFileSync(path.join(root, 'b.csv'), 'x\n2\n');
  writeFileSync(path.join(root, 'a.csv'), 'x\n1\n');
  writeFileSync(path.join(base, 'secret.csv'), 'secret\n');
  store = createFileStore({ roots: [root], cwd: root });
});

afterEach(() => rmSync(base, { recursive: true, force: true }));

describe('find', () => {
  it('names what a path and a glob stand for, sorted', async () => {
    expect((await store.find('a.csv')).map(({ label }) => label)).toEqual(['a.csv']);
    expect((await store.find('*.csv')).map(({ label }) => label)).toEqual(['a.csv', 'b.csv']);
    expect((await store.find(`file://${root}/a.csv`)).map(({ uri }) => uri)).toEqual([path.join(root, 'a.csv')]);
  });

  it('takes a file whose name looks like a glob by its name', async () => {
    writeFileSync(path.join(root, 'odd[1].csv'), 'x\n');
    expect((await store.find('odd[1].csv')).map(({ label }) => label)).toEqual(['odd[1].csv']);
  });

  it.each([
    ['missing.csv', 'source.not_found'],
    ['none-*.csv', 'source.not_found'],
    ['sub', 'source.not_a_file'],
    ['../secret.csv', 'path.outside_root'],
    ['../*.csv', 'path.outside_root'],
    ['/etc/passwd', 'path.outside_root'],
    ['file:///etc/passwd', 'path.outside_root'],
    ['a.csv\0', 'path.outside_root'],
    ['%2e%2e/secret.csv', 'source.not_found'],
    ['s3://bucket/key.csv', 'source.scheme'],
    ['gopher://x/y', 'source.scheme'],
    ['/dev/zero', 'path.outside_root'],
  ])('refuses %s with %s', async (uri, code) => {
    await expect(store.find(uri)).rejects.toMatchObject({ code });
  });

  it('refuses a link that leads out of the roots', async () => {
    symlinkSync(path.join(base, 'secret.csv'), path.join(root, 'link.csv'));
    await expect(store.find('link.csv')).rejects.toMatchObject({ code: 'path.outside_root' });
  });

  it('refuses a FIFO instead of waiting for its writer', async () => {
    execFileSync('mkfifo', [path.join(root, 'pipe.csv')]);
    await expect(store.find('pipe.csv')).rejects.toMatchObject({ code: 'source.not_a_file' });
  });
});

describe('open', () => {
  it('reads ranges and cuts at the end', async () => {
    const [found] = await store.find('a.csv');
    const bytes = await store.open(found!.uri, found!.pin);
    expect((await bytes.read(2, 100)).toString()).toBe('1\n');
    await bytes.close();
  });

  it('refuses a source that is not the planned one', async () => {
    const [found] = await store.find('a.csv');
    utimesSync(found!.uri, 1, 1);
    await expect(store.open(found!.uri, found!.pin)).rejects.toMatchObject({
      code: 'source.changed',
      retryable: false,
    });
  });

  it('refuses a link that was swapped in after the plan', async () => {
    const [found] = await store.find('a.csv');
    rmSync(found!.uri);
    symlinkSync(path.join(base, 'secret.csv'), found!.uri);
    await expect(store.open(found!.uri, found!.pin)).rejects.toMatchObject({ code: 'path.outside_root' });
  });
});

describe('resolve', () => {
  it('refuses what exists, unless it is to be replaced', async () => {
    await expect(store.resolve('a.csv', 'error')).rejects.toMatchObject({ code: 'sink.exists' });
    expect(await store.resolve('a.csv', 'replace')).toBe(path.join(root, 'a.csv'));
    expect(await store.resolve('new/deep/a.csv', 'error')).toBe(path.join(root, 'new/deep/a.csv'));
  });

  it('takes an empty folder, not a filled one', async () => {
    expect(await store.resolve('sub/', 'error')).toBe(path.join(root, 'sub/'));
    writeFileSync(path.join(root, 'sub/x'), '');
    await expect(store.resolve('sub/', 'error')).rejects.toMatchObject({ code: 'sink.exists' });
  });

  it('stays inside of the roots', async () => {
    symlinkSync(base, path.join(root, 'up'));
    await expect(store.resolve('up/new.csv', 'error')).rejects.toMatchObject({ code: 'path.outside_root' });
    await expect(store.resolve('../new.csv', 'error')).rejects.toMatchObject({ code: 'path.outside_root' });
  });
});
