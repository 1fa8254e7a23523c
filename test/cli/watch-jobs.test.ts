import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MillraceError } from '../../src/core/errors.js';
import { displayWidth } from '../../src/cli/format.js';
import { patience } from '../../src/cli/follow-to-end.js';
import { jobsTableLines } from '../../src/cli/jobs-table.js';
import { runCli } from '../../src/cli/run-cli.js';
import { styleFor } from '../../src/cli/style.js';
import { boardLines, type Watched } from '../../src/cli/watch-jobs.js';
import { completed, jobView, running, testApi, type TestApi } from './support/test-api.js';
import { millrace, testIo, testOut } from './support/test-io.js';

const style = styleFor(testOut(), {});

let api: TestApi;
beforeEach(async () => {
  api = await testApi();
});
afterEach(() => api.stop());

const at = (args: string[], terminal?: { columns: number }) =>
  millrace(['--api', api.url, 'jobs', 'watch', ...args], { terminal });

function add(id: string, ...views: ReturnType<typeof jobView>[]): void {
  api.jobs.set(
    id,
    views.map((view) => ({ ...view, id, name: `name-${id}` })),
  );
}

describe('several jobs', () => {
  it('are followed to their ends; the exit code is the worst', async () => {
    add('j-1', running(0.5), completed());
    add('j-2', running(0.1), running(0.7), completed({ state: 'completed_with_rejects' }));
    const { code, out, err } = await at(['j-1', 'j-2', 'j-1']);
    expect(code).toBe(2);
    expect(err).toContain('name-j-1 j-1: running 50%');
    expect(err).toContain('name-j-2 j-2: completed_with_rejects');
    expect(out).toMatch(/^j-1 +completed +name-j-1 /m);
    expect(out).toMatch(/^j-2 +completed_with_rejects +name-j-2 /m);
    expect(out.match(/j-1/g)).toHaveLength(2);
  });

  it.each([
    [['completed', 'cancelled'], 3],
    [['cancelled', 'failed', 'completed_with_rejects'], 1],
    [['completed', 'completed'], 0],
  ] as const)('that ended %j exit %i', async (states, code) => {
    states.forEach((state, n) => add(`j-${n}`, jobView({ state, finishedAt: '2026-01-02T03:04:06Z' })));
    expect((await at(states.map((_, n) => `j-${n}`))).code).toBe(code);
  });

  it('one that is not there is named with what to do, and the others go on: exit 1', async () => {
    add('j-1', running(0.5), completed());
    const { code, out, err } = await at(['j-1', 'j-9']);
    expect(code).toBe(1);
    expect(err).toContain('job j-9: job.not_found');
    expect(out).toMatch(/^j-1 +completed/m);
    expect(out).toContain('j-9  job.not_found: there is no job "j-9"');
    const whole = JSON.parse((await at(['j-1', 'j-9', '--json'])).out) as Record<string, unknown[]>;
    expect(whole.jobs).toHaveLength(1);
    expect(whole.errors).toEqual([{ id: 'j-9', code: 'job.not_found', message: 'there is no job "j-9"' }]);
  });

  it('--state open finds them; none is no fault', async () => {
    const none = await at(['--state', 'open']);
    expect([none.code, none.out]).toEqual([0, 'No jobs are open\n']);
    add('j-1', running(0.2), running(0.5), completed());
    const { code, out } = await at(['--state', 'open']);
    expect(code).toBe(0);
    expect(out).toContain('completed');
  });

  it('wants ids or a state: exit 64', async () => {
    expect(await at([])).toMatchObject({ code: 64, err: expect.stringContaining('--state open') });
  });

  it('Ctrl-C ends the watching only: exit 130', async () => {
    add('j-1', running(0.5));
    add('j-2', running(0.5));
    const io = testIo();
    const code = runCli(['--api', api.url, 'jobs', 'watch', 'j-1', 'j-2'], io);
    await new Promise((resolve) => setTimeout(resolve, 300));
    io.interrupt();
    expect(await code).toBe(130);
    expect(io.stderr.text).toContain('The jobs go on');
  });

  it('on a terminal are drawn in their place and taken away at the end', async () => {
    add('j-1', running(0.5), running(0.6), running(0.7), completed());
    add('j-2', running(0.1), running(0.2), running(0.7), completed());
    const { err, out } = await at(['j-1', 'j-2'], { columns: 60 });
    expect(err).toContain('\u001b[1A\r\u001b[J');
    expect(err.endsWith('\r\u001b[J')).toBe(true);
    expect(out).toContain('completed');
  });
});

describe('the lines of a terminal', () => {
  const watched = (n: number, job: Watched['job'], over = false): Watched => ({
    id: `j-0000-00000${n}`,
    job: job && { ...job, id: `j-0000-00000${n}` },
    over,
  });
  const three = [watched(1, running(0.5)), watched(2, completed(), true), watched(3, undefined)];

  it('are never wider than it, at any width', () => {
    for (let width = 20; width < 140; width += 1) {
      for (const line of boardLines(three, width, 10, style)) expect(displayWidth(line)).toBeLessThanOrEqual(width);
    }
  });

  it('tell jobs of one name apart by the ends of their ids', () => {
    const lines = boardLines([watched(1, running(0.5)), watched(2, running(0.1))], 39, 10, style);
    expect(lines).toEqual([expect.stringMatching(/^000001 delays +█+/), expect.stringMatching(/^000002 delays +/)]);
  });

  it('show the open ones where not all have room, and count the others', () => {
    const many = Array.from({ length: 30 }, (_, n) => watched(n, n < 20 ? completed() : running(0.5), n < 20));
    const lines = boardLines(many, 100, 6, style);
    expect(lines).toHaveLength(6);
    expect(lines.slice(0, 5).every((line) => line.includes('50%'))).toBe(true);
    expect(lines[5]).toBe('… 25 more, 10 open in all');
  });
});

describe('a list of jobs', () => {
  const id = 'j-01a21bf1-2090-7351-a040-97b401e9973b';
  const jobs = [{ ...completed({ state: 'completed_with_rejects' }), id }];
  it('shows ids whole at any width: in a line of their own where there is no room beside them', () => {
    expect(jobsTableLines(jobs, 40, style, 0)).toEqual(['completed_with_rejects  delays  2.0 s', `  ${id}`]);
    for (const width of [40, 60, 76, 80, 100, 200]) {
      expect(jobsTableLines(jobs, width, style, 0).join('\n')).toContain(id);
      expect(jobsTableLines(jobs, width, style, 0).join('\n')).toContain('completed_with_rejects');
    }
  });
});

describe('an API that does not answer', () => {
  const away = new MillraceError('api.unreachable', 'No Millrace API at "x"', { retryable: true });

  it('ends the watch at once where it never answered, and after a minute where it did', () => {
    let now = 0;
    const said: string[] = [];
    const borne = patience(
      (text) => said.push(text),
      () => now,
    );
    expect(() => borne.bear(away)).toThrow(away);
    borne.answered();
    borne.bear(away);
    now = 59_000;
    borne.bear(away);
    expect(said).toEqual(['No Millrace API at "x". Asking again for 60 s']);
    now = 60_000;
    expect(() => borne.bear(away)).toThrow(away);
    borne.answered();
    borne.bear(away);
    expect(said).toHaveLength(2);
  });
});
