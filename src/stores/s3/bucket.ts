import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Readable } from 'node:stream';
import type {
  GetObjectCommandOutput,
  ListMultipartUploadsCommandInput,
  ListMultipartUploadsCommandOutput,
} from '@aws-sdk/client-s3';
import { MillraceError } from '../../core/errors.js';
import { again } from '../again.js';
import { readInto } from '../body.js';
import { s3Client } from './client.js';
import type { S3 } from './client.js';
import { nameOf, s3Fault, statusOf } from './fault.js';
import { s3Uri } from './place.js';

export interface FoundKey {
  key: string;
  size: number;
  /** With its quotes. */
  etag: string;
}

/** What wrote an object, told by itself: so a writer that lost the answer to its success knows its own work again. */
const WRITER = 'millrace-writer';
/** Two conditional writes at the same moment: one of them is to come again. */
const CONFLICT = 409;
const CONFLICT_TRIES = 5;
const CONFLICT_MS = 100;
/** As many as one request takes. */
const DELETED_AT_ONCE = 1000;

/** One bucket: objects by key, each read and written whole or in ranges. Faults are MillraceErrors `s3.*`. */
export class Bucket {
  constructor(
    readonly name: string,
    private readonly profile?: string,
  ) {}

  uri(key: string): string {
    return s3Uri(this.name, key);
  }

  /** Null where there is no such object. */
  async head(key: string): Promise<(FoundKey & { writer?: string }) | null> {
    const { sdk, client } = await s3Client(this.profile);
    try {
      const found = await client.send(new sdk.HeadObjectCommand({ Bucket: this.name, Key: key }));
      return { key, size: found.ContentLength ?? 0, etag: quoted(found.ETag), writer: found.Metadata?.[WRITER] };
    } catch (error) {
      // A HEAD has no body that could tell a missing bucket from a missing key.
      if (statusOf(error) === 404) return null;
      throw s3Fault(error, this.uri(key));
    }
  }

  /** A whole object; null where there is none. */
  async get(key: string): Promise<Buffer | null> {
    return this.body(key, {}, async (body) => Buffer.from(await body.transformToByteArray())).catch(
      (error: unknown) => {
        if (error instanceof MillraceError && error.code === ABSENT) return null;
        throw error;
      },
    );
  }

  /**
   * Fills a buffer with the bytes of one version from `start`.
   * @throws MillraceError `source.changed`, `source.not_found`
   */
  range({ key, etag }: Pick<FoundKey, 'key' | 'etag'>, start: number, into: Buffer): Promise<void> {
    const request = { Range: `bytes=${start}-${start + into.length - 1}`, IfMatch: etag };
    return this.body(key, request, async (body, found) => {
      // Not every server knows the condition.
      if (found !== etag) {
        (body as Readable).destroy();
        throw changed(this.uri(key));
      }
      const bytes = await readInto(body as Readable, into);
      if (bytes !== into.length) throw new Error(`${bytes} bytes came of ${into.length}`);
    });
  }

  /** The connection may break while the body comes, which the SDK does not see. */
  private body<T>(
    key: string,
    request: { Range?: string; IfMatch?: string },
    read: (body: NonNullable<GetObjectCommandOutput['Body']>, etag: string) => Promise<T>,
  ): Promise<T> {
    return again(async () => {
      const { sdk, client } = await s3Client(this.profile);
      try {
        const found = await client.send(new sdk.GetObjectCommand({ Bucket: this.name, Key: key, ...request }));
        return await read(found.Body!, quoted(found.ETag));
      } catch (error) {
        if (statusOf(error) === 412) throw changed(this.uri(key));
        if (statusOf(error) === 404 && nameOf(error) !== 'NoSuchBucket') {
          throw new MillraceError(ABSENT, `source "${this.uri(key)}" not found: no such object`);
        }
        throw s3Fault(error, this.uri(key));
      }
    });
  }

  /**
   * Writes a whole object, at once.
   * @param once only where there is none of that key yet
   * @returns false where there was one
   */
  async put(key: string, bytes: Uint8Array, once: boolean): Promise<boolean> {
    const writer = randomUUID();
    const object = { Bucket: this.name, Key: key, Body: bytes, Metadata: { [WRITER]: writer } };
    return this.conditional(key, writer, once, ({ sdk, client }, condition) =>
      client.send(new sdk.PutObjectCommand({ ...object, ...condition })),
    );
  }

  /** Begins an object that comes in parts, and is seen when it is complete and not before. */
  async upload(key: string): Promise<Upload> {
    const at = { Bucket: this.name, Key: key };
    const writer = randomUUID();
    const begun = await this.ask(key, ({ sdk, client }) =>
      client.send(new sdk.CreateMultipartUploadCommand({ ...at, Metadata: { [WRITER]: writer } })),
    );
    const upload = { ...at, UploadId: begun.UploadId! };
    const etags: string[] = [];
    return {
      part: async (number, bytes) => {
        const { ETag } = await this.ask(key, ({ sdk, client }) =>
          client.send(new sdk.UploadPartCommand({ ...upload, PartNumber: number, Body: bytes })),
        );
        etags[number - 1] = ETag!;
      },
      complete: async (once) => {
        const parts = etags.map((ETag, i) => ({ ETag, PartNumber: i + 1 }));
        const request = { ...upload, MultipartUpload: { Parts: parts } };
        const done = await this.conditional(key, writer, once, ({ sdk, client }, condition) =>
          client.send(new sdk.CompleteMultipartUploadCommand({ ...request, ...condition })),
        );
        if (!done) await this.abort(upload);
        return done;
      },
      abort: () => this.abort(upload),
    };
  }

