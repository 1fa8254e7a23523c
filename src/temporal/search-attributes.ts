import { setTimeout as sleep } from 'node:timers/promises';
import { isGrpcServiceError } from '@temporalio/client';
import type { Connection } from '@temporalio/client';
import { SearchAttributeType, defineSearchAttributeKey } from '@temporalio/common';
import { MillraceError, messageOf } from '../core/errors.js';
import { SEARCH_ATTRIBUTE_NAMES } from '../core/search-attributes.js';
import type { SearchAttributeName } from '../core/search-attributes.js';
import { serverError } from './failures.js';

/** IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD */
const KEYWORD = 2;
const ALREADY_EXISTS = 6;
const CALL_MS = 5000;
/** A cluster hears of a new attribute with its next read of the namespace: every 10 s by default. */
const USABLE_MS = 30_000;
const POLL_MS = 100;

type KeywordKey = ReturnType<typeof defineSearchAttributeKey<typeof SearchAttributeType.KEYWORD>>;

/** Typed keys by name. */
export const SEARCH_ATTRIBUTES = Object.fromEntries(
  SEARCH_ATTRIBUTE_NAMES.map((name) => [name, defineSearchAttributeKey(name, SearchAttributeType.KEYWORD)]),
) as Record<SearchAttributeName, KeywordKey>;

/**
 * Registers the search attributes that the namespace lacks and waits until they can be used. Harmless to repeat, also
 * from several workers at once.
 * @throws MillraceError `temporal.search_attributes` with the command that registers them, where this is refused
 */
export async function ensureSearchAttributes(connection: Connection, namespace: string): Promise<void> {
  try {
    await connection.withDeadline(Date.now() + CALL_MS, () => addMissing(connection, namespace));
  } catch (error) {
    // A server may refuse its operator service (Temporal Cloud does) and still have them, registered by other means.
    if ((await fault(connection, namespace)) === undefined) return;
    throw refused(connection, namespace, error);
  }
  const end = Date.now() + USABLE_MS;
  for (
    let error = await fault(connection, namespace);
    error !== undefined;
    error = await fault(connection, namespace)
  ) {
    if (Date.now() > end) throw refused(connection, namespace, error);
    await sleep(POLL_MS);
  }
}

async function addMissing(connection: Connection, namespace: string): Promise<void> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const wrong = SEARCH_ATTRIBUTE_NAMES.filter((name) => (customAttributes[name] ?? KEYWORD) !== KEYWORD);
  if (wrong.length > 0) throw new Error(`"${wrong.join('", "')}" exists with another type, wanted Keyword`);
  const missing = SEARCH_ATTRIBUTE_NAMES.filter((name) => customAttributes[name] === undefined);
  if (missing.length === 0) return;
  try {
    const searchAttributes = Object.fromEntries(missing.map((name) => [name, KEYWORD]));
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
  } catch (error) {
    const addedByAnother = isGrpcServiceError(error) && (error.code as number) === ALREADY_EXISTS;
    if (!addedByAnother) throw error;
  }
}

/** What a query over all of them fails of. */
async function fault(connection: Connection, namespace: string): Promise<unknown> {
  const query = SEARCH_ATTRIBUTE_NAMES.map((name) => `${name} = '-'`).join(' OR ');
  try {
    await connection.withDeadline(Date.now() + CALL_MS, () =>
      connection.workflowService.countWorkflowExecutions({ namespace, query }),
    );
    return undefined;
  } catch (error) {
    return error;
  }
}

function refused(connection: Connection, namespace: string, error: unknown): unknown {
  const known = serverError(error);
  const unrelated = known instanceof MillraceError && known.code === 'temporal.unreachable';
  if (unrelated) return known;
  // One type a name: the CLI registers only the first where there is one for all.
  const names = SEARCH_ATTRIBUTE_NAMES.map((name) => `--name ${name} --type Keyword`).join(' ');
  const command = `temporal operator search-attribute create --address ${connection.options.address} --namespace ${namespace} ${names}`;
  return new MillraceError(
    'temporal.search_attributes',
    `the search attributes of millrace cannot be registered in namespace "${namespace}": ${messageOf(error)}; run: ${command}`,
    { cause: error },
  );
}
