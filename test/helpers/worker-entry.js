/** Entry point of a worker process of a test: works from its first message until its parent lets go of it. */
process.once('message', (/** @type {import('./worker-process.js').WorkerOrder} */ { config, workflowBundle, code }) => {
  import(code)
    .then((/** @type {typeof import('../../src/worker.js')} */ { startWorker }) =>
      startWorker(config, { workflowBundle, watches: false }),
    )
    .then(
      (worker) => {
        process.once('disconnect', () => void worker.stop().finally(() => process.exit(0)));
        process.send?.('ready');
      },
      (/** @type {unknown} */ error) => {
        console.error(error);
        process.exit(1);
      },
    );
});
