import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { connectClient } from '../src/temporal/connect.js';
import { sameStart } from './same-start.js';
import { ONE_ITEM_JOB } from './small-job.js';

/**
 * What any HTTP service takes that starts a workflow: reads the body, starts what a job is started with, answers 202. It looks
 * at nothing of it. Arguments: port, address of the Temporal server, task queue.
 */
const [port, temporal, taskQueue] = process.argv.slice(2) as [string, string, string];
const { client } = await connectClient({ address: temporal });
const start = sameStart(client, ONE_ITEM_JOB, { taskQueue });

createServer((request, response) => {
  if (request.method === 'GET') {
    response.end('{}');
    return;
  }
  void json(request).then(async (spec) => {
    const id = randomUUID();
    await start(id);
    const answer = JSON.stringify({ id, spec });
    response.writeHead(202, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(answer) });
    response.end(answer);
  });
}).listen(Number(port), '127.0.0.1');
