import type { connectClient } from '../../temporal/connect.js';
import type { Config } from '../../core/config.js';
import { messageOf } from '../../core/errors.js';
import { fail, guarded, ok, warn, type Check } from './check.js';

const WANTED_RETENTION_DAYS = 30;
const DAY_SECONDS = 86_400;
const START_ONE = 'start one with "npx millrace dev", or set TEMPORAL_ADDRESS';
const SKIPPED = 'not looked at: no Temporal server';

/** The server and what of this project it has to hold; where none is reachable, one failure and the rest left open. */
export async function checkTemporal(config: Config): Promise<Check[]> {
  const { connectClient: connect } = await import('../../temporal/connect.js');
  let link: Awaited<ReturnType<typeof connect>>;
  try {
    link = await connect(config.temporal);
  } catch (error) {
    const open = ['namespace', 'search attributes', 'workers'].map((name) => warn(name, SKIPPED, START_ONE));
    return [fail('temporal server', messageOf(error), START_ONE), ...open];
  }
  const { connection, namespace, address } = link;
  try {
    const info = await connection.workflowService.getSystemInfo({});
    const version = info.serverVersion ? `, server ${info.serverVersion}` : '';
    return [
      ok('temporal server', `${address}${version}`),
      await checkNamespace(connection, namespace),
      await checkSearchAttributes(connection, namespace),
      await checkPollers(connection, namespace, config.taskQueue),
    ];
  } finally {
    await connection.close();
  }
}

type Connection = Awaited<ReturnType<typeof connectClient>>['connection'];

function checkNamespace(connection: Connection, namespace: string): Promise<Check> {
  return guarded(
    'namespace',
    `create it: temporal operator namespace create --namespace ${namespace} --retention 30d`,
    async () => {
      const found = await connection.workflowService.describeNamespace({ namespace });
      const seconds = Number(found.config?.workflowExecutionRetentionTtl?.seconds ?? 0);
      const days = Math.round(seconds / DAY_SECONDS);
      const detail = `${namespace}, closed jobs are kept ${days} ${days === 1 ? 'day' : 'days'}`;
      if (days >= WANTED_RETENTION_DAYS) return ok('namespace', detail);
      const mend = `temporal operator namespace update --namespace ${namespace} --retention ${WANTED_RETENTION_DAYS}d`;
      return warn('namespace', `${detail}, wanted ${WANTED_RETENTION_DAYS}`, mend);
    },
  );
}

function checkSearchAttributes(connection: Connection, namespace: string): Promise<Check> {
  return guarded('search attributes', 'start a worker once: it registers them', async () => {
    const { SEARCH_ATTRIBUTE_NAMES } = await import('../../core/search-attributes.js');
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
    const missing = SEARCH_ATTRIBUTE_NAMES.filter((name) => !(name in (customAttributes ?? {})));
    if (missing.length === 0) return ok('search attributes', 'registered');
    const commands = missing.map((name) => `--name ${name} --type Keyword`).join(' ');
    const mend = `start a worker, or: temporal operator search-attribute create --namespace ${namespace} ${commands}`;
    return fail('search attributes', `missing: ${missing.join(', ')}`, mend);
  });
}

/** `TaskQueueType` of the server's API. */
const QUEUE_TYPES = { workflow: 1, activity: 2 } as const;

function checkPollers(connection: Connection, namespace: string, taskQueue: string): Promise<Check> {
  const mend = `start a worker: millrace worker --queue ${taskQueue}`;
  return guarded('workers', mend, async () => {
    const { chunksQueue } = await import('../../contract.js');
    const poll = async (name: string, taskQueueType: number): Promise<number> => {
      const found = await connection.workflowService.describeTaskQueue({
        namespace,
        taskQueue: { name },
        taskQueueType,
      });
      return found.pollers?.length ?? 0;
    };
    const [main, chunks] = await Promise.all([
      poll(taskQueue, QUEUE_TYPES.workflow),
      poll(chunksQueue(taskQueue), QUEUE_TYPES.activity),
    ]);
    if (main > 0 && chunks > 0)
      return ok('workers', `${main} on queue "${taskQueue}", ${chunks} on "${chunksQueue(taskQueue)}"`);
    return fail('workers', `nobody polls queue "${main > 0 ? chunksQueue(taskQueue) : taskQueue}"`, mend);
  });
}
