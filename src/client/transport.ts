/** One HTTP call of the API, tried again where that is safe. */
import type { Issue } from '../core/errors.js';

/** What the API, or the way to it, said instead of an answer. `code` is stable: see the reference of error codes. */
export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    /** `api.unreachable` where nobody answers, `api.bad_answer` where it is another service, else the API's own. */
    readonly code: string,
    message: string,
    /** HTTP status; 0 where there was no answer. */
    readonly status: number,
    /** Faults by place, of input with several of them. */
    readonly issues: readonly Issue[] = [],
    /** Under this the log of the service has the request. */
    readonly requestId?: string,
    /** When to come again, where the service said. */
    readonly retryAfterMs?: number,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

export interface ClientOptions {
  /** Of the API, such as `http://127.0.0.1:8080`. */
  url: string;
  /** Bearer token; absent: none is sent. */
  token?: string;
  /** Milliseconds that an answer may take. Default: 30,000. */
  timeoutMs?: number;
  /** How often a call is tried again that was not answered, or answered 429, 502, 503 or 504, where repeating it is harmless. Default: 4. */
  retries?: number;
}

export interface Call {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  query?: object;
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as it is, with its type. */
  text?: { type: string; text: string };
  headers?: Record<string, string>;
  /** Whether a second one does no harm; default: that of `GET`, `PUT` and `DELETE`. */
  repeatable?: boolean;
  signal?: AbortSignal;
  timeoutMs?: number;
}

const TRY_AGAIN = new Set([429, 502, 503, 504]);
const FIRST_PAUSE_MS = 250;
const MAX_PAUSE_MS = 10_000;

export type Transport = (path: string, call?: Call) => Promise<Response>;

/** @throws ApiError */
export function createTransport({ url, token, timeoutMs = 30_000, retries = 4 }: ClientOptions): Transport {
  const base = url.replace(/\/+$/, '');

  async function once(
    path: string,
    { method = 'GET', query, body, text, headers, signal, ...call }: Call,
  ): Promise<Response> {
    const late = AbortSignal.timeout(call.timeoutMs ?? timeoutMs);
    try {
      const response = await fetch(base + path + queryString(query), {
        method,
        signal: signal ? AbortSignal.any([signal, late]) : late,
        headers: {
          accept: 'application/json',
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...(text !== undefined && { 'content-type': text.type }),
          ...headers,
        },
        body: body === undefined ? text?.text : JSON.stringify(body),
      });
      if (response.ok) return response;
      throw await problemOf(response);
    } catch (error) {
      if (error instanceof ApiError || signal?.aborted) throw error;
      throw unreachable(base, error, timeoutMs);
    }
  }

  return async (path, call = {}) => {
    const harmless = call.repeatable ?? ['GET', 'PUT', 'DELETE'].includes(call.method ?? 'GET');
    for (let attempt = 0; ; attempt++) {
      try {
        return await once(path, call);
      } catch (error) {
        if (!(error instanceof ApiError) || attempt >= retries) throw error;
        // Nothing was done where it said so; of no answer nobody knows.
        const refused = error.status === 429 || error.status === 503;
        const worth = error.status === 0 ? error.code === 'api.unreachable' : TRY_AGAIN.has(error.status);
        if (!worth || !(harmless || refused)) throw error;
        await pause(attempt, error, call.signal);
      }
    }
  };
}

/** As long as the service said, else longer each time, and never all callers at once. */
async function pause(attempt: number, error: ApiError, signal?: AbortSignal): Promise<void> {
  const own = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt) * (0.5 + Math.random() / 2);
  const ms = Math.min(MAX_PAUSE_MS, error.retryAfterMs ?? own);
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    });
  });
}

function queryString(query: object = {}): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined) params.set(key, String(value));
  const text = params.toString();
  return text ? `?${text}` : '';
}

async function problemOf(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => '');
  let body: Record<string, unknown> = {};
  try {
    body = (JSON.parse(text) ?? {}) as Record<string, unknown>;
  } catch {
    // Somebody else answers.
  }
  const { code, detail, title, errors, requestId } = body;
  if (typeof code !== 'string') {
    return new ApiError(
      'api.bad_answer',
      `status ${response.status}, and no problem of a Millrace API`,
      response.status,
    );
  }
  const message = typeof detail === 'string' ? detail : typeof title === 'string' ? title : `status ${response.status}`;
  const issues = Array.isArray(errors) ? errors.map(issueOf) : [];
  const request = typeof requestId === 'string' ? requestId : undefined;
  const seconds = Number(response.headers.get('retry-after') ?? NaN);
  return new ApiError(code, message, response.status, issues, request, seconds >= 0 ? seconds * 1000 : undefined);
}

function issueOf(value: unknown): Issue {
  const { path, message } = (value ?? {}) as Record<string, unknown>;
  return { path: typeof path === 'string' ? path : '', message: typeof message === 'string' ? message : '' };
}

function unreachable(url: string, cause: unknown, timeoutMs: number): ApiError {
  const late = cause instanceof Error && cause.name === 'TimeoutError';
  const reason = late ? `no answer within ${timeoutMs / 1000} s` : reasonOf(cause);
  return new ApiError('api.unreachable', `no Millrace API at "${url}" (${reason})`, 0, [], undefined, undefined, {
    cause,
  });
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const { code, message } = cause as { code?: unknown; message?: string };
  if (code === 'ECONNREFUSED') return 'connection refused';
  return typeof code === 'string' ? code : (message ?? String(cause));
}
