import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError, messageOf } from '../core/errors.js';
import { shownUri } from '../core/shown-uri.js';
import { again } from './again.js';
import type { Page } from './port.js';
import { getFollowing, refuseSecret, statusFault, unreachable } from './web-request.js';
import type { WebReach } from './web-request.js';

/** A page is held in memory as a whole. */
const MAX_PAGE_BYTES = 64 * 1024 * 1024;
/** How often a server may ask for patience before one page. */
const MAX_WAITS = 20;
const MAX_WAIT_MS = 10 * 60_000;

/**
 * One page of an API. Where the server says when to come again (`Retry-After`), that is waited for.
 * @throws MillraceError `source.page_too_large`, `source.unreachable` (retryable), `source.denied` and the like
 */
export async function fetchPage(url: string, reach: WebReach, signal?: AbortSignal): Promise<Page> {
  refuseSecret(url);
  for (let waits = 0; ; waits++) {
    const answer = await again(() => ask(url, reach, signal), signal);
    if ('body' in answer) return answer;
    if (waits === MAX_WAITS) throw unreachable(url, `the server asked for patience ${MAX_WAITS} times`);
    await sleep(answer.waitMs, undefined, { signal });
  }
}

async function ask(url: string, reach: WebReach, signal?: AbortSignal): Promise<Page | { waitMs: number }> {
  const answer = await getFollowing(url, { accept: 'application/json' }, reach, signal);
  const { statusCode = 0, headers } = answer;
  try {
    if (statusCode !== 200) {
      const waitMs = statusCode === 429 || statusCode === 503 ? patience(headers['retry-after']) : null;
      if (waitMs !== null) return { waitMs };
      throw statusFault(url, answer, reach);
    }
    const { link } = headers;
    return { url, body: await bodyOf(url, answer), link: (Array.isArray(link) ? link.join(', ') : link) ?? null };
  } finally {
    answer.destroy();
  }
}

/** Milliseconds; null where the server names no time, or one that is too far away. */
function patience(retryAfter: string | undefined): number | null {
  if (retryAfter === undefined) return null;
  const seconds = Number(retryAfter);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(retryAfter) - Date.now();
  return Number.isNaN(ms) || ms > MAX_WAIT_MS ? null : Math.max(0, ms);
}

async function bodyOf(url: string, answer: IncomingMessage): Promise<Buffer> {
  const blocks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const block of answer as AsyncIterable<Buffer>) {
      blocks.push(block);
      bytes += block.length;
      if (bytes > MAX_PAGE_BYTES) throw tooLarge(url);
    }
  } catch (error) {
    throw error instanceof MillraceError ? error : unreachable(url, messageOf(error), error);
  }
  if (!answer.complete) throw unreachable(url, `the answer ended after ${bytes} bytes`);
  return Buffer.concat(blocks);
}

function tooLarge(url: string): MillraceError {
  return new MillraceError(
    'source.page_too_large',
    `source "${shownUri(url)}" has a page of more than ${MAX_PAGE_BYTES / 1024 ** 2} MiB; ask for fewer records a page`,
  );
}
