import http from 'node:http';
import https from 'node:https';
import { MillraceError, messageOf } from '../core/errors.js';
import { guardedRequest } from './guarded-request.js';

/** Nothing came for so long. */
const QUIET_MS = 30_000;
const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

const agents = {
  'http:': new http.Agent({ keepAlive: true }),
  'https:': new https.Agent({ keepAlive: true }),
};

/**
 * One GET, redirects followed hop by hop: each has to be http or https and at an address that may be asked.
 * @param allow hosts that may be private
 * @returns the answer, whatever its status; its body is the caller's to read or to destroy
 * @throws MillraceError `source.scheme`, `source.address_blocked`, `source.redirects`, `source.unreachable` (retryable)
 */
export async function getFollowing(
  text: string,
  headers: http.OutgoingHttpHeaders,
  allow: readonly string[],
  signal?: AbortSignal,
): Promise<http.IncomingMessage> {
  let url = new URL(text);
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const answer = await get(url, headers, allow, signal);
    const { location } = answer.headers;
    if (!REDIRECTS.has(answer.statusCode ?? 0) || location === undefined) return answer;
    answer.destroy();
    if (!URL.canParse(location, url.href))
      throw refused('source.scheme', url, `leads to ${JSON.stringify(location)}, which is no URL`);
    url = new URL(location, url);
  }
  throw refused('source.redirects', url, `is reached by more than ${MAX_REDIRECTS} redirects`);
}

function get(
  url: URL,
  headers: http.OutgoingHttpHeaders,
  allow: readonly string[],
  signal?: AbortSignal,
): Promise<http.IncomingMessage> {
  return new Promise<http.IncomingMessage>((resolve, reject) => {
    const { protocol } = url;
    if (protocol !== 'http:' && protocol !== 'https:') {
      throw refused('source.scheme', url, `leads to "${protocol}", wanted http: or https:`);
    }
    const sent = guardedRequest(
      url,
      {
        headers: { 'user-agent': 'millrace', 'accept-encoding': 'identity', ...headers },
        agent: agents[protocol],
        timeout: QUIET_MS,
        signal,
      },
      { allow, refusal: blocked },
    );
    sent.on('response', resolve);
    sent.on('timeout', () => sent.destroy(new Error(`nothing came for ${QUIET_MS / 1000} s`)));
    sent.on('error', reject);
    sent.end();
  }).catch((error: unknown) => {
    if (error instanceof MillraceError) throw error;
    throw unreachable(url.href, messageOf(error), error);
  });
}

function blocked(url: URL): MillraceError {
  return refused('source.address_blocked', url, `is at a private address; allow it by MILLRACE_HTTP_ALLOW=${url.host}`);
}

/** A URL without its query, which often is what opens it. */
export function webLabel(text: string): string {
  const { origin, pathname } = new URL(text);
  return origin + pathname;
}

export function unreachable(url: string, why: string, cause?: unknown): MillraceError {
  return new MillraceError('source.unreachable', `source "${webLabel(url)}" was not reached: ${why}`, {
    retryable: true,
    cause,
  });
}

function refused(code: string, url: URL, why: string): MillraceError {
  return new MillraceError(code, `source "${url.origin}${url.pathname}" ${why}`);
}
