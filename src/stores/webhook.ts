import { createHash, createHmac } from 'node:crypto';
import type http from 'node:http';
import { MillraceError, messageOf } from '../core/errors.js';
import { shownUrl } from '../core/notice.js';
import { guardedRequest } from './guarded-request.js';
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
      const status = await post(url, headers, body, allow);
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

function post(url: URL, headers: http.OutgoingHttpHeaders, body: string, allow: readonly string[]): Promise<number> {
  return new Promise<number>((resolve, reject) => {
    const sent = guardedRequest(
      url,
      { method: 'POST', headers, timeout: TIMEOUT_MS, signal: AbortSignal.timeout(2 * TIMEOUT_MS) },
      { allow, refusal: forbidden },
    );
    sent.on('response', (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
    sent.on('error', reject);
    sent.end(body);
  }).catch((error: unknown) => {
    if (error instanceof MillraceError) throw error;
    const message = `${shownUrl(url.href)} was not reached: ${messageOf(error)}`;
    throw new MillraceError('notify.failed', message, { retryable: true, cause: error });
  });
}

function forbidden(url: URL): MillraceError {
  return new MillraceError(
    'notify.forbidden_address',
    `${shownUrl(url.href)} is at a private address; allow it by MILLRACE_NOTIFY_ALLOW=${url.host}`,
  );
}
