/** Entry point of a task process: answers one task as a thread would, and may die of it. Forked by `fork-task.ts`. */
import { writeFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { scratchOf, taskAnswerer } from './answer-task.js';
import { TaskControl } from './processors/control.js';
import type { FromTask, ToTask } from './processors/fork-task.js';
import { RecordTrace } from './processors/record-trace.js';

const PROGRESS_MS = 500;

process.title = 'millrace task';
try {
  // Where memory runs out the kernel shall end this process, and not the worker.
  writeFileSync('/proc/self/oom_score_adj', '1000');
} catch {
  // Not on this system.
}

/** Ends this process when its worker is gone, even by SIGKILL: in a thread, for the task may be in a tight loop. */
const GUARD = `
const { ppid } = process;
setInterval(() => process.ppid === ppid || process.kill(process.pid, 'SIGKILL'), 1000);
`;
new Worker(GUARD, { eval: true, execArgv: [] }).unref();

const control = new TaskControl();
const tell = (message: FromTask) => process.send?.(message);

process.on('message', (message: ToTask) => {
  if (message.type === 'stop') return control.cancel();
  const { config, task, input } = message;
  const scratch = scratchOf(config);
  setInterval(() => tell({ type: 'progress', bytes: control.bytes, records: control.records }), PROGRESS_MS).unref();
  // The worker ends this process once it has the answer, whatever a processor has left running.
  void taskAnswerer(
    config,
    scratch,
    new RecordTrace(scratch),
  )({ task, input }, control).then((answer) => tell({ type: 'answer', answer }));
});
