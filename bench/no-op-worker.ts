/** The bare worker that small jobs are held against: no-op-worker.ts ADDRESS QUEUE. Ends with its parent. */
import { fileURLToPath } from 'node:url';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';

const [address, taskQueue] = process.argv.slice(2);
Runtime.install({ logger: new DefaultLogger('WARN'), shutdownSignals: [] });
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address }),
  taskQueue: taskQueue!,
  workflowsPath: fileURLToPath(new URL('no-op-workflow.ts', import.meta.url)),
  activities: { nothing: async () => undefined },
});
process.on('disconnect', () => process.exit(0));
process.send!('ready');
await worker.run();
