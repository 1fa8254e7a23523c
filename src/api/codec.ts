/** A codec server, by which the Temporal Web UI and CLI show what is encrypted to who may see it. */
import type { OpenAPIHono } from '@hono/zod-openapi';
import { cors } from 'hono/cors';
import { z } from 'zod';
import { readBody } from './body.js';
import { HttpProblem } from './problems.js';

const CODEC = '/codec';
const CORS_S = 600;

/** As JSON has it: bytes in base64. */
const bodySchema = z.object({
  payloads: z.array(
    z.object({
      metadata: z.record(z.string(), z.base64()).default({}),
      data: z.base64().optional(),
    }),
  ),
});

interface Payload {
  metadata?: Record<string, Uint8Array> | null;
  data?: Uint8Array | null;
}

export interface Codec {
  encode(payloads: Payload[]): Promise<Payload[]>;
  decode(payloads: Payload[]): Promise<Payload[]>;
}

export function isCodec(path: string): boolean {
  return path.startsWith(`${CODEC}/`);
}

/** @param origin of the Temporal Web UI, whose pages may ask in the name of who is signed in here */
export function allowWebUi(app: OpenAPIHono, origin: string): void {
  app.use(`${CODEC}/*`, cors({ origin, credentials: true, allowMethods: ['POST'], maxAge: CORS_S }));
}

/** `POST /codec/encode` and `/codec/decode`. */
export function addCodec(app: OpenAPIHono, codec: Codec): void {
  for (const direction of ['encode', 'decode'] as const) {
    app.post(`${CODEC}/${direction}`, async (c) => {
      const parsed = bodySchema.safeParse(await readBody(c));
      if (!parsed.success) {
        throw new HttpProblem(
          'request.invalid',
          'wanted {"payloads": [{"metadata": {…}, "data": "…"}]}, bytes in base64',
        );
      }
      const payloads = await codec[direction](
        parsed.data.payloads.map(({ metadata, data }) => ({
          metadata: Object.fromEntries(Object.entries(metadata).map(([name, text]) => [name, bytesOf(text)])),
          data: data === undefined ? undefined : bytesOf(data),
        })),
      );
      return c.json({
        payloads: payloads.map(({ metadata, data }) => ({
          metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([name, bytes]) => [name, base64(bytes)])),
          ...(data && { data: base64(data) }),
        })),
      });
    });
  }
}

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, 'base64');
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
