import { createHash, randomBytes } from 'node:crypto';
import dns from 'node:dns';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { HeadObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Authority, type CertificateFiles } from '@ganglion/testing';
import { jest } from '@jest/globals';
import { type ByteStore, BytesMissingError, StoreFullError } from '../src/domain/ports/byte-store.js';
import { openS3Store } from '../src/storage/byte-stores.js';
import { FolderStore } from '../src/storage/folder-store.js';
import { type FaultyProxy, startFaultyProxy } from './support/faulty-proxy.js';
import { s3Config } from './support/s3-config.js';
import { ACCESS, DOMAIN, findSeaweed, makeBucket, type S3Server, startS3Server } from './support/seaweed.js';
import { keysIn } from './support/store-contents.js';

const MEGABYTE = 1_048_576;
const BUCKET = 'files';

const seaweed = await findSeaweed();
const withBucket = seaweed === undefined ? { describe() {}, it() {} } : { describe, it };

let server: S3Server;
let proxy: FaultyProxy;
let folder: string;
let parts = 0;
/** Where nothing of a whole bucket lies: its folders are called by two digits of a hash. */
const newPrefix = () => `part-${++parts}/`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ganglion-stores-'));
  if (seaweed === undefined) return;
  server = await startS3Server(seaweed);
  proxy = await startFaultyProxy(server.endpoint);
  await makeBucket(server, BUCKET);
}, 300_000);
beforeEach(() => {
  if (seaweed !== undefined) proxy.fault = () => undefined;
});
afterAll(async () => {
  await proxy?.close();
  await server?.stop();
  if (folder) await rm(folder, { recursive: true });
});

/** A part of the bucket that nobody else has. */
const bucketStore = (others: object = {}) =>
  openS3Store(s3Config(proxy.url, BUCKET, { prefix: newPrefix(), ...others }));
const newKey = () => randomBytes(20).toString('hex');

