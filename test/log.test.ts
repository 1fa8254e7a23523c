import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import type { LogConfig } from '../src/core/config.js';

const LOG = fileURLToPath(new URL('../src/log.ts', import.meta.url));
const SECRETS = fileURLToPath(new URL('../src/core/secrets.ts', import.meta.url));

/** What a process prints that says three things. */
async function printed(config?: LogConfig, secrets: string[] = []): Promise<string[]> {
  const code = `
    const { createLog } = await import(${JSON.stringify(LOG)});
    const { maskOf } = await import(${JSON.stringify(SECRETS)});
    const log = createLog(${JSON.stringify(config)}, maskOf(${JSON.stringify(secrets)}));
    log.info({ job: 'j-1' }, 'begun');
    log.warn({ job: 'j-1', attempt: 2 }, 'two\\nlines');
    log.error({ err: new Error('boom') }, 'failed');`;
  const args = ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', code];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args);
  expect(stdout).toBe('');
  return stderr.trim().split('\n');
}

it('is lines for people, of warnings and errors', async () => {
  const [warning, error, stack] = await printed();
  expect(warning).toMatch(/^\d{4}-.*Z WARN two\\nlines job=j-1 attempt=2$/);
  expect(error).toMatch(/Z ERROR failed$/);
  expect(stack).toBe('Error: boom');
});

it('is an object a line for programs', async () => {
  const entries = (await printed({ level: 'info', format: 'json' })).map((line) => JSON.parse(line) as object);
  expect(entries).toMatchObject([
    { level: 30, job: 'j-1', msg: 'begun' },
    { level: 40, msg: 'two\nlines' },
    { level: 50, err: { message: 'boom' } },
  ]);
});

it('shows nothing that is secret', async () => {
  for (const format of ['text', 'json'] as const) {
    const text = (await printed({ level: 'info', format }, ['boom', 'j-1", ', 'two\nlines'])).join('\n');
    expect(text).toContain('***');
    expect(text).not.toMatch(/two.nlines/);
    // Too short to be a secret.
    expect(text).toContain('boom');
  }
});

it('says nothing where it is to be silent', async () => {
  expect(await printed({ level: 'silent', format: 'text' })).toEqual(['']);
});