  /**
   * A write that may be refused because there is an object already, or because its answer was lost and the object is ours.
   * @param write takes what makes it conditional
   */
  private async conditional(
    key: string,
    writer: string,
    once: boolean,
    write: (s3: S3, condition: { IfNoneMatch?: '*' }) => Promise<unknown>,
  ): Promise<boolean> {
    const s3 = await s3Client(this.profile);
    for (let tries = 1; ; tries++) {
      try {
        await write(s3, once ? { IfNoneMatch: '*' } : {});
        return true;
      } catch (error) {
        const refused = statusOf(error) === 412 || nameOf(error) === 'NoSuchUpload';
        if (refused && (await this.head(key))?.writer === writer) return true;
        if (statusOf(error) === 412) return false;
        if (once && nameOf(error) === 'NotImplemented') return this.lookFirst(key, () => write(s3, {}));
        if (statusOf(error) !== CONFLICT || tries >= CONFLICT_TRIES) throw s3Fault(error, this.uri(key));
        await sleep(CONFLICT_MS * tries);
      }
    }
  }

  /** Where the server knows no condition: of two that write at the same moment the last one wins. */
  private async lookFirst(key: string, write: () => Promise<unknown>): Promise<boolean> {
    if (await this.head(key)) return false;
    await write().catch((error: unknown) => {
      throw s3Fault(error, this.uri(key));
    });
    return true;
  }

  private async abort(upload: { Bucket: string; Key: string; UploadId: string }): Promise<void> {
    await this.ask(upload.Key, ({ sdk, client }) => client.send(new sdk.AbortMultipartUploadCommand(upload))).catch(
      (error: unknown) => {
        if (!(error instanceof MillraceError) || error.code !== UPLOAD_GONE) throw error;
      },
    );
  }

  /** Unfinished uploads of keys that begin so; those that nobody will complete cost money for ever. */
  async abortUploads(prefix: string, which: (upload: { key: string; begun: Date }) => boolean): Promise<void> {
    let after: { KeyMarker?: string; UploadIdMarker?: string } | null = {};
    while (after) {
      const request: ListMultipartUploadsCommandInput = { Bucket: this.name, Prefix: prefix, ...after };
      const page: ListMultipartUploadsCommandOutput = await this.ask(prefix, ({ sdk, client }) =>
        client.send(new sdk.ListMultipartUploadsCommand(request)),
      );
      for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
        if (!which({ key: Key!, begun: Initiated ?? new Date() })) continue;
        await this.abort({ Bucket: this.name, Key: Key!, UploadId: UploadId! });
      }
      after = page.IsTruncated ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker } : null;
    }
  }

  /** All objects whose keys begin so, sorted. */
  async *list(prefix: string): AsyncGenerator<FoundKey> {
    for await (const { Contents = [] } of this.pages({ Prefix: prefix })) {
      for (const { Key, Size = 0, ETag } of Contents) yield { key: Key!, size: Size, etag: quoted(ETag) };
    }
  }

  /** Names directly below a prefix that ends in `/`, of objects and of what holds objects, sorted. */
  async names(prefix: string): Promise<string[]> {
    const names: string[] = [];
    for await (const { Contents = [], CommonPrefixes = [] } of this.pages({ Prefix: prefix, Delimiter: '/' })) {
      names.push(...Contents.map(({ Key }) => Key!.slice(prefix.length)));
      names.push(...CommonPrefixes.map((one) => one.Prefix!.slice(prefix.length, -1)));
    }
    return names.filter((name) => name !== '').sort();
  }

  private async *pages(request: { Prefix: string; Delimiter?: string }) {
    let ContinuationToken: string | undefined;
    do {
      const at = { Bucket: this.name, ContinuationToken, ...request };
      const page = await this.ask(request.Prefix, ({ sdk, client }) => client.send(new sdk.ListObjectsV2Command(at)));
      yield page;
      ContinuationToken = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (ContinuationToken !== undefined);
  }

  /** What is not there counts as removed. */
  async remove(keys: readonly string[]): Promise<void> {
    for (let i = 0; i < keys.length; i += DELETED_AT_ONCE) {
      const Objects = keys.slice(i, i + DELETED_AT_ONCE).map((Key) => ({ Key }));
      const request = { Bucket: this.name, Delete: { Objects, Quiet: true } };
      const { Errors = [] } = await this.ask(keys[i]!, ({ sdk, client }) =>
        client.send(new sdk.DeleteObjectsCommand(request)),
      );
      const [first] = Errors;
      if (!first || first.Code === 'NoSuchKey') continue;
      throw new MillraceError('s3.denied', `"${this.uri(first.Key!)}" cannot be removed: ${first.Code}`);
    }
  }

  private async ask<T>(key: string, run: (s3: S3) => Promise<T>): Promise<T> {
    try {
      return await run(await s3Client(this.profile));
    } catch (error) {
      throw s3Fault(error, this.uri(key));
    }
  }
}

export interface Upload {
  /** Part `number`, from 1; at least 5 MiB, the last one excepted, and all others of one size. */
  part(number: number, bytes: Uint8Array): Promise<void>;
  /** @returns false where there was an object already (`once` only); the parts are gone then */
  complete(once: boolean): Promise<boolean>;
  abort(): Promise<void>;
}

const ABSENT = 'source.not_found';
const UPLOAD_GONE = 's3.upload_gone';

function changed(uri: string): MillraceError {
  return new MillraceError(
    'source.changed',
    `source "${uri}" changed since the job was planned, or while it was read; start the job again`,
  );
}

function quoted(etag = ''): string {
  return etag.startsWith('"') || etag.startsWith('W/') ? etag : `"${etag}"`;
}
