import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stageFile, stageFolder, sweep } from '../../src/stores/local-sink.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'millrace-publish-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a staged file', () => {
  it('is unseen until it is published, and first come first served', async () => {
    const target = path.join(folder, 'out.csv');
    const [a, b] = await Promise.all([stageFile(target, 'job-a'), stageFile(target, 'job-b')]);
    await a.append(Buffer.from('a'));
    await b.append(Buffer.from('b'));
    expect(existsSync(target)).toBe(false);
    expect(await b.publish('error')).toBe(true);
    expect(await a.publish('error')).toBe(false);
    expect(readFileSync(target, 'utf8')).toBe('b');
    expect(readdirSync(folder)).toEqual(['out.csv']);
  });

  it('replaces when told so', async () => {
    const target = path.join(folder, 'out.csv');
    writeFileSync(target, 'old');
    const staged = await stageFile(target, 'job');
    await staged.append(Buffer.from('new'));
    expect(await staged.publish('replace')).toBe(true);
    expect(readFileSync(target, 'utf8')).toBe('new');
  });

  it('can be swept after its publishers died, and others stay', async () => {
    const target = path.join(folder, 'out.csv');
    await Promise.all(['job', 'job', 'job-2'].map((owner) => stageFile(target, owner)));
    await sweep(target, 'job');
    expect(readdirSync(folder)).toEqual([expect.stringMatching(/^\.out\.csv\.job-2\./)]);
  });

  it('is not touched by another attempt of the same job, even once published', async () => {
    const target = path.join(folder, 'out.csv');
    const first = await stageFile(target, 'job');
    await first.append(Buffer.from('whole'));
    const second = await stageFile(target, 'job');
    await second.append(Buffer.from('wh'));
    await first.publish('replace');
    await second.append(Buffer.from('o'));
    expect(readFileSync(target, 'utf8')).toBe('whole');
  });
});

describe('a staged folder', () => {
  async function stage(owner: string) {
    const staged = await stageFolder(path.join(folder, 'out/'), owner);
    const file = await staged.file('part');
    await file.append(Buffer.from(owner));
    await file.publish('error');
    return staged;
  }

  it('becomes visible as a whole, once', async () => {
    const [a, b] = await Promise.all([stage('a'), stage('b')]);
    expect(existsSync(path.join(folder, 'out'))).toBe(false);
    expect(await a.publish('{}', 'error')).toBe(true);
    expect(await b.publish('{}', 'error')).toBe(false);
    expect(readFileSync(path.join(folder, 'out/part'), 'utf8')).toBe('a');
    expect(readdirSync(folder)).toEqual(['out']);
  });

  it('leaves what stood there when it was swept before it could replace it', async () => {
    await (await stage('a')).publish('{}', 'error');
    const late = await stage('a');
    await sweep(path.join(folder, 'out/'), 'a');
    await expect(late.publish('{}', 'replace')).rejects.toThrow('ENOENT');
    expect(readFileSync(path.join(folder, 'out/part'), 'utf8')).toBe('a');
    expect(readdirSync(folder)).toEqual(['out']);
  });

  it('replaces the folder that stood there', async () => {
    await (await stage('a')).publish('{}', 'error');
    await (await stage('b')).publish('{}', 'replace');
    expect(readFileSync(path.join(folder, 'out/part'), 'utf8')).toBe('b');
    expect(readdirSync(folder)).toEqual(['out']);
  });
});