async function bytesOf(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function* pieces(bytes: Buffer, size = 100_000): AsyncIterable<Uint8Array> {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
}

const STORES: readonly (readonly [string, () => Promise<ByteStore>])[] = [
  ['a folder', async () => new FolderStore(join(folder, newKey()))],
  ['a bucket', () => bucketStore({ prefix: '' })],
  ['a part of a bucket', () => bucketStore()],
];

describe.each(seaweed === undefined ? STORES.slice(0, 1) : STORES)('%s', (_, open) => {
  let store: ByteStore;
  beforeAll(async () => {
    store = await open();
  });

  it.each([0, 1, 300_000, 5 * MEGABYTE, 12 * MEGABYTE + 7])('gives back %d bytes as they were', async (size) => {
    const [key, bytes] = [newKey(), randomBytes(size)];
    await store.put(key, pieces(bytes));
    const got = await bytesOf(await store.get(key));
    expect([got.length, got.equals(bytes)]).toEqual([size, true]);
  });

  it('gives out parts', async () => {
    const [key, bytes] = [newKey(), randomBytes(6 * MEGABYTE)];
    await store.put(key, pieces(bytes));
    for (const [first, last] of [
      [0, 0],
      [0, 99],
      [5 * MEGABYTE - 10, 5 * MEGABYTE + 10],
      [6 * MEGABYTE - 1, 6 * MEGABYTE - 1],
    ] as const) {
      const part = await bytesOf(await store.get(key, { first, last }));
      expect([first, part.equals(bytes.subarray(first, last + 1))]).toEqual([first, true]);
    }
  });

  it('says what it does not have', async () => {
    await expect(store.get(newKey())).rejects.toThrow(BytesMissingError);
    await expect(store.get(newKey(), { first: 0, last: 1 })).rejects.toThrow(BytesMissingError);
  });

  it('removes what it has, and what it has not', async () => {
    const key = newKey();
    await store.put(key, pieces(Buffer.from('x')));
    await store.remove(key);
    await expect(store.get(key)).rejects.toThrow(BytesMissingError);
    await store.remove(key);
  });

  it('lists all that it has, and nothing of what has been given up', async () => {
    const before = await keysIn(store);
    const keys = Array.from({ length: 5 }, newKey);
    await Promise.all(keys.map((key) => store.put(key, pieces(Buffer.from(key)))));
    for (const size of [100_000, 11 * MEGABYTE]) {
      async function* broken(): AsyncIterable<Uint8Array> {
        yield* pieces(randomBytes(size));
        throw new Error('the source broke off');
      }
      await expect(store.put(newKey(), broken())).rejects.toThrow('the source broke off');
    }
    expect(await keysIn(store)).toEqual([...before, ...keys].sort());
    for await (const { key, bytes } of store.list()) if (keys.includes(key)) expect(bytes).toBe(40);
  });

  it('takes and gives many at once', async () => {
    // The last ones are large enough to go in parts.
    const sizes = [...Array.from({ length: 22 }, (_, index) => index * 40_000), 6 * MEGABYTE, 11 * MEGABYTE];
    const files = sizes.map((size) => ({ key: newKey(), bytes: randomBytes(size) }));
    await Promise.all(files.map(({ key, bytes }) => store.put(key, pieces(bytes))));
    const same = await Promise.all(
      files.map(async ({ key, bytes }) => (await bytesOf(await store.get(key))).equals(bytes)),
    );
    expect(same).toEqual(files.map(() => true));
  });

  it('goes on giving when whoever reads it stops in the middle', async () => {
    const [key, bytes] = [newKey(), randomBytes(8 * MEGABYTE)];
    await store.put(key, pieces(bytes));
    for (let round = 0; round < 5; round++) {
      const stream = await store.get(key);
      for await (const chunk of stream) if ((chunk as Buffer).length > 0) break;
    }
    expect((await bytesOf(await store.get(key))).equals(bytes)).toBe(true);
  });
});

withBucket.describe('a bucket whose server', () => {
  const hashOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

  it('is busy for a moment loses nothing', async () => {
    const store = await bucketStore();
    const [key, bytes] = [newKey(), randomBytes(11 * MEGABYTE)];
    const seen = new Map<string, number>();
    proxy.fault = (method, path) => {
      const times = (seen.get(method + path) ?? 0) + 1;
      seen.set(method + path, times);
      return times === 1 ? '503' : undefined;
    };
    await store.put(key, pieces(bytes));
    expect(hashOf(await bytesOf(await store.get(key)))).toBe(hashOf(bytes));
  });

  it('hangs up in the middle of uploads loses nothing', async () => {
    const store = await bucketStore();
    const [key, bytes] = [newKey(), randomBytes(11 * MEGABYTE)];
    let puts = 0;
    proxy.fault = (method) => (method === 'PUT' && ++puts % 2 === 1 ? 'hang up' : undefined);
    await store.put(key, pieces(bytes));
    expect(hashOf(await bytesOf(await store.get(key)))).toBe(hashOf(bytes));
  });

  it('closes in the middle of a body is asked for the rest', async () => {
    const store = await bucketStore();
    const [key, bytes] = [newKey(), randomBytes(6 * MEGABYTE)];
    await store.put(key, pieces(bytes));
    let downloads = 0;
    proxy.fault = (method) => (method === 'GET' && ++downloads <= 3 ? 'cut' : undefined);
    expect(hashOf(await bytesOf(await store.get(key)))).toBe(hashOf(bytes));
    const part = await bytesOf(await store.get(key, { first: 1_000, last: 3_000_000 }));
    expect(hashOf(part)).toBe(hashOf(bytes.subarray(1_000, 3_000_001)));
    expect(downloads).toBeGreaterThan(4);
  });

  it('is away fails what is asked of it, and works again when it is back', async () => {
    const store = await bucketStore({ max_attempts: 2 });
    const key = newKey();
    await store.put(key, pieces(Buffer.from('kept')));
    proxy.fault = () => '503';
    await expect(store.get(key)).rejects.toThrow();
    await expect(store.put(newKey(), pieces(randomBytes(6 * MEGABYTE)))).rejects.toThrow();
    proxy.fault = () => undefined;
    expect((await bytesOf(await store.get(key))).toString()).toBe('kept');
    await store.put(newKey(), pieces(randomBytes(6 * MEGABYTE)));
  }, 60_000);

  it('has no room says so, and keeps no half of a file', async () => {
    const store = await bucketStore();
    let puts = 0;
    proxy.fault = (method) => (method === 'PUT' && ++puts > 1 ? 'full' : undefined);
    await expect(store.put(newKey(), pieces(randomBytes(11 * MEGABYTE)))).rejects.toThrow(StoreFullError);
    proxy.fault = () => undefined;
    expect(await keysIn(store)).toEqual([]);
  });

  it('is not the one that has the certificate is not believed', async () => {
    const store = await openS3Store(s3Config(proxy.url.replace('http:', 'https:'), 'files', { max_attempts: 1 }));
    await expect(store.get(newKey())).rejects.toThrow();
  });
});

withBucket.describe('a bucket whose server speaks TLS', () => {
  let secure: FaultyProxy;
  let files: CertificateFiles;
  let others: Authority;

  beforeAll(async () => {
    files = await (await Authority.create('an authority of ours')).issue('127.0.0.1');
    others = await Authority.create('an authority of others');
    const [cert, key] = [readFileSync(files.cert, 'utf8'), readFileSync(files.key, 'utf8')];
    secure = await startFaultyProxy(server.endpoint, { cert, key });
  });
  afterAll(() => secure.close());

  const storeThatTrusts = (ca_file?: string) =>
    openS3Store(s3Config(secure.url, BUCKET, { max_attempts: 1, ...(ca_file && { tls: { ca_file } }) }));

  it('is believed when the authority that the operator names has signed its certificate', async () => {
    const store = await storeThatTrusts(files.ca);
    const [key, bytes] = [newKey(), randomBytes(6 * MEGABYTE)];
    await store.put(key, pieces(bytes));
    expect((await bytesOf(await store.get(key))).equals(bytes)).toBe(true);
  });

  it('is not believed by who trusts other authorities, or none but the well-known ones', async () => {
    for (const ca of [undefined, (await others.issue('127.0.0.1')).ca]) {
      const store = await storeThatTrusts(ca);
      await expect(store.put(newKey(), pieces(Buffer.from('x')))).rejects.toThrow(/certificate|issuer/);
    }
  });
});

withBucket.it('a link to a file in a bucket is good for a while and says what the file is', async () => {
  const store = await openS3Store(s3Config(server.endpoint, BUCKET));
  const key = newKey();
  await store.put(key, pieces(Buffer.from('by a link')));
  const url = await store.temporaryUrl!(key, {
    contentType: 'text/plain',
    disposition: 'attachment; filename=a.txt',
    lifetimeMs: 60_000,
  });
  if (url === undefined) throw new Error('a bucket makes no links');
  const answer = await fetch(url);
  expect([answer.status, await answer.text()]).toEqual([200, 'by a link']);
  expect([answer.headers.get('content-type'), answer.headers.get('content-disposition')]).toEqual([
    'text/plain',
    'attachment; filename=a.txt',
  ]);
  expect((await fetch(url.replace(/X-Amz-Signature=[0-9a-f]{4}/, 'X-Amz-Signature=0000'))).status).toBe(403);
});

withBucket.describe('a bucket that encrypts what it keeps', () => {
  const sizes = [1_000, 6 * MEGABYTE];

  /** How the server says that an object is encrypted. */
  async function encryptionOf(prefix: string, key: string) {
    const client = new S3Client({
      region: 'us-east-1',
      endpoint: server.endpoint,
      forcePathStyle: true,
      credentials: ACCESS,
    });
    const found = await client.send(
      new HeadObjectCommand({ Bucket: BUCKET, Key: `${prefix}${key.slice(0, 2)}/${key}` }),
    );
    client.destroy();
    return [found.ServerSideEncryption, found.SSEKMSKeyId] as const;
  }

  it.each(sizes)('is told to, and gives %d bytes back as they were, and parts of them', async (size) => {
    const prefix = newPrefix();
    const store = await openS3Store(s3Config(server.endpoint, BUCKET, { prefix, encryption: 'AES256' }));
    const [key, bytes] = [newKey(), randomBytes(size)];
    await store.put(key, pieces(bytes));
    expect((await bytesOf(await store.get(key))).equals(bytes)).toBe(true);
    const part = await bytesOf(await store.get(key, { first: 100, last: size - 100 }));
    expect(part.equals(bytes.subarray(100, size - 99))).toBe(true);
    expect(await encryptionOf(prefix, key)).toEqual(['AES256', undefined]);
  });

  it.each(sizes)('does so with the key that the operator names, and gives %d bytes back', async (size) => {
    const prefix = newPrefix();
    const encryption = { encryption: 'aws:kms', kms_key_id: 'files-of-users' };
    const store = await openS3Store(s3Config(server.endpoint, BUCKET, { prefix, ...encryption }));
    const [key, bytes] = [newKey(), randomBytes(size)];
    await store.put(key, pieces(bytes));
    expect((await bytesOf(await store.get(key))).equals(bytes)).toBe(true);
    expect(await encryptionOf(prefix, key)).toEqual(['aws:kms', 'files-of-users']);
  });

  it('does not, unless it is told to', async () => {
    const prefix = newPrefix();
    const store = await openS3Store(s3Config(server.endpoint, BUCKET, { prefix }));
    const key = newKey();
    await store.put(key, pieces(Buffer.from('plain')));
    expect(await encryptionOf(prefix, key)).toEqual([undefined, undefined]);
  });
});

withBucket.describe('a bucket that is named in the host', () => {
  const hosts: string[] = [];
  const lookup = dns.lookup;

  beforeAll(() => {
    const here = (host: string, options: object, found: (...answer: unknown[]) => void) => {
      if (!host.endsWith(DOMAIN)) return (lookup as (...given: unknown[]) => void)(host, options, found);
      hosts.push(host);
      const address = { address: '127.0.0.1', family: 4 };
      if ((options as { all?: boolean }).all) found(null, [address]);
      else found(null, address.address, address.family);
    };
    jest.spyOn(dns, 'lookup').mockImplementation(here as unknown as typeof dns.lookup);
  });
  afterAll(() => {
    jest.restoreAllMocks();
  });

  it('keeps, gives, lists and removes files, and makes links to them', async () => {
    const endpoint = server.endpoint.replace('127.0.0.1', DOMAIN);
    const store = await openS3Store(s3Config(endpoint, BUCKET, { prefix: newPrefix(), path_style: false }));
    const [key, bytes] = [newKey(), randomBytes(6 * MEGABYTE)];
    await store.put(key, pieces(bytes));
    expect((await bytesOf(await store.get(key))).equals(bytes)).toBe(true);
    expect(await keysIn(store)).toEqual([key]);
    const link = await store.temporaryUrl!(key, {
      ...{ contentType: 'text/plain', disposition: 'inline', lifetimeMs: 60_000 },
    });
    expect(new URL(link!).hostname).toBe(`${BUCKET}.${DOMAIN}`);
    await store.remove(key);
    expect(await keysIn(store)).toEqual([]);
    expect(new Set(hosts)).toEqual(new Set([`${BUCKET}.${DOMAIN}`]));
  });
});
