import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { msToTs } from '@temporalio/common/lib/time.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { SEARCH_ATTRIBUTE_NAMES } from '../../src/core/search-attributes.js';
import { SEARCH_ATTRIBUTES, ensureSearchAttributes } from '../../src/temporal/search-attributes.js';
import { testCli, testServer } from '../helpers/temporal-server.js';
import type { TestServer } from '../helpers/temporal-server.js';

const INT = 3;
const KEYWORD = 2;

let server: TestServer;
beforeAll(async () => {
  server = await testServer();
});

describe('SEARCH_ATTRIBUTES', () => {
  it('are keywords under their own names', () => {
    for (const name of SEARCH_ATTRIBUTE_NAMES) expect(SEARCH_ATTRIBUTES[name]).toMatchObject({ name, type: 'KEYWORD' });
  });
});

describe('ensureSearchAttributes', () => {
  it('registers what is missing, so that it can be used at once, and may be repeated', async () => {
    const namespace = await newNamespace();
    await ensureSearchAttributes(server.connection, namespace);
    expect(await registered(namespace)).toEqual(
      Object.fromEntries(SEARCH_ATTRIBUTE_NAMES.map((name) => [name, KEYWORD])),
    );
    const query = `MillraceState = 'running' AND MillraceSchedule = 'x'`;
    const found = await server.connection.workflowService.countWorkflowExecutions({ namespace, query });
    expect(Number(found.count)).toBe(0);

    const before = await registered(namespace);
    await ensureSearchAttributes(server.connection, namespace);
    expect(await registered(namespace)).toEqual(before);
  });

  it('adds to those that are there', async () => {
    const namespace = await newNamespace();
    await server.connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: { Mine: INT, MillraceName: KEYWORD },
    });
    await ensureSearchAttributes(server.connection, namespace);
    expect(await registered(namespace)).toMatchObject({ Mine: INT, MillraceName: KEYWORD, MillraceTenant: KEYWORD });
  });

  it('may run in several workers at once', async () => {
    const namespace = await newNamespace();
    await Promise.all([1, 2, 3].map(() => ensureSearchAttributes(server.connection, namespace)));
    expect(Object.keys(await registered(namespace)).sort()).toEqual([...SEARCH_ATTRIBUTE_NAMES].sort());
  });

  it('where it is refused, gives the command that registers them', async () => {
    const failure = await ensureSearchAttributes(server.connection, 'no-such-namespace').catch(
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code: 'temporal.search_attributes' });
    const { message } = failure as Error;
    expect(message).toMatch(
      /^the search attributes of millrace cannot be registered in namespace "no-such-namespace": .*not found/i,
    );

    const cli = testCli();
    if (cli === undefined) return;
    const namespace = await newNamespace();
    const [program, ...args] = message.split('; run: ')[1]!.replace('no-such-namespace', namespace).split(' ');
    expect(program).toBe('temporal');
    execFileSync(cli, args);
    expect(Object.keys(await registered(namespace)).sort()).toEqual([...SEARCH_ATTRIBUTE_NAMES].sort());
  });
});

async function newNamespace(): Promise<string> {
  const namespace = `attributes-${randomUUID()}`;
  const { workflowService } = server.connection;
  await workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod: msToTs('1 day') });
  // The front end reads its list of namespaces once in a while.
  await expect
    .poll(
      () =>
        workflowService.countWorkflowExecutions({ namespace, query: '' }).then(
          () => true,
          () => false,
        ),
      { timeout: 25_000 },
    )
    .toBe(true);
  return namespace;
}

async function registered(namespace: string): Promise<Record<string, number>> {
  const { customAttributes } = await server.connection.operatorService.listSearchAttributes({ namespace });
  return customAttributes;
}
