import { WorkflowFailedError } from '@temporalio/client';
import { ActivityFailure, ApplicationFailure, RetryState, TerminatedFailure } from '@temporalio/common';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { MillraceError } from '../../src/core/errors.js';
import { emptyProgress } from '../../src/core/progress.js';
import type { WorkArea } from '../../src/stores/port.js';
import { failureOf } from '../../src/temporal/failures.js';
import { keyedJobId, newJobId } from '../../src/temporal/job-id.js';
import { jobView } from '../../src/temporal/job-view.js';
import type { Execution } from '../../src/temporal/job-view.js';
import { createJobs } from '../../src/temporal/jobs.js';
import { cursorOf, listQuery, tokenOf } from '../../src/temporal/list-query.js';
import { testServer, uniqueTaskQueue } from '../helpers/temporal-server.js';

describe('job ids', () => {
  it('sort by the time they were made', () => {
    const ids = [1, 2, 1_000, 2 ** 40].map((ms) => newJobId(ms));
    expect([...ids].sort()).toEqual(ids);
    expect(ids[0]).toMatch(/^j-[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(new Set(Array.from({ length: 1000 }, () => newJobId(5))).size).toBe(1000);
  });

  it('follow from tenant and key, without mixing the two', () => {
    expect(keyedJobId('t', 'k')).toBe(keyedJobId('t', 'k'));
    expect(keyedJobId('a', 'bc')).not.toBe(keyedJobId('ab', 'c'));
  });
});

describe('listQuery', () => {
  it('joins what is asked', () => {
    expect(listQuery({ tenant: 'acme', state: 'failed', name: "it's", since: new Date(0) })).toBe(
      "WorkflowType = 'processDataset' AND MillraceTenant = 'acme' AND ExecutionStatus IN ('Failed', 'Terminated', 'TimedOut') " +
        "AND MillraceName = 'it''s' AND StartTime >= '1970-01-01T00:00:00.000Z'",
    );
  });

  it('keeps any name inside of its quotes', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("'", '\\', '"', 'a', ' ') }), (name) => {
        const before = "WorkflowType = 'processDataset' AND MillraceTenant = 'acme' AND MillraceName = ";
        const literal = listQuery({ tenant: 'acme', name }).slice(before.length);
        expect(literal).toMatch(/^'(\\\\|''|[^'\\])*'$/);
      }),
    );
  });
});

describe('cursors', () => {
  it('give the token back for the same query, and nothing else', () => {
    const cursor = cursorOf(Buffer.from('token'), 'q');
    expect(tokenOf(cursor, 'q').toString()).toBe('token');
    for (const [text, query] of [
      [cursor, 'other'],
      ['', 'q'],
      ['x'.repeat(20), 'q'],
      [cursor.slice(0, -2), 'q'],
    ] as const) {
      expect(() => tokenOf(text, query)).toThrow(expect.objectContaining({ code: 'list.bad_cursor' }));
    }
  });
});

describe('failureOf', () => {
  const failed = (cause: Error) =>
    new WorkflowFailedError('Workflow execution failed', cause, RetryState.NON_RETRYABLE_FAILURE);

  it('is the innermost code', () => {
    const inner = ApplicationFailure.nonRetryable('no column x', 'sql.failed', {
      issues: [{ path: '/a', message: 'm' }],
    });
    const outer = new ActivityFailure(
      'Activity task failed',
      'inspect',
      '1',
      RetryState.NON_RETRYABLE_FAILURE,
      'w',
      inner,
    );
    expect(failureOf(failed(outer))).toEqual({
      code: 'sql.failed',
      message: 'no column x',
      issues: [{ path: '/a', message: 'm' }],
    });
  });

  it('is job.failed where a type is no code of ours, job.terminated where it came from outside', () => {
    expect(failureOf(failed(ApplicationFailure.nonRetryable('boom', 'TypeError'))).code).toBe('job.failed');
    expect(failureOf(failed(new TerminatedFailure('Workflow execution terminated'))).code).toBe('job.terminated');
  });
});

describe('jobView', () => {
  const execution = (name: Execution['status']['name'], changes: Partial<Execution> = {}): Execution => ({
    workflowId: 'j/1',
    status: { name },
    startTime: new Date(0),
    attributes: [],
    ...changes,
  });
  const view = (...[run, found = {}]: [Execution, Parameters<typeof jobView>[1]?]) =>
    jobView(run, found, () => null, new Date(10_000));

  it('estimates the rate and the rest by bytes', () => {
    const progress = {
      ...emptyProgress(),
      state: 'running' as const,
      bytes: { total: 400, done: 100 },
      records: { in: 50, used: 50, filtered: 0, rejected: 0, out: 1 },
    };
    expect(view(execution('RUNNING'), { progress }).progress).toMatchObject({ rate: 5, eta: 30 });
    expect(view(execution('RUNNING'), { progress: emptyProgress() }).progress).toMatchObject({ rate: 0, eta: null });
  });

  it('is pending before anybody answers, and never in an end state while it runs', () => {
    expect(view(execution('RUNNING')).state).toBe('pending');
    expect(view(execution('RUNNING'), { progress: { ...emptyProgress(), state: 'completed' } }).state).toBe(
      'committing',
    );
  });

  it('takes the end from the server', () => {
    const ends = ['COMPLETED', 'FAILED', 'TERMINATED', 'TIMED_OUT', 'CANCELLED'] as const;
    expect(ends.map((name) => view(execution(name)).state)).toEqual([
      'completed',
      'failed',
      'failed',
      'failed',
      'cancelled',
    ]);
  });

  it('escapes the id in links', () => {
    expect(view(execution('RUNNING')).links.self).toBe('/v1/jobs/j%2F1');
  });
});

describe('createJobs where no worker is', () => {
  async function idle() {
    const { client, namespace } = await testServer();
    const taskQueue = uniqueTaskQueue('idle');
    const jobs = createJobs({ client, taskQueue, namespace, work: {} as WorkArea });
    const id = newJobId();
    await client.workflow.start('processDataset', { workflowId: id, taskQueue, args: [{}] });
    return { client, jobs, id };
  }

  it('shows a job as pending and stale after a second', async () => {
    const { jobs, id } = await idle();
    const began = Date.now();
    expect(await jobs.view(id)).toMatchObject({ state: 'pending', stale: true, progress: null });
    expect(Date.now() - began).toBeLessThan(3000);
  });

  it('waits by one long poll, not by asking again and again', async () => {
    const { client, jobs, id } = await idle();
    const poll = vi.spyOn(client.workflowService, 'getWorkflowExecutionHistory');
    await jobs.wait(id, 2500);
    expect(poll.mock.calls.length).toBeLessThan(5);
    poll.mockRestore();
  });

  it('counts no pollers, cancels all the same, and gives up a plan', async () => {
    const { jobs, id } = await idle();
    expect(await jobs.pollers()).toBe(0);
    await jobs.cancel(id);
    const error = await jobs.plan({}).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(MillraceError);
    expect((error as MillraceError).code).toBe('job.no_worker');
  });
});
