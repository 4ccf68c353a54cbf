import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import {
  type ByteRange,
  type ByteStore,
  BytesMissingError,
  type StoredKey,
  StoreFullError,
  type TemporaryAnswer,
} from '../../domain/ports/byte-store.js';
import { PartBudget } from './part-budget.js';
import { resumed } from './resumed.js';
import { clientConfig, type S3Settings } from './settings.js';

const FULL = new Set([
  'InsufficientStorage',
  'XMinioStorageFull',
  'XMinioBackendDown',
  'QuotaExceeded',
  'EntityTooLarge',
]);
const MISSING = new Set(['NoSuchKey', 'NotFound']);

interface S3Fault {
  readonly name?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/**
 * Bytes in a bucket of S3, or of anything that speaks its language. Large files go in parts, of which a bounded number is in
 * memory whatever the number of uploads; a part that fails is sent again.
 *
 * Loaded with the SDK that it needs by those alone who keep files so.
 */
export class S3Store implements ByteStore {
  readonly #client: S3Client;
  readonly #budget: PartBudget;

  constructor(private readonly settings: S3Settings) {
    this.#client = new S3Client(clientConfig(settings));
    this.#budget = new PartBudget(settings.partBytes, settings.maxPartsInMemory);
  }

  async put(key: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    const { sse, kmsKeyId, partBytes } = this.settings;
    const part = this.#budget.over(bytes);
    // Nothing is read ahead.
    const body = Readable.from(part.bytes, { objectMode: false, highWaterMark: 1 });
    const upload = new Upload({
      client: this.#client,
      queueSize: 1,
      partSize: partBytes,
      leavePartsOnError: false,
      params: {
        ...this.#at(key),
        Body: body,
        ...(sse !== undefined && { ServerSideEncryption: sse }),
        ...(kmsKeyId !== undefined && { SSEKMSKeyId: kmsKeyId }),
      },
    });
    upload.on('httpUploadProgress', () => part.sent());
    try {
      await upload.done();
    } catch (error) {
      // What the source threw is told as it is.
      const cause = part.fault() ?? error;
      await this.remove(key).catch(() => {});
      throw isFull(cause) ? new StoreFullError(`no room in the bucket ${this.settings.bucket}`, { cause }) : cause;
    } finally {
      part.release();
      body.on('error', () => {}).destroy();
    }
  }

  async get(key: string, range?: ByteRange): Promise<Readable> {
    return resumed((part) => this.#open(key, part), range);
  }

  async #open(key: string, range: { first: number; last?: number } | undefined) {
    try {
      const Range = range && `bytes=${range.first}-${range.last ?? ''}`;
      const answer = await this.#client.send(new GetObjectCommand({ ...this.#at(key), ...(Range && { Range }) }));
      return { body: answer.Body as Readable, bytes: answer.ContentLength ?? 0 };
    } catch (error) {
      throw isMissing(error) ? new BytesMissingError(key, { cause: error }) : error;
    }
  }

  async remove(key: string): Promise<void> {
    await this.#client.send(new DeleteObjectCommand(this.#at(key)));
    for await (const { Key, UploadId } of this.#unfinished(this.#nameOf(key))) {
      await this.#client
        .send(new AbortMultipartUploadCommand({ Bucket: this.settings.bucket, Key, UploadId }))
        .catch((error: S3Fault) => {
          if (error.name !== 'NoSuchUpload') throw error;
        });
    }
  }

  async *list(): AsyncIterable<StoredKey> {
    const { bucket: Bucket, prefix: Prefix } = this.settings;
    for (let ContinuationToken: string | undefined; ; ) {
      const page = await this.#client.send(
        new ListObjectsV2Command({ Bucket, Prefix, ...(ContinuationToken !== undefined && { ContinuationToken }) }),
      );
      for (const { Key, Size } of page.Contents ?? []) yield { key: keyOf(Key ?? ''), bytes: Size ?? 0 };
      ContinuationToken = page.NextContinuationToken;
      if (page.IsTruncated !== true || ContinuationToken === undefined) break;
    }
    for await (const { Key } of this.#unfinished(Prefix)) yield { key: keyOf(Key), bytes: 0 };
  }

  /** @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html */
  async temporaryUrl(key: string, { contentType, disposition, lifetimeMs }: TemporaryAnswer): Promise<string> {
    const command = new GetObjectCommand({
      ...this.#at(key),
      ResponseContentType: contentType,
      ResponseContentDisposition: disposition,
    });
    return getSignedUrl(this.#client, command, { expiresIn: Math.max(1, Math.round(lifetimeMs / 1000)) });
  }

  async close(): Promise<void> {
    this.#client.destroy();
  }

  async *#unfinished(Prefix: string): AsyncIterable<{ Key: string; UploadId: string }> {
    const { bucket: Bucket } = this.settings;
    for (let after: { KeyMarker?: string; UploadIdMarker?: string } = {}; ; ) {
      const page = await this.#client.send(new ListMultipartUploadsCommand({ Bucket, Prefix, ...after }));
      for (const { Key, UploadId } of page.Uploads ?? []) {
        if (Key !== undefined && UploadId !== undefined) yield { Key, UploadId };
      }
      if (page.IsTruncated !== true || page.NextKeyMarker === undefined) return;
      after = {
        KeyMarker: page.NextKeyMarker,
        ...(page.NextUploadIdMarker !== undefined && { UploadIdMarker: page.NextUploadIdMarker }),
      };
    }
  }

  #at(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.settings.bucket, Key: this.#nameOf(key) };
  }

  #nameOf(key: string): string {
    return `${this.settings.prefix}${key.slice(0, 2)}/${key}`;
  }
}

function keyOf(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

function isMissing(error: unknown): boolean {
  return MISSING.has((error as S3Fault).name ?? '');
}

function isFull(error: unknown): boolean {
  const { name = '', $metadata } = (error ?? {}) as S3Fault;
  return FULL.has(name) || $metadata?.httpStatusCode === 507;
}
