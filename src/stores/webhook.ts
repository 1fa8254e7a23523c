import { createHash, createHmac } from 'node:crypto';
import { lookup as dnsLookup } from 'node:dns';
import type { LookupOptions } from 'node:dns';
import http from 'node:http';
import https from 'node:https';
import { BlockList, isIP, isIPv6 } from 'node:net';
import { MillraceError, messageOf } from '../core/errors.js';
import { shownUrl } from '../core/notice.js';
import type { Notifier } from './port.js';

const TIMEOUT_MS = 10_000;
/** Refused for the moment; all else below 500 is refused for good. */
const LATER = new Set([408, 425, 429]);

/**
 * Tells webhooks, signed as Standard Webhooks have it. Follows no redirect, and speaks to no private address: the one that is
 * connected to is looked at, whatever name or spelling led there.
 * @param options.secret absent: unsigned
 * @param options.allow hosts that may be private, as `host` or `host:port`
 */
export function createNotifier(options: { secret?: string; allow?: readonly string[] }): Notifier {
  const { secret, allow = [] } = options;
  return {
    async send(text, notice) {
      const url = new URL(text);
      const body = JSON.stringify(notice);
      const id = headerSafe(notice.id);
      const timestamp = String(Math.floor(Date.now() / 1000));
      const headers = {
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(body)),
        'user-agent': 'millrace',
        'webhook-id': id,
        'webhook-timestamp': timestamp,
        ...(secret !== undefined && { 'webhook-signature': signatureOf(secret, id, timestamp, body) }),
      };
      const mayBePrivate = allow.includes(url.host) || allow.includes(url.hostname);
      const status = await post(url, headers, body, mayBePrivate);
      if (status >= 200 && status < 300) return;
      const later = status >= 500 || LATER.has(status);
      const hint = later ? '' : '; a receiver answers 2xx';
      throw new MillraceError(
        later ? 'notify.failed' : 'notify.refused',
        `${shownUrl(text)} answered ${status}${hint}`,
        { retryable: later },
      );
    },
  };
}

/** A header has no letters but those of ASCII, and receivers sign what they read. */
function headerSafe(id: string): string {
  return /^[\x21-\x7e]+$/.test(id) ? id : createHash('sha256').update(id).digest('hex');
}

/** `v1,<base64>` of HMAC-SHA256 over id, time and body. A secret that begins with `whsec_` is base64 behind that. */
function signatureOf(secret: string, id: string, timestamp: string, body: string): string {
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : Buffer.from(secret);
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}

function post(url: URL, headers: http.OutgoingHttpHeaders, body: string, mayBePrivate: boolean): Promise<number> {
  const { request } = url.protocol === 'https:' ? https : http;
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) =>
      reject(
        error instanceof MillraceError
          ? error
          : new MillraceError('notify.failed', `${shownUrl(url.href)} was not reached: ${messageOf(error)}`, {
              retryable: true,
              cause: error,
            }),
      );
    // A literal address is not looked up.
    const literal = url.hostname.replace(/^\[|\]$/g, '');
    if (!mayBePrivate && isIP(literal) !== 0 && isPrivate(literal)) return fail(forbidden(url));
    const sent = request(
      url,
      {
        method: 'POST',
        headers,
        timeout: TIMEOUT_MS,
        signal: AbortSignal.timeout(2 * TIMEOUT_MS),
        lookup: guarded(url, mayBePrivate),
      },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
    sent.on('error', fail);
    sent.end(body);
  });
}

type Lookup = NonNullable<http.RequestOptions['lookup']>;

function guarded(url: URL, mayBePrivate: boolean): Lookup {
  return ((hostname: string, options: LookupOptions, done: (error: Error | null, ...found: unknown[]) => void) => {
    dnsLookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return done(error);
      if (!mayBePrivate && addresses.some(({ address }) => isPrivate(address))) return done(forbidden(url));
      if (options.all) return done(null, addresses);
      const [first] = addresses;
      return done(null, first!.address, first!.family);
    });
  }) as Lookup;
}

function forbidden(url: URL): MillraceError {
  return new MillraceError(
    'notify.forbidden_address',
    `${shownUrl(url.href)} is at a private address; allow it by MILLRACE_NOTIFY_ALLOW=${url.host}`,
  );
}

const PRIVATE = new BlockList();
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const)
  PRIVATE.addSubnet(net, bits, 'ipv4');
for (const [net, bits] of [
  ['::', 127],
  ['64:ff9b::', 96],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const)
  PRIVATE.addSubnet(net, bits, 'ipv6');

/** Loopback, private, link-local, multicast and the like; an IPv4 address within IPv6 counts as itself. */
function isPrivate(address: string): boolean {
  const mapped = /^::(?:ffff:)?(?:0:)?(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped) return PRIVATE.check(mapped[1]!, 'ipv4');
  // The other spelling of a mapped address is checked as IPv4 by the list itself.
  return PRIVATE.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
