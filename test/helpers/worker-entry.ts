/** Entry point of a worker process of a test: works from its first message until its parent lets go of it. */
import { startWorker } from '../../src/worker.js';
import type { WorkerOrder } from './worker-process.js';

process.once('message', ({ config, workflowBundle }: WorkerOrder) => {
  startWorker(config, { workflowBundle, watches: false }).then(
    (worker) => {
      process.once('disconnect', () => void worker.stop().finally(() => process.exit(0)));
      process.send?.('ready');
    },
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
