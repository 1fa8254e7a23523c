import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/cli/package-root.js';
import { jobView, testApi, type TestApi } from './support/test-api.js';
import { millrace } from './support/test-io.js';

/** What is offered in the place of the last word. */
async function offered(...words: string[]): Promise<string[]> {
  const { out, code } = await millrace(['complete', '--', ...words], { env: { MILLRACE_API: 'http://127.0.0.1:9' } });
  expect(code).toBe(0);
  return out.split('\n').flatMap((line) => (line === '' ? [] : [line.split('\t')[0]!]));
}

/** The commands that a help page lists. */
async function helped(...words: string[]): Promise<string[]> {
  const { out } = await millrace([...words, '--help']);
  const list = out.slice(out.indexOf('\nCommands:'));
  return [...list.matchAll(/^ {2}([a-z][a-z-]+)/gm)].map(([, name]) => name!).filter((name) => name !== 'help');
}

describe('what is offered', () => {
  it('is all commands, as the help has them', async () => {
    for (const group of [[], ['jobs'], ['schedules'], ['processors'], ['import']]) {
      const names = await helped(...group);
      expect(names.length).toBeGreaterThan(0);
      expect(await offered(...group, '')).toEqual(names);
    }
  });

  it.each([
    [['do'], ['doctor']],
    [
      ['jobs', 're'],
      ['resume', 'retry', 'result', 'rejects'],
    ],
    [['jobs', 'list', '--sta'], ['--state']],
    [['jobs', '--sta'], ['--state']],
    [['--api', 'http://x', 'jobs', 'wat'], ['watch']],
    [
      ['jobs', 'list', '--state', 'c'],
      ['committing', 'completed', 'completed_with_rejects', 'cancelled'],
    ],
    [
      ['schedules', 'backfill', 'nightly', '--overlap', 'buffer'],
      ['bufferOne', 'bufferAll'],
    ],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['completion', 'bash', ''], []],
    [['run', ''], [':files']],
    [['worker', '--processors', ''], [':files']],
    [['run', 'spec.yaml', ''], []],
    [['jobs', 'show', 'j-'], []],
    [['jobs', 'show', '--', '--js'], []],
    [['nonsense', ''], []],
  ])('for %j is %j', async (words, values) => {
    expect(await offered(...words)).toEqual(values);
  });

  it('is every option of a command, of the program too', async () => {
    const options = ['--api', '--help', '--json', '--key', '--param', '--version', '--watch'];
    expect((await offered('run', '-')).sort()).toEqual(options);
  });
});

describe('ids', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await testApi();
    for (const id of ['j-1', 'j-2', 's-nightly-2026-01-01T00:00:00Z']) api.jobs.set(id, [jobView({ id })]);
  });
  afterAll(() => api.stop());

  it('are those of the jobs, and none twice', async () => {
    const answer = await millrace(['complete', '--', 'jobs', 'watch', 'j-1', ''], { env: { MILLRACE_API: api.url } });
    expect(answer.out).toBe('j-2\trunning  delays\ns-nightly-2026-01-01T00:00:00Z\trunning  delays\n');
  });
});

/** Real shells with the built command on their PATH. */
describe('in a shell', () => {
  let folder: string;
  let api: TestApi;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-shell-'));
    await symlink(join(packageRoot(), 'bin', 'millrace.cjs'), join(folder, 'millrace'));
    await writeFile(join(folder, 'spec one.yaml'), '');
    api = await testApi();
    api.jobs.set('s-a-2026-01-01T00:00:00Z', [jobView({ id: 's-a-2026-01-01T00:00:00Z' })]);
  });
  afterAll(async () => {
    await api.stop();
    await rm(folder, { recursive: true });
  });

  const has = (shell: string) => spawnSync(shell, ['--version']).status === 0;

  /** The lines that a shell prints. The API runs in this process, so the shell must not hold it up. */
  async function said(shell: string, args: string[], input = ''): Promise<string[]> {
    const { spawn } = await import('node:child_process');
    const PATH = `${folder}${delimiter}${process.env.PATH}`;
    const env = { ...process.env, PATH, HOME: folder, MILLRACE_API: api.url, TERM: 'dumb' };
    const child = spawn(shell, args, { cwd: folder, env, stdio: ['pipe', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
    child.stdin.end(input);
    await new Promise((resolve) => child.once('close', resolve));
    return text.split(/\r?\n/).filter((line) => line !== '');
  }

  it('bash completes commands, options, ids with colons, and files', async () => {
    const script = `
      source <(millrace completion bash)
      answers() { COMP_LINE=$1 COMP_POINT=\${#1}; _millrace; printf '%s|' "\${COMPREPLY[@]}"; echo; }
      answers 'millrace jobs wat'
      answers 'millrace jobs list --state pa'
      answers 'millrace jobs show s-a-2026-01-01T00:0'
      answers 'millrace run spec'
      complete -p millrace`;
    expect(await said('bash', ['--norc', '--noprofile', '-c', script])).toEqual([
      'watch|',
      'paused|',
      '00:00Z|',
      'spec one.yaml|',
      'complete -o nosort -F _millrace millrace',
    ]);
  });

  it.skipIf(!has('script'))('bash puts in at Tab what is offered, and the command runs', async () => {
    const typed = 'source <(millrace completion bash)\nmillrace doc\t--settings --js\t | head -3\nexit\n';
    const lines = await said('script', ['-qec', 'bash --norc --noprofile -i', '/dev/null'], typed);
    expect(lines.join('\n')).toContain('millrace doctor --settings --json ');
    expect(lines.join('\n')).toContain('"env": "MILLRACE_HOST"');
  });

  it.skipIf(!has('zsh') || !has('script'))('zsh puts in at Tab what is offered', async () => {
    // The line editor takes what was typed before it was ready as it stands, so the keys are pressed by zpty's own hand.
    const script = `
      zmodload zsh/zpty
      zpty shell 'zsh -f -i'
      zpty -w shell 'PS1=; autoload -U compinit; compinit -u -d ${folder}/zcompdump; source <(millrace completion zsh); echo load""ed'
      zpty -r -m shell line '*loaded*'
      zpty -w -n shell $'millrace doc\\t--settings --js\\t | head -3; echo do""ne\\n'
      zpty -r -m shell line '*done*'; print -r -- $line`;
    const text = (await said('zsh', ['-f', '-c', script])).join('\n');
    expect(text).toContain('"env": "MILLRACE_HOST"');
  });

  it.skipIf(!has('fish'))('fish offers the same', async () => {
    const script = `millrace completion fish | source
      complete -C "millrace jobs wat"; complete -C "millrace jobs list --state pa"; complete -C "millrace jobs show s-"; complete -C "millrace run spec"`;
    expect(await said('fish', ['--no-config', '-c', script])).toEqual([
      expect.stringMatching(/^watch\tFollow jobs/),
      'paused',
      's-a-2026-01-01T00:00:00Z\trunning  delays',
      expect.stringMatching(/^spec(\\ | )one\.yaml/),
    ]);
  });
});
