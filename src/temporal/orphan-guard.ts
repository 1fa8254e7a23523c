import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';

/**
 * Ends process `pid` when this process dies, however it dies: a shell of 1 MB waits at the end of a pipe that only this
 * process holds open. It is in a group of its own, out of reach of the terminal's Ctrl-C. No guard on Windows.
 * @returns call it once `pid` has ended, before the number can be another's
 */
export function guardAgainstOrphan(pid: number): () => void {
  if (process.platform === 'win32') return () => undefined;
  const script = 'cat >/dev/null; kill -TERM "$1" 2>/dev/null';
  const guard = spawn('/bin/sh', ['-c', script, 'sh', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  guard.on('error', () => undefined);
  guard.unref();
  (guard.stdin as Socket).unref();
  return () => {
    // The whole group: the shell alone would leave its `cat`, which then ends by the closed pipe and is nobody's.
    if (guard.pid !== undefined) killGroup(guard.pid);
    guard.stdin.destroy();
  };
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // Gone already.
  }
}
