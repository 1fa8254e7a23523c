import type { IncomingMessage } from 'node:http';
import { MillraceError, messageOf } from '../core/errors.js';
import { shownUri } from '../core/shown-uri.js';
import { samePin } from '../core/plan.js';
import type { WebPin } from '../core/plan.js';
import { again } from './again.js';
import { readInto } from './body.js';
import type { ByteSource, SourceStore } from './port.js';
import { readAhead } from './read-ahead.js';
import { getFollowing, refuseSecret, statusFault, unreachable } from './web-request.js';
import type { WebReach } from './web-request.js';

/**
 * Files on web servers, read only. Where the server gives ranges and its length, any part of a file is read alone; where it
 * does not, the file can only be read from its beginning.
 */
export function createWebStore(reach: WebReach): SourceStore {
  const look = async (uri: string): Promise<WebPin> => {
    const answer = await again(() => getFollowing(uri, { range: 'bytes=0-0' }, reach));
    answer.destroy();
    return pinOf(uri, answer, reach);
  };

  return {
    async find(uri) {
      refuseSecret(uri);
      return [{ uri, label: shownUri(uri), pin: await look(uri) }];
    },

    async open(uri, pin, until) {
      const found = await look(uri);
      if (pin && !samePin(pin, found)) throw changed(uri);
      const closing = new AbortController();
      const version: Version = { uri, pin: found, reach, signal: closing.signal };
      const bytes = found.streamed ? streamed(version) : ranged(version, until);
      const close = async () => {
        closing.abort();
        await bytes.close();
      };
      return { size: found.size, ...bytes, close };
    },

    localPath: () => Promise.resolve(null),
  };
}

/** @throws MillraceError by the status, where it is no answer */
function pinOf(uri: string, answer: IncomingMessage, reach: WebReach): WebPin {
  const { statusCode = 0, headers } = answer;
  const [, total] = /^bytes \S+\/(\d+)$/.exec(headers['content-range'] ?? '') ?? [];
  const validators = { etag: headers.etag ?? null, modified: headers['last-modified'] ?? null };
  if ((statusCode === 206 || statusCode === 416) && total !== undefined) return { size: Number(total), ...validators };
  if (statusCode !== 200) throw statusFault(uri, answer, reach);
  return { size: Number(headers['content-length'] ?? 0), ...validators, streamed: true };
}

/** A version of a file that is open, until the signal. */
interface Version {
  uri: string;
  pin: WebPin;
  reach: WebReach;
  signal: AbortSignal;
}

/** A file of which any part can be read. */
function ranged(version: Version, until?: number): Pick<ByteSource, 'read' | 'close'> {
  const fetchRange = (start: number, into: Buffer) =>
    again(async () => fill(version.uri, await ask(version, { start, end: start + into.length }), into), version.signal);
  return readAhead(version.pin.size, fetchRange, until);
}

/** A file that can only be read from its beginning. */
function streamed(version: Version): Pick<ByteSource, 'read' | 'stream' | 'close'> {
  const { uri, signal } = version;

  async function* stream(): AsyncGenerator<Buffer> {
    const answer = await again(() => ask(version), signal);
    const wanted = Number(answer.headers['content-length'] ?? Number.NaN);
    let bytes = 0;
    try {
      for await (const block of answer as AsyncIterable<Buffer>) {
        bytes += block.length;
        yield block;
      }
    } catch (error) {
      throw unreachable(uri, messageOf(error), error);
    } finally {
      answer.destroy();
    }
    if (!answer.complete || bytes < wanted) throw unreachable(uri, `the answer ended after ${bytes} bytes`);
  }

  return {
    stream,
    close: () => Promise.resolve(),
    /** The head alone: what lies behind it would be read for nothing. */
    async read(start, end) {
      const blocks: Buffer[] = [];
      let bytes = 0;
      for await (const block of stream()) {
        blocks.push(block);
        bytes += block.length;
        if (bytes >= end) break;
      }
      return Buffer.concat(blocks).subarray(start, end);
    },
  };
}

/** The bytes of this version and of no other, in a range or all of them. @returns the answer with its body unread */
async function ask(
  { uri, pin, reach, signal }: Version,
  range?: { start: number; end: number },
): Promise<IncomingMessage> {
  const headers = { ...conditionOf(pin), ...(range && { range: `bytes=${range.start}-${range.end - 1}` }) };
  const answer = await getFollowing(uri, headers, reach, signal);
  const fault = faultOf({ uri, pin, reach }, answer, range ? 206 : 200);
  if (!fault) return answer;
  answer.destroy();
  throw fault;
}

/** What makes a server refuse to give another version. A weak tag is good for comparison only. */
function conditionOf({ etag, modified }: WebPin): Record<string, string> {
  if (etag !== null && !etag.startsWith('W/')) return { 'if-match': etag };
  return modified === null ? {} : { 'if-unmodified-since': modified };
}

function faultOf(
  { uri, pin, reach }: Omit<Version, 'signal'>,
  answer: IncomingMessage,
  wanted: 200 | 206,
): MillraceError | null {
  const { statusCode } = answer;
  if (statusCode === 412) return changed(uri);
  if (statusCode !== wanted) return statusFault(uri, answer, reach);
  return samePin(pin, pinOf(uri, answer, reach)) ? null : changed(uri);
}

async function fill(uri: string, answer: IncomingMessage, into: Buffer): Promise<void> {
  const bytes = await readInto(answer, into).catch((error: unknown) => {
    throw unreachable(uri, messageOf(error), error);
  });
  if (bytes !== into.length) throw unreachable(uri, `${bytes} bytes came of ${into.length}`);
}

function changed(uri: string): MillraceError {
  return new MillraceError(
    'source.changed',
    `source "${shownUri(uri)}" changed since the job was planned, or while it was read; start the job again`,
  );
}
