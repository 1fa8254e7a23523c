import type { connectClient } from '../../temporal/connect.js';
import type { Config } from '../../core/config.js';
import { MillraceError, messageOf } from '../../core/errors.js';
import { fail, guarded, isAtLeast, ok, warn, type Check } from './check.js';
import { MAX_SKEW_MS, SET_CLOCKS, skewText } from './clock.js';

const WANTED_RETENTION_DAYS = 30;
const DAY_SECONDS = 86_400;
const START_ONE = 'start one with "npx millrace dev", or set TEMPORAL_ADDRESS';
const SKIPPED = 'not looked at: no Temporal server';
/** The oldest server that this version is tested with. */
const WANTED_SERVER = [1, 29] as const;
/** A worker asks at least once a minute, so the newest question is at most that old by the server's clock. */
const POLL_MS = 60_000;

/** The server and what of this project it has to hold; where none is reachable, one failure and the rest left open. */
export async function checkTemporal(config: Config): Promise<Check[]> {
  const { connectClient: connect } = await import('../../temporal/connect.js');
  let link: Awaited<ReturnType<typeof connect>>;
  try {
    link = await connect(config.temporal);
  } catch (error) {
    const open = ['namespace', 'search attributes', 'workers', 'clock of Temporal'].map((name) =>
      warn(name, SKIPPED, START_ONE),
    );
    return [fail('temporal server', messageOf(error), START_ONE), ...open];
  }
  const { client, connection, namespace, address } = link;
  try {
    const info = await connection.workflowService.getSystemInfo({});
    return [
      checkServerVersion(address, info.serverVersion ?? ''),
      await checkNamespace(connection, namespace),
      await checkSearchAttributes(connection, namespace),
      ...(await checkPollers(client, namespace, config.taskQueue)),
    ];
  } finally {
    await connection.close();
  }
}

type Link = Awaited<ReturnType<typeof connectClient>>;
type Connection = Link['connection'];
type Client = Link['client'];

export function checkServerVersion(address: string, version: string): Check {
  const name = 'temporal server';
  if (!version) return ok(name, `${address}, which does not tell its version`);
  const detail = `${address}, server ${version}`;
  const wanted = WANTED_SERVER.join('.');
  return isAtLeast(version, WANTED_SERVER)
    ? ok(name, detail)
    : warn(name, `${detail}, wanted ${wanted} or later`, `upgrade the server: older ones are not tested`);
}

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

/** Who polls the queues of the workers, and what that tells of the server's clock. */
async function checkPollers(client: Client, namespace: string, taskQueue: string): Promise<Check[]> {
  const mend = `start a worker: millrace worker --queue ${taskQueue}`;
  let newest = Number.NEGATIVE_INFINITY;
  const workers = await guarded('workers', mend, async () => {
    const { queueStandings } = await import('../../temporal/queues.js');
    const standings = await queueStandings(client, namespace, taskQueue);
    newest = Math.max(...standings.map(({ polledAt }) => polledAt));
    // Workers take workflows and activities of one queue alike.
    const queues = standings.filter(({ queue, type }) => queue !== taskQueue || type === 'workflow');
    for (const { queue, pollers } of queues) {
      if (pollers === 0) throw new MillraceError('job.no_worker', `nobody polls queue "${queue}"`);
    }
    return ok('workers', queues.map(({ queue, pollers }) => `${pollers} on queue "${queue}"`).join(', '));
  });
  return [workers, checkServerClock(newest - Date.now())];
}

/** @param aheadMs by how much the server's newest time is before (negative) or after the clock of this machine */
export function checkServerClock(aheadMs: number): Check {
  const name = 'clock of Temporal';
  if (!Number.isFinite(aheadMs)) return ok(name, 'not told: it is seen by when workers asked last, and none did');
  if (aheadMs > MAX_SKEW_MS) return warn(name, `at least ${skewText(aheadMs)} ahead of this machine`, SET_CLOCKS);
  if (aheadMs < -POLL_MS - MAX_SKEW_MS)
    return warn(name, `${skewText(-aheadMs - POLL_MS)} or more behind this machine, or the workers hang`, SET_CLOCKS);
  return ok(name, 'in step with this machine, as far as the times of the workers tell');
}
