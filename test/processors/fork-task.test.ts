import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Config } from '../../src/core/config.js';
import { TaskControl } from '../../src/processors/control.js';
import { forkTask } from '../../src/processors/fork-task.js';

const PROCESSORS = fileURLToPath(new URL('../fixtures/processors', import.meta.url));

let home: string;
let config: Config;
beforeAll(async () => {
  home = await mkdtemp(path.join(os.tmpdir(), 'millrace-fork-'));
  config = {
    host: '',
    port: 0,
    home,
    roots: [home],
    work: path.join(home, 'work'),
    scratch: path.join(home, 'scratch'),
    taskQueue: '',
    processors: [PROCESSORS],
    threads: 1,
    sqlMemoryBytes: 256 * 1024 * 1024,
    temporal: {},
  };
});
afterAll(() => rm(home, { recursive: true, force: true }));

const options = (signal = new AbortController().signal) => ({
  signal,
  control: new TaskControl(),
  limitMs: () => Infinity,
});

describe('a task in a process of its own', () => {
  const check = (map: string) => ({ use: 'sql', with: { map }, columns: [{ name: 'n', type: 'int' }] });

  it('is answered as by a thread, SQL too, and leaves nothing behind', async () => {
    const answer = await forkTask(config, 'check', check('select n + 1 m from chunk'), options());
    expect(answer).toEqual({ ok: true, output: { reduces: false, output: [{ name: 'm', type: 'BIGINT' }] } });
    expect(await readdir(config.scratch)).toEqual([]);
  });

  it('answers its errors as data', async () => {
    const answer = await forkTask(config, 'check', check('select no from chunk'), options());
    expect(answer).toMatchObject({ ok: false, code: 'sql.invalid', retryable: false });
  });

  it('is ended when it does not stop, and is cancelled then, not dead', async () => {
    const items = [{ n: 1 }];
    const spec = {
      process: { use: 'endless', with: {} },
      options: { rejects: { action: 'fail' } },
      source: {},
    };
    const plan = { spec, format: 'items', columns: [], files: [], items, itemCount: 1, chunkRows: 1, chunkCount: 1 };
    const abort = new AbortController();
    const input = { job: 'j', inline: plan, from: 0, to: 1, generation: 0, attempt: 2 };
    const task = forkTask(config, 'process', input, {
      ...options(abort.signal),
      // Asked once a record is at the processor, which never gives it back.
      limitMs() {
        abort.abort();
        return Infinity;
      },
    });
    await expect(task).rejects.toMatchObject({ code: 'job.cancelled' });
    expect(await readdir(config.scratch)).toEqual([]);
  });
});
