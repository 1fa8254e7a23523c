import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createProgram, runCli } from '../../src/cli/run-cli.js';
import type { PlanView } from '../../src/core/job.js';
import { completed, jobView, running, testApi, type TestApi } from './support/test-api.js';
import { millrace, testIo } from './support/test-io.js';

const SPEC = 'source: { uri: in.csv }\nprocess: { use: sql, with: { map: select * from chunk } }\n';

let api: TestApi;
beforeEach(async () => {
  api = await testApi();
  await writeFile(join(api.folder, 'spec.yaml'), SPEC);
});
afterEach(() => api.stop());

const at = (...args: string[]) => millrace(['--api', api.url, ...args], { cwd: api.folder });

describe('the command line', () => {
  it('shows the help of everything and exits 0', async () => {
    const { code, out } = await millrace(['--help']);
    expect(code).toBe(0);
    for (const command of [
      'demo',
      'dev',
      'run',
      'plan',
      'spec',
      'jobs',
      'processors',
      'import',
      'api',
      'worker',
      'doctor',
    ]) {
      expect(out).toContain(`\n  ${command} `);
    }
    expect(out).toContain('64 usage or bad spec');
  });

  it('has --json on every command that reads', () => {
    const without: string[] = [];
    const look = (command: Command, path: string): void => {
      if (command.commands.length > 0)
        return command.commands.forEach((child) => look(child, `${path} ${child.name()}`));
      if (!command.options.some(({ long }) => long === '--json')) without.push(path.trim());
    };
    look(
      createProgram(testIo(), () => undefined),
      '',
    );
    expect(without).toEqual([
      'demo',
      'dev',
      'schedules delete',
      'tokens revoke',
      'api',
      'worker',
      'completion',
      'complete',
    ]);
  });

  it.each([
    [['nonsense'], 'unknown command'],
    [['run'], "missing required argument 'spec'"],
    [['run', 'spec.yaml', '--wach'], 'Did you mean --watch?'],
    [['jobs', 'list', '--limit', 'many'], 'Wanted a whole number from 1'],
    [['jobs', 'list', '--state', 'done'], 'Allowed choices are'],
    [['run', 'spec.yaml', '--param', 'novalue'], 'wanted name=value'],
    [['--api', 'localhost:1', 'jobs', 'list'], 'wanted a URL like http://127.0.0.1:8080'],
  ])('%j is a usage error: exit 64', async (args, message) => {
    const { code, out, err } = await millrace(args, { cwd: api.folder });
    expect(err).toContain(message);
    expect(out).toBe('');
    expect(code).toBe(64);
  });

  it('exits 69 and says how to start a service where none answers', async () => {
    const { code, err } = await millrace(['--api', 'http://127.0.0.1:9', 'jobs']);
    expect(code).toBe(69);
    expect(err).toContain('No Millrace API at "http://127.0.0.1:9"');
    expect(err).toContain('npx millrace dev');
  });

  it('exits 1 with the code of the answer where the address has a wrong path', async () => {
    const { code, err } = await millrace(['--api', `${api.url}/elsewhere`, 'processors'], { cwd: api.folder });
    expect(err).toContain('request.not_found');
    expect(code).toBe(1);
  });
});

describe('finding the API', () => {
  it('takes MILLRACE_API where no flag is given', async () => {
    const { code } = await millrace(['jobs'], { env: { MILLRACE_API: api.url } });
    expect(code).toBe(0);
  });

  it('finds the dev that runs from the same home', async () => {
    const home = join(api.folder, '.millrace');
    const addresses = { pid: process.pid, temporal: '127.0.0.1:1', namespace: 'default', ui: null, api: api.url };
    await mkdir(home);
    await writeFile(join(home, 'dev.json'), JSON.stringify({ ...addresses, startedAt: new Date().toISOString() }));
    expect((await millrace(['jobs'], { cwd: api.folder })).code).toBe(0);
  });

  it('passes over what a dead dev left, to the configured port', async () => {
    const home = join(api.folder, '.millrace');
    const addresses = {
      pid: 2 ** 22 + 1,
      temporal: '127.0.0.1:1',
      namespace: 'default',
      ui: null,
      api: 'http://127.0.0.1:9',
    };
    await mkdir(home);
    await writeFile(join(home, 'dev.json'), JSON.stringify({ ...addresses, startedAt: '2026-01-01T00:00:00Z' }));
    const { code } = await millrace(['jobs'], { cwd: api.folder, env: { MILLRACE_PORT: new URL(api.url).port } });
    expect(code).toBe(0);
  });
});

