import { randomUUID } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { inject } from 'vitest';
import { freePort } from '../../src/temporal/free-port.js';

/** A bucket of a test, as somebody else sees it: by a client of its own. */
export interface TestBucket {
  name: string;
  put(key: string, body: string | Buffer): Promise<string>;
  read(key: string): Promise<Buffer>;
  /** All keys, sorted. */
  keys(prefix?: string): Promise<string[]>;
  remove(key: string): Promise<void>;
  /** Keys of unfinished uploads. */
  uploads(): Promise<string[]>;
  /** How many parts the unfinished uploads have. */
  parts(): Promise<number>;
}

const STARTS_MS = 30_000;

/** Whether this run has an S3 server: `npm run test:s3`. */
export const hasS3 = inject('s3') !== null;

export const CREDENTIALS = { accessKeyId: 'millrace', secretAccessKey: 'only-for-tests' };

let profiles: Promise<number> | undefined;

/** Where the server listens, and the port of the bad network; this process and those it starts find both by the profiles. */
export async function testS3(): Promise<{ endpoint: string; troubled: number }> {
  const server = inject('s3');
  if (!server) throw new Error('this run has no S3 server: import test/helpers/s3-server.ts statically');
  const { endpoint } = server;
  const until = Date.now() + STARTS_MS;
  while (!(await answers(endpoint))) {
    if (Date.now() > until) throw new Error(`the S3 server at ${endpoint} does not answer`);
    await sleep(250);
  }
  return { endpoint, troubled: await (profiles ??= writeProfiles(endpoint)) };
}

/** A bucket that no other test uses. */
export async function testBucket(Bucket = `test-${randomUUID()}`): Promise<TestBucket> {
  const { endpoint } = await testS3();
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: CREDENTIALS,
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  await client.send(new CreateBucketCommand({ Bucket }));
  return {
    name: Bucket,
    async put(Key, Body) {
      await client.send(new PutObjectCommand({ Bucket, Key, Body }));
      return `s3://${Bucket}/${Key}`;
    },
    async read(Key) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
      return Buffer.from(await Body!.transformToByteArray());
    },
    async keys(Prefix) {
      const keys: string[] = [];
      let ContinuationToken: string | undefined;
      do {
        const page = await client.send(new ListObjectsV2Command({ Bucket, Prefix, ContinuationToken }));
        keys.push(...(page.Contents ?? []).map(({ Key }) => Key!));
        ContinuationToken = page.NextContinuationToken;
      } while (ContinuationToken);
      return keys;
    },
    async remove(Key) {
      await client.send(new DeleteObjectCommand({ Bucket, Key }));
    },
    async uploads() {
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
      return Uploads.map(({ Key }) => Key!);
    },
    async parts() {
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
      const lists = await Promise.all(
        Uploads.map(({ Key, UploadId }) => client.send(new ListPartsCommand({ Bucket, Key, UploadId }))),
      );
      return lists.flatMap(({ Parts = [] }) => Parts).length;
    },
  };
}

/**
 * Profiles of the AWS configuration of this process and those it starts, all at once, because they are read once: the server
 * itself is the default; `stranger` has a wrong secret; `troubled` leads to a port where a bad network may be set up.
 */
async function writeProfiles(endpoint: string): Promise<number> {
  const troubled = await freePort('127.0.0.1');
  const { accessKeyId, secretAccessKey } = CREDENTIALS;
  const sections = [
    ['default', endpoint, secretAccessKey],
    ['profile stranger', endpoint, 'wrong'],
    ['profile troubled', `http://127.0.0.1:${troubled}`, secretAccessKey],
  ] as const;
  const text = sections.map(
    ([name, url, secret]) =>
      `[${name}]\nregion = us-east-1\nendpoint_url = ${url}\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secret}\n`,
  );
  process.env.AWS_CONFIG_FILE = path.join(mkdtempSync(path.join(os.tmpdir(), 'millrace-aws-')), 'config');
  writeFileSync(process.env.AWS_CONFIG_FILE, text.join(''));
  return troubled;
}

async function answers(endpoint: string): Promise<boolean> {
  return fetch(endpoint).then(
    () => true,
    () => false,
  );
}
