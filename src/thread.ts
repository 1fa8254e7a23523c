/** Entry point of a worker thread. Nobody imports it; the pool names it. */
import { workerData as piscinaData } from 'node:worker_threads';
import { scratchOf, taskAnswerer } from './answer-task.js';
import type { Config } from './core/config.js';
import { TaskControl } from './processors/control.js';
import type { ThreadAnswer, ThreadCall } from './processors/tasks.js';

// Piscina hands the worker's data over as the second of a pair.
const config = (Array.isArray(piscinaData) ? piscinaData[1] : piscinaData) as Config;
const answerTask = taskAnswerer(config, scratchOf(config));

export default function answer(call: ThreadCall): Promise<ThreadAnswer> {
  return answerTask(call, new TaskControl(call.control));
}
