import type { Problem } from '../schema/views.js';

/** The JSON routes, without a port between. */
export type Fetch = (path: string, init?: RequestInit) => Response | Promise<Response>;

/** What a route said instead of an answer. */
export class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
  }
}

/** Asks the JSON routes as any other caller does. All throw `Refused` where the answer is a problem. */
export interface Ask {
  get<T>(path: string): Promise<T>;
  send<T>(method: 'POST' | 'PATCH', path: string, body?: unknown, headers?: Record<string, string>): Promise<T>;
  /** The first lines of a text, and no more of it than that. */
  lines(path: string, most: number): Promise<string[]>;
}

export function asking(fetch: Fetch): Ask {
  async function answer(path: string, init?: RequestInit): Promise<Response> {
    const response = await fetch(path, init);
    if (response.ok) return response;
    throw new Refused((await response.json()) as Problem);
  }
  return {
    get: async <T>(path: string) => (await (await answer(path)).json()) as T,
    async send<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
      const text = typeof body === 'string' ? body : body === undefined ? undefined : JSON.stringify(body);
      const type = body !== undefined && { 'content-type': 'application/json' };
      return (await (await answer(path, { method, body: text, headers: { ...type, ...headers } })).json()) as T;
    },
    async lines(path, most) {
      const { body } = await answer(path);
      if (!body) return [];
      const reader = body.pipeThrough(new TextDecoderStream()).getReader();
      let text = '';
      while (text.split('\n').length <= most) {
        const { value, done } = await reader.read();
        if (done) break;
        text += value;
      }
      await reader.cancel();
      return text
        .split('\n')
        .slice(0, most)
        .filter((line) => line !== '');
    },
  };
}
