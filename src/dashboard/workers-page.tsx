import type { ProcessorList } from '../schema/views.js';
import { count } from '../core/figures.js';
import { Live, Moment, Table } from './parts.js';

/** Who works, and what can be done. */
export function WorkersPage({ workers, processors }: ProcessorList) {
  const threads = workers.reduce((sum, worker) => sum + worker.threads, 0);
  return (
    <>
      <h1>Workers</h1>
      <Live id="workers">
        {workers.length === 0 ? (
          <p class="note note-bad">
            No worker has been seen in the last 90 seconds; jobs wait until one starts. Type{' '}
            <code>millrace worker</code>.
          </p>
        ) : (
          <Table
            label="Workers"
            caption={
              <>
                {count(workers.length)} {workers.length === 1 ? 'worker' : 'workers'}, {count(threads)}{' '}
                {threads === 1 ? 'chunk' : 'chunks'} at once
              </>
            }
            columns={['Machine', 'Task queue', 'Threads', 'Last seen']}
          >
            {workers.map(({ id, host, taskQueue, threads, renewedAt }) => (
              <tr>
                <th scope="row">
                  {host}
                  <span class="dim small">{id}</span>
                </th>
                <td>{taskQueue}</td>
                <td class="number">{threads}</td>
                <td>
                  <Moment at={renewedAt} />
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Live>
      <h2>Processors</h2>
      {processors.length === 0 && <p class="dim">None is known while no worker is.</p>}
      {processors.map(({ name, description, kind, params, workers: having }) => (
        <details>
          <summary>
            <strong>{name}</strong> <span class="dim">{kind}</span> {description}
          </summary>
          <p class="dim">
            On {count(having.length)} of {count(workers.length)} workers. Parameters (<code>process.with</code>):
          </p>
          <pre tabindex={0}>{JSON.stringify(params, null, 2)}</pre>
        </details>
      ))}
    </>
  );
}