describe('run', () => {
  it('prints the id alone on standard output and exits 0', async () => {
    const { code, out } = await at('run', 'spec.yaml');
    expect(out).toBe('j-1\n');
    expect(code).toBe(0);
  });

  it('lays typed parameters over process.with', async () => {
    await at('run', 'spec.yaml', '--param', 'reduce=select 1', '-p', 'n=3');
    expect(api.given).toEqual([
      {
        source: { uri: 'in.csv' },
        process: { use: 'sql', with: { map: 'select * from chunk', reduce: 'select 1', n: 3 } },
      },
    ]);
  });

  it('reads JSON from standard input for "-"', async () => {
    const stdin = JSON.stringify({ source: { items: [{ a: 1 }] }, process: { use: 'sql', with: { map: 'select 1' } } });
    const { code } = await millrace(['--api', api.url, 'run', '-'], { stdin });
    expect(code).toBe(0);
    expect(api.given).toEqual([JSON.parse(stdin)]);
  });

  it.each([
    ['completed', 0],
    ['completed_with_rejects', 2],
  ] as const)('--watch of a job that ends %s exits %i', async (state, code) => {
    api.jobs.set('j-1', [running(0.2), completed({ state })]);
    const answer = await at('run', 'spec.yaml', '--watch');
    expect(answer.code).toBe(code);
    expect(answer.out).toContain(`${state}  delays  j-1`);
    expect(answer.out).toContain('3 in: 3 used, 0 filtered, 0 rejected; 2 out');
    expect(answer.out).toContain('ATL        1200\nLAS           7\n');
    expect(answer.err).toContain('delays: running 20%, 600k of 3.00M records, 1.24M/s, chunk 2/10, 2 s left');
  });

  it.each([
    ['failed', 1],
    ['cancelled', 3],
  ] as const)('--watch of a job that ends %s exits %i', async (state, code) => {
    const error = { code: 'row.type', message: 'record 7 has no number' };
    api.jobs.set('j-1', [jobView({ state, finishedAt: '2026-01-02T03:04:06Z', error })]);
    const answer = await at('run', 'spec.yaml', '--watch');
    expect(answer.code).toBe(code);
    expect(answer.out).toContain('row.type: record 7 has no number');
  });

  it('--watch --json prints the job and nothing else', async () => {
    api.jobs.set('j-1', [running(0.5), completed()]);
    const { out, err } = await at('run', 'spec.yaml', '--watch', '--json');
    expect(JSON.parse(out)).toEqual(completed());
    expect(err).toBe('');
  });

  it('Ctrl-C ends the watching only, and says how to go on: exit 130', async () => {
    const io = testIo({ cwd: api.folder });
    const code = runCli(['--api', api.url, 'run', 'spec.yaml', '--watch'], io);
    await new Promise((resolve) => setTimeout(resolve, 300));
    io.interrupt();
    expect(await code).toBe(130);
    expect(io.stderr.text).toContain('The job goes on');
    expect(io.stderr.text).toContain('millrace jobs watch j-1');
    expect(io.stderr.text).toContain('millrace jobs cancel j-1');
  });

  it("says the API's sentence and each fault, exit 64", async () => {
    await writeFile(join(api.folder, 'bad.yaml'), 'sorce: {}\nprocess: { use: sql }\noptions: { concurency: 2 }\n');
    const { code, err } = await at('run', 'bad.yaml');
    const answer = await fetch(`${api.url}/v1/jobs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"sorce":{},"process":{"use":"sql"},"options":{"concurency":2}}',
    });
    const problem = (await answer.json()) as { detail: string; errors: Array<{ path: string; message: string }> };
    expect(problem.errors.length).toBeGreaterThan(1);
    expect(err).toBe(
      `error ${problem.detail} [spec.invalid]\n${problem.errors.map(({ path, message }) => `  ${path}: ${message}\n`).join('')}`,
    );
    expect(code).toBe(64);
  });

  it('exits 64 for a path outside the roots', async () => {
    await writeFile(join(api.folder, 'outside.yaml'), SPEC.replace('in.csv', '/etc/hosts'));
    const { code, err } = await at('run', 'outside.yaml');
    expect(err).toContain('[path.outside_root]');
    expect(code).toBe(64);
  });
});

describe('plan', () => {
  const plan: PlanView = {
    name: 'delays',
    processor: 'sql',
    format: 'csv',
    files: 1,
    chunks: 1,
    bytes: 25,
    records: 2,
    recordsExact: false,
    chunksPerActivity: 1,
    concurrency: 4,
    columns: [
      { name: 'origin', type: 'string' },
      { name: 'delay', type: 'int' },
    ],
    output: null,
    sample: [{ origin: 'ATL', delay: 1 }],
    warnings: ['one chunk only'],
  };

  it('shows chunks, columns, the first records and the warnings', async () => {
    api.plan = plan;
    const { code, out } = await at('plan', 'spec.yaml');
    expect(code).toBe(0);
    expect(out).toContain('about 2');
    expect(out).toContain('origin string, delay int');
    expect(out).toContain('one chunk only');
    expect(out).toContain('origin  delay\n──────  ─────\nATL         1\n');
  });

  it('--json prints it as the API gave it', async () => {
    api.plan = plan;
    expect(JSON.parse((await at('plan', 'spec.yaml', '--json')).out)).toEqual(plan);
  });

  it('exits 69 where no worker makes the plan', async () => {
    const { code, err } = await at('plan', 'spec.yaml');
    expect(err).toContain('no worker polls task queue');
    expect(code).toBe(69);
  });
});

describe('spec', () => {
  it('--json converts YAML to the JSON that the temporal CLI takes, without a service', async () => {
    const { code, out } = await millrace(['spec', 'spec.yaml', '--json'], { cwd: api.folder });
    expect(JSON.parse(out)).toEqual({
      source: { uri: 'in.csv' },
      process: { use: 'sql', with: { map: 'select * from chunk' } },
    });
    expect(code).toBe(0);
  });

  it('refuses a spec with a fault: exit 64', async () => {
    const { code, err } = await millrace(['spec', '-'], { stdin: '{"source":{"uri":"a.csv"}}' });
    expect(err).toContain('process');
    expect(err).toContain('[spec.invalid]');
    expect(code).toBe(64);
  });
});

describe('jobs', () => {
  it('list is a table, the default of the group, and --json the page', async () => {
    api.jobs.set('j-1', [completed()]);
    api.jobs.set('j-2', [jobView({ id: 'j-2', name: 'other' })]);
    const { out } = await at('jobs');
    expect(out.split('\n')[0]).toMatch(/^id +state +name +took +processor +created \(UTC\)$/);
    expect(out).toMatch(/^j-1 +completed +delays +2\.0 s +sql +2026-01-02 03:04:05$/m);
    const page = JSON.parse((await at('jobs', 'list', '--json')).out) as { jobs: unknown[] };
    expect(page.jobs).toHaveLength(2);
  });

  it('show names an unknown job: exit 1', async () => {
    const { code, err } = await at('jobs', 'show', 'j-9');
    expect(err).toBe('error there is no job "j-9" [job.not_found]\n');
    expect(code).toBe(1);
  });

  it('show --json is the view; showing a failed job is no failure', async () => {
    api.jobs.set('j-1', [jobView({ state: 'failed', error: { code: 'x.y', message: 'z' } })]);
    const { code, out } = await at('jobs', 'show', 'j-1', '--json');
    expect((JSON.parse(out) as { state: string }).state).toBe('failed');
    expect(code).toBe(0);
  });

  it('watch exits as the job ended', async () => {
    api.jobs.set('j-1', [completed({ state: 'completed_with_rejects' })]);
    expect((await at('jobs', 'watch', 'j-1')).code).toBe(2);
  });

  it('cancel says that it is on its way', async () => {
    api.jobs.set('j-1', [running(0.1)]);
    expect((await at('jobs', 'cancel', 'j-1')).out).toBe('j-1 is being cancelled\n');
  });

  it('retry starts one, or follows it to its end', async () => {
    api.jobs.set('j-1', [completed({ state: 'completed_with_rejects' })]);
    expect((await at('jobs', 'retry', 'j-1')).out).toBe('j-1 is being retried\n');
    expect((await at('jobs', 'retry', 'j-1', '--watch')).code).toBe(2);
    expect((JSON.parse((await at('jobs', 'retry', 'j-1', '--json')).out) as { id: string }).id).toBe('j-1');
  });

  it('retry gives corrected rejects back, and names the line of one that is none', async () => {
    const reject = {
      source: 'in.csv',
      chunk: 0,
      offset: 10,
      line: 2,
      record: 1,
      code: 'c',
      message: 'm',
      raw: 'ATL,x',
    };
    await mkdir(join(api.folder, 'work', 'j-1'), { recursive: true });
    await writeFile(join(api.folder, 'work', 'j-1', 'rejects.ndjson'), `${JSON.stringify(reject)}\n`);
    const found = { uri: 'j-1/rejects.ndjson', records: 1 };
    api.jobs.set('j-1', [completed({ state: 'completed_with_rejects', rejects: found })]);
    const file = join(api.folder, 'mended.ndjson');
    const good = JSON.stringify({ ...reject, raw: 'ATL,1' });
    await writeFile(file, `${good}\n`);
    expect((await at('jobs', 'retry', 'j-1', '--rejects', 'mended.ndjson')).code).toBe(0);
    await writeFile(file, `${good}\n${JSON.stringify({ ...reject, offset: 11 })}\n`);
    const { code, err } = await at('jobs', 'retry', 'j-1', '--rejects', 'mended.ndjson');
    expect(err).toContain('line 2: no rejected record of job "j-1" is at that place');
    expect(code).toBe(64);
    expect((await at('jobs', 'retry', 'j-1', '--rejects', 'nowhere')).err).toContain(
      'Cannot read the reject file "nowhere"',
    );
  });

  it('pause, resume and set give their orders and show what came of them', async () => {
    const settings = {
      concurrency: 2,
      rate: { records: 500 },
      rejects: { share: 0.01 },
      failedChunks: { count: 0 },
      priority: 3,
    };
    api.jobs.set('j-1', [jobView({ state: 'paused', paused: 'lunch', settings })]);
    const { code, out } = await at('jobs', 'pause', 'j-1', '--reason', 'lunch');
    expect([code, api.given.at(-1)]).toEqual([0, { pause: 'lunch' }]);
    expect(out).toBe(
      'j-1 is paused\n  paused    lunch\n' +
        '  settings  2 at once, at most 500 records/s, 1 % rejects, 0 failed chunks, priority 3\n',
    );
    await at('jobs', 'resume', 'j-1');
    expect(api.given.at(-1)).toBe('resume');
    const changes = ['--concurrency', '2', '--rate', 'records=500/s', '--tolerate-rejects', '1%', '--priority', '3'];
    await at('jobs', 'set', 'j-1', ...changes);
    expect(api.given.at(-1)).toEqual({
      concurrency: 2,
      rate: { records: '500/s' },
      rejects: { tolerate: '1%' },
      priority: 3,
    });
    await at('jobs', 'set', 'j-1', '--rate', 'none');
    expect(api.given.at(-1)).toEqual({ rate: null });
  });

  it('set says what it can change, and what is wrong with it: exit 64', async () => {
    expect(await at('jobs', 'set', 'j-1')).toMatchObject({ code: 64, err: expect.stringContaining('Nothing to set') });
    expect(await at('jobs', 'set', 'j-1', '--rate', 'fast')).toMatchObject({ code: 64 });
    const { code, err } = await at('jobs', 'set', 'j-1', '--tolerate-failed', 'some');
    expect([code, err]).toEqual([64, expect.stringContaining('failedChunks: wanted { tolerate: … }')]);
  });

  it('result prints a table of so many rows, or JSON of all', async () => {
    api.jobs.set('j-1', [completed()]);
    expect((await at('jobs', 'result', 'j-1', '--limit', '1')).out).toContain('ATL        1200\n… 1 more row\n');
    expect(JSON.parse((await at('jobs', 'result', 'j-1', '--json')).out)).toEqual({
      rows: completed().result!.rows,
      columns: completed().result!.output.columns,
      truncated: false,
    });
  });

  it('result of a processor that names no columns has those of its rows', async () => {
    const { output } = completed().result!;
    api.jobs.set('j-1', [completed({ rows: [{ n: 1 }, { n: 2, note: 'even' }], output: { ...output, columns: [] } })]);
    const lines = (await at('jobs', 'result', 'j-1')).out.split('\n');
    expect(lines[1]).toMatch(/^ *n +note$/);
    expect(lines[4]).toMatch(/^ *2 +even$/);
  });

  it('result of a job that runs: exit 1 and when to ask again', async () => {
    api.jobs.set('j-1', [running(0.1)]);
    const { code, err } = await at('jobs', 'result', 'j-1');
    expect(err).toContain('[job.not_done]');
    expect(code).toBe(1);
  });

  it('rejects shows place and reason, with control characters made harmless; --json gives the lines', async () => {
    const rejects = [1, 2].map((n) => ({
      source: 'in.csv',
      chunk: 0,
      offset: n * 10,
      line: n + 1,
      record: n,
      code: 'row.type',
      message: `delay ${n}`,
      raw: 'ATL,\u001b[31mx',
    }));
    await mkdir(join(api.folder, 'work', 'j-1'), { recursive: true });
    const lines = rejects.map((reject) => `${JSON.stringify(reject)}\n`).join('');
    await writeFile(join(api.folder, 'work', 'j-1', 'rejects.ndjson'), lines);
    const counts = { in: 9, used: 7, filtered: 0, rejected: 2, out: 7 };
    const found = { uri: 'j-1/rejects.ndjson', records: 2 };
    api.jobs.set('j-1', [completed({ state: 'completed_with_rejects', counts, rejects: found })]);
    const { out } = await at('jobs', 'rejects', 'j-1', '-n', '1');
    expect(out).toContain('in.csv     2  row.type  delay 1  ATL,·[31mx\n… 1 more row\n');
    expect((await at('jobs', 'rejects', 'j-1', '--json')).out).toBe(lines);
  });
});

describe('doctor', () => {
  it('--settings prints every setting, --json as data', async () => {
    const { code, out } = await millrace(['doctor', '--settings']);
    expect(out).toContain('MILLRACE_TASK_QUEUE');
    expect(code).toBe(0);
    const settings = JSON.parse((await millrace(['doctor', '--settings', '--json'])).out) as Array<{ env: string }>;
    expect(settings.map((setting) => setting.env)).toContain('MILLRACE_HOME');
  });
});
