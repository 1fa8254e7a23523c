/**
 * A browser that nothing looks into but what is asked for here: libraries that drive browsers have them keep every answer of the
 * network, and that would be measured as the memory of the page.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';

type Answer = Record<string, unknown>;

export interface BareBrowser {
  /** A command of the DevTools protocol, to the browser or to a page that is attached. */
  send<T = Answer>(method: string, params?: object, sessionId?: string): Promise<T>;
  close(): Promise<void>;
}

export async function startBrowser(executable: string): Promise<BareBrowser> {
  const profile = await mkdtemp(path.join(os.tmpdir(), 'millrace-browser-'));
  const args = ['--headless=new', '--no-sandbox', '--no-first-run', '--disable-gpu', `--user-data-dir=${profile}`];
  const child = spawn(executable, [...args, '--remote-debugging-pipe'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  });
  const [, , , into, from] = child.stdio as [null, null, null, Writable, Readable];
  const waiting = new Map<number, { resolve(answer: Answer): void; reject(error: Error): void }>();
  let text = '';
  from.setEncoding('utf8').on('data', (part: string) => {
    const messages = (text + part).split('\0');
    text = messages.pop()!;
    for (const message of messages) {
      const { id, result, error } = JSON.parse(message) as {
        id?: number;
        result?: Answer;
        error?: { message: string };
      };
      const asked = id === undefined ? undefined : waiting.get(id);
      if (!asked) continue;
      waiting.delete(id!);
      if (error) asked.reject(new Error(error.message));
      else asked.resolve(result!);
    }
  });
  let last = 0;
  return {
    send<T>(method: string, params: object = {}, sessionId?: string) {
      const id = ++last;
      into.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
      return new Promise<Answer>((resolve, reject) => waiting.set(id, { resolve, reject })) as Promise<T>;
    },
    async close() {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill();
      await gone;
      await rm(profile, { recursive: true, force: true });
    },
  };
}
