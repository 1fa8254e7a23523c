import type http from 'node:http';
import type { HttpHeader } from '../core/config.js';
import { shownUri } from '../core/shown-uri.js';
import { MillraceError, messageOf } from '../core/errors.js';
import { bodyAgents } from './body.js';
import { guardedRequest } from './guarded-request.js';

/** Nothing came for so long. */
const QUIET_MS = 30_000;
const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

const agents = { 'http:': bodyAgents.http, 'https:': bodyAgents.https };

/** Which web servers may be asked, and with what. */
export interface WebReach {
  /** Hosts (`host` or `host:port`) that may be private. */
  allow?: readonly string[];
  /** By the names of their settings. */
  headers?: Readonly<Record<string, HttpHeader>>;
}

/**
 * One GET, redirects followed hop by hop: each has to be http or https and at an address that may be asked.
 * Headers of the settings go to the URLs that they are for, hop by hop too.
 * @returns the answer, whatever its status; its body is the caller's to read or to destroy
 * @throws MillraceError `source.scheme`, `source.address_blocked`, `source.redirects`, `source.unreachable` (retryable)
 */
export async function getFollowing(
  text: string,
  headers: http.OutgoingHttpHeaders,
  reach: WebReach,
  signal?: AbortSignal,
): Promise<http.IncomingMessage> {
  let url = new URL(text);
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const answer = await get(url, headers, reach, signal);
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
  reach: WebReach,
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
        headers: { 'user-agent': 'millrace', 'accept-encoding': 'identity', ...headers, ...headersFor(url, reach) },
        agent: agents[protocol],
        timeout: QUIET_MS,
        signal,
      },
      { allow: reach.allow ?? [], refusal: blocked },
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

function headersFor(url: URL, reach: WebReach): Record<string, string> {
  return Object.fromEntries(settingsFor(url, reach).map(([, { name, value }]) => [name, value]));
}

function settingsFor({ origin, pathname }: URL, { headers = {} }: WebReach): Array<[string, HttpHeader]> {
  return Object.entries(headers).filter(([, { url }]) => {
    const wanted = new URL(url);
    const below = wanted.pathname.endsWith('/') ? wanted.pathname : `${wanted.pathname}/`;
    return origin === wanted.origin && (pathname === wanted.pathname || pathname.startsWith(below));
  });
}

function blocked(url: URL): MillraceError {
  return refused('source.address_blocked', url, `is at a private address; allow it by MILLRACE_HTTP_ALLOW=${url.host}`);
}

/** @throws MillraceError `source.secret_in_uri` */
export function refuseSecret(text: string): void {
  const { username, password } = new URL(text);
  if (!username && !password) return;
  throw new MillraceError(
    'source.secret_in_uri',
    `source "${shownUri(text)}" has a name or a password in its URL, which would be kept with the job; leave it out`,
  );
}

export function unreachable(url: string, why: string, cause?: unknown): MillraceError {
  return new MillraceError('source.unreachable', `source "${shownUri(url)}" was not reached: ${why}`, {
    retryable: true,
    cause,
  });
}

/** What a status says that is not the one that was wanted. */
export function statusFault(
  uri: string,
  { statusCode: status = 0, headers }: http.IncomingMessage,
  reach: WebReach,
): MillraceError {
  const source = `source "${shownUri(uri)}"`;
  if (status === 404 || status === 410)
    return new MillraceError('source.not_found', `${source} not found: the server answered ${status}`);
  if (status === 401 || status === 403) {
    const names = settingsFor(new URL(uri), reach).map(([name]) => `MILLRACE_HTTP_HEADERS_${name.toUpperCase()}`);
    const why =
      names.length > 0
        ? `, although it was asked with ${names.join(', ')}`
        : '; a header that it wants is set as MILLRACE_HTTP_HEADERS_<NAME>, for the API and the workers';
    return new MillraceError(
      'source.denied',
      `${source} is not given to everybody: the server answered ${status}${why}`,
    );
  }
  if (status === 429 || status >= 500) {
    const later = headers['retry-after'];
    return unreachable(
      uri,
      `the server answered ${status}${later === undefined ? '' : `, wanting ${later} s of patience`}`,
    );
  }
  return new MillraceError('source.unreadable', `${source} cannot be read: the server answered ${status}`);
}

function refused(code: string, url: URL, why: string): MillraceError {
  return new MillraceError(code, `source "${url.origin}${url.pathname}" ${why}`);
}
