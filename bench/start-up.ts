import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { ended, freshHome, median, millrace, ready, timed } from './harness.js';
import type { Line } from './report.js';

const ROUNDS = 3;

/** From `millrace dev` to the first 200 of `/readyz`. */
export async function dev(): Promise<Line[]> {
  const ms = await rounds(async (env) => {
    const child = millrace(['dev'], env);
    const time = await timed(() => ready(`http://127.0.0.1:${env.MILLRACE_PORT}`, child));
    return { time, stop: () => ended(child) };
  });
  return [{ bench: 'dev', what: 'start to ready', ours: ms / 1000, unit: 's', target: '< 10 s', met: ms < 10_000 }];
}

/** `millrace demo` from start to exit, in a home that nobody has used, the Temporal CLI at hand. */
export async function demo(): Promise<Line[]> {
  const ms = await rounds(async (env) => {
    const child = millrace(['demo', '--no-keep'], env);
    const time = await timed(() => once(child, 'exit'));
    if (child.exitCode !== 0 && child.exitCode !== 2) throw new Error(`demo ended with exit code ${child.exitCode}`);
    return { time };
  });
  return [{ bench: 'demo', what: 'start to exit', ours: ms / 1000, unit: 's', target: '< 30 s', met: ms < 30_000 }];
}

async function rounds(
  run: (env: NodeJS.ProcessEnv) => Promise<{ time: number; stop?: () => Promise<void> }>,
): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const { env, home } = await freshHome();
    const { time, stop } = await run(env);
    times.push(time);
    await stop?.();
    await rm(home, { recursive: true, force: true });
  }
  return median(times);
}
