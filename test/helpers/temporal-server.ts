import { randomUUID } from 'node:crypto';
import type { Client, Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { inject } from 'vitest';
import { createLog } from '../../src/log.js';
import { connectClient, connectionSettings } from '../../src/temporal/connect.js';
import { installRuntime } from '../../src/worker-runtime.js';

export interface TestServer {
  address: string;
  namespace: string;
  client: Client;
  connection: Connection;
}

let server: Promise<TestServer> | undefined;
let native: Promise<NativeConnection> | undefined;

/** The Temporal server of this run. Its connections are shared by the test files of a process, and end with it. */
export function testServer(): Promise<TestServer> {
  server ??= connect();
  return server;
}

/** What a worker connects by. Apart, because it settles the SDK's runtime, which a whole worker process sets up itself. */
export function testNativeConnection(): Promise<NativeConnection> {
  native ??= testServer().then(({ address, namespace }) =>
    NativeConnection.connect(connectionSettings({ address, namespace }).connectionOptions),
  );
  return native;
}

/** Failures are part of tests; each would print its stack. For those that start workers of the SDK by themselves. */
export function quietRuntime(): void {
  installRuntime(createLog({ level: 'error', format: 'text' }), undefined);
}

/** The `temporal` binary of this run; undefined where the server was named by TEMPORAL_ADDRESS. */
export function testCli(): string | undefined {
  return inject('temporal')?.cli ?? undefined;
}

/** File of the bundled workflows, for `workflowBundle: { codePath }` of a worker. */
export function testWorkflowBundle(): string {
  const bundle = inject('workflowBundle');
  if ('fault' in bundle) throw new Error(`the workflows are not bundled: ${bundle.fault}`);
  return bundle.path;
}

/** A task queue that no other test polls. */
export function uniqueTaskQueue(name = 'test'): string {
  return `${name}-${randomUUID()}`;
}

async function connect(): Promise<TestServer> {
  const temporal = inject('temporal');
  if (!temporal) throw new Error('this run has no Temporal server: import test/helpers/temporal-server.ts statically');
  const { address, namespace } = temporal;
  const { client, connection } = await connectClient({ address, namespace });
  return { address, namespace, client, connection };
}
