import { randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ByteStore } from '../src/domain/ports/byte-store.js';
import { FolderStore } from '../src/storage/folder-store.js';
import { ALICE, ask, pathOf, upload } from './support/client.js';
import { type Deployment, deploy } from './support/deployment.js';
import { halves } from './support/images.js';

let deployment: Deployment;
let url: string;
let uri: string;
const body = randomBytes(300_000);

beforeAll(async () => {
  deployment = await deploy();
  url = await deployment.replica();
  uri = await upload(url, body, 'image/png');
});
afterAll(() => deployment.close());

const get = (headers: Record<string, string> = {}, method = 'GET') =>
  ask(url, method, pathOf(uri), { as: ALICE, headers });

describe('a download', () => {
  it('is kept from doing anything in a browser, and may be kept for ever', async () => {
    const { headers } = await get();
    expect(headers).toMatchObject({
      'content-security-policy':
        "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; style-src 'unsafe-inline'; object-src 'self';",
      'cross-origin-resource-policy': 'cross-origin',
      'x-content-type-options': 'nosniff',
      'cache-control': 'private, max-age=31536000, immutable',
      'content-length': '300000',
      'accept-ranges': 'bytes',
      'content-disposition': 'inline',
    });
  });

  it.each([
    ['text/html', 'attachment'],
    ['image/svg+xml', 'attachment'],
    ['application/xhtml+xml', 'attachment'],
    ['IMAGE/JPEG', 'inline'],
    ['text/plain; charset=utf-8', 'inline'],
    ['video/mp4', 'inline'],
  ])('of %s is %s', async (type, disposition) => {
    const { headers } = await ask(url, 'GET', pathOf(await upload(url, '<svg/>', type)), { as: ALICE });
    expect([headers['content-type'], headers['content-disposition']]).toEqual([type, disposition]);
  });

  it('of a polyglot, an image that is a page, too, is the image where it is shown, and nothing of the page is in its thumbnail', async () => {
    const page = '<!DOCTYPE html><script>alert(document.domain)</script>';
    const polyglot = Buffer.concat([await halves(200, 100).gif().toBuffer(), Buffer.from(page)]);
    const typesOf = async (type: string) => {
      const { headers } = await ask(url, 'GET', pathOf(await upload(url, polyglot, type)), { as: ALICE });
      const { 'content-type': sent, 'content-disposition': disposition, 'x-content-type-options': sniffing } = headers;
      return [sent, disposition, sniffing];
    };
    expect(await typesOf('image/gif')).toEqual(['image/gif', 'inline', 'nosniff']);
    expect(await typesOf('text/html')).toEqual(['text/html', 'attachment', 'nosniff']);
    const path = pathOf(await upload(url, polyglot, 'image/gif'), 'thumbnail');
    const { status, bytes } = await ask(url, 'GET', `${path}?width=32&height=32&method=crop`, { as: ALICE });
    expect([status, bytes.includes('script')]).toEqual([200, false]);
  });

  it.each(['nonsense', 'text', 'text/ht ml', 'a/b\u00ff'])('has never the type %j, which is none', async (type) => {
    const headers = { 'content-type': type };
    const { status, body } = await ask(url, 'POST', '/_matrix/media/v3/upload', { as: ALICE, body: 'x', headers });
    expect([status, body.errcode]).toEqual([415, 'M_UNKNOWN']);
  });

  it('may be of a part', async () => {
    for (const [range, first, last] of [
      ['bytes=0-99', 0, 99],
      ['bytes=299999-', 299_999, 299_999],
      ['bytes=100000-999999999', 100_000, 299_999],
      ['bytes=-10', 299_990, 299_999],
      ['bytes=-999999', 0, 299_999],
    ] as const) {
      const { status, headers, bytes } = await get({ range });
      expect([range, status, headers['content-range']]).toEqual([range, 206, `bytes ${first}-${last}/300000`]);
      expect(bytes.equals(body.subarray(first, last + 1))).toBe(true);
    }
  });

  it.each(['bytes=300000-', 'bytes=-0', 'bytes=999999999999999999999-'])('has no part %s', async (range) => {
    const { status, headers } = await get({ range });
    expect([status, headers['content-range']]).toEqual([416, 'bytes */300000']);
  });

  it.each(['bytes=0-1,5-6', 'bytes=5-1', 'lines=1-2', 'bytes=x-y', 'bytes=-', ''])(
    'is whole when asked for %j',
    async (range) => {
      const { status, bytes } = await get({ range });
      expect([status, bytes.equals(body)]).toEqual([200, true]);
    },
  );

  it('is not sent again to who has it', async () => {
    const { headers } = await get();
    const etag = headers.etag!;
    for (const given of [etag, `"other", ${etag}`, `W/${etag}`, '*']) {
      const { status, bytes } = await get({ 'if-none-match': given });
      expect([given, status, bytes.length]).toEqual([given, 304, 0]);
    }
    expect((await get({ 'if-none-match': '"other"' })).status).toBe(200);
    expect((await get({ 'if-range': etag, range: 'bytes=0-1' })).status).toBe(206);
    expect((await get({ 'if-range': '"other"', range: 'bytes=0-1' })).status).toBe(200);
  });

  it('tells its length to who asks for no more', async () => {
    const { status, headers, bytes } = await get({}, 'HEAD');
    expect([status, headers['content-length'], headers['content-type'], bytes.length]).toEqual([
      200,
      '300000',
      'image/png',
      0,
    ]);
  });

  it('is for guests, too, and not without a token', async () => {
    expect((await ask(url, 'GET', pathOf(uri), { as: '@guest1:one.test' })).status).toBe(200);
    expect((await ask(url, 'GET', pathOf(uri))).body.errcode).toBe('M_MISSING_TOKEN');
  });
});

describe('a download from a bucket', () => {
  const links: object[] = [];
  let bucket: string;

  beforeAll(async () => {
    const bytes: ByteStore = new FolderStore(deployment.folder);
    bytes.temporaryUrl = async (key, answer) => {
      links.push(answer);
      return `https://bucket.test/${key}`;
    };
    const s3 = { bucket: 'files', redirect_downloads: true, redirect_lifetime_ms: 90_000 };
    bucket = await deployment.replica({ s3 }, { bytes });
  });

  it('is a link to it for who follows one, which is kept by nobody and says what the file is', async () => {
    const path = `${pathOf(uri)}/a.png?allow_redirect=true`;
    const { status, headers, bytes } = await ask(bucket, 'GET', path, { as: ALICE });
    expect([status, headers['cache-control'], bytes.length]).toEqual([307, 'no-store', 0]);
    expect(headers.location).toMatch(/^https:\/\/bucket\.test\/[0-9a-f]+$/);
    expect(links).toEqual([{ contentType: 'image/png', disposition: 'inline; filename=a.png', lifetimeMs: 90_000 }]);
  });

  it('is the file for who does not ask for a link', async () => {
    for (const query of ['', '?allow_redirect=false']) {
      const { status, bytes } = await ask(bucket, 'GET', `${pathOf(uri)}${query}`, { as: ALICE });
      expect([status, bytes.equals(body)]).toEqual([200, true]);
    }
  });

  it('is the file where the operator wants no links, and nothing without a token or for what is not there', async () => {
    const path = `${pathOf(uri)}?allow_redirect=true`;
    expect((await ask(url, 'GET', path, { as: ALICE })).status).toBe(200);
    expect((await ask(bucket, 'GET', path)).status).toBe(401);
    const none = `${pathOf('mxc://one.test/none')}?allow_redirect=true`;
    expect((await ask(bucket, 'GET', none, { as: ALICE })).status).toBe(404);
  });
});

describe('a file that the store has damaged', () => {
  /** Uploads something, and changes what the disk has of it. */
  async function damaged(size: number, change: (bytes: Buffer) => Buffer): Promise<string> {
    const before = new Set(await readdir(deployment.folder, { recursive: true }));
    const uploaded = await upload(url, randomBytes(size));
    for (const path of await readdir(deployment.folder, { recursive: true })) {
      if (before.has(path) || !/[0-9a-f]{16}/.test(path)) continue;
      const file = join(deployment.folder, path);
      await writeFile(file, change(await readFile(file)));
    }
    return uploaded;
  }
  const changed = (bytes: Buffer) => Buffer.concat([bytes.subarray(0, -1), Buffer.from([bytes.at(-1)! ^ 1])]);
  const longer = (bytes: Buffer) => Buffer.concat([bytes, Buffer.from('more')]);
  const shorter = (bytes: Buffer) => bytes.subarray(0, -10);
  const changes = [
    ['changed', changed],
    ['longer', longer],
    ['shorter', shorter],
  ] as const;

  it.each(changes)('is refused when it is small: %s', async (_, change) => {
    const { status, body, headers } = await ask(url, 'GET', pathOf(await damaged(500, change)), { as: ALICE });
    expect([status, body.errcode]).toEqual([500, 'M_UNKNOWN']);
    // Mended, it is to be had at once.
    expect([headers['cache-control'], headers.etag]).toEqual([undefined, undefined]);
  });

  it.each(changes)(
    'is broken off before its end when it is large, so that nobody takes it for whole: %s',
    async (_, change) => {
      const path = pathOf(await damaged(3_000_000, change));
      await expect(ask(url, 'GET', path, { as: ALICE })).rejects.toThrow(/aborted|hang up|reset/);
    },
  );

  it.each([500, 3_000_000])(
    'is found by its hash, when it was stored before there were checksums: of %d bytes',
    async (size) => {
      const [whole, bad] = [await upload(url, randomBytes(size)), await damaged(size, changed)];
      await deployment.db.query({ text: 'UPDATE media.blobs SET crc32 = NULL' });
      expect((await ask(url, 'GET', pathOf(whole), { as: ALICE })).bytes.length).toBe(size);
      const answer = ask(url, 'GET', pathOf(bad), { as: ALICE }).then(({ status }) => status);
      expect([500, 'broken off']).toContain(await answer.catch(() => 'broken off'));
      // Whoever uploads the same adds what is missing.
      const again = randomBytes(size);
      await upload(url, again);
      await deployment.db.query({ text: 'UPDATE media.blobs SET crc32 = NULL' });
      await upload(url, again);
      const { rows } = await deployment.db.query({ text: 'SELECT FROM media.blobs WHERE crc32 IS NOT NULL' });
      expect(rows.length).toBe(1);
    },
  );

  it('is no reason to refuse a part of it, nor other files', async () => {
    const path = pathOf(await damaged(3_000_000, changed));
    const part = (range: string) => ask(url, 'GET', path, { as: ALICE, headers: { range } });
    await expect(part('bytes=0-')).rejects.toThrow(/aborted|hang up|reset/);
    const { status, bytes } = await part('bytes=0-999');
    expect([status, bytes.length]).toEqual([206, 1_000]);
    expect((await get()).bytes.equals(body)).toBe(true);
  });
});

describe('a download is refused', () => {
  it.each([
    ['of what there is not', 'mxc://one.test/nothing', 404, 'M_NOT_FOUND'],
    ['of a path in the place of an id', 'mxc://one.test/..%2f..%2fetc%2fpasswd', 400, 'M_INVALID_PARAM'],
    ['of an id with a dot', 'mxc://one.test/a.b', 400, 'M_INVALID_PARAM'],
    ['of no server', 'mxc://not%20a%20server/abc', 400, 'M_INVALID_PARAM'],
    ['of a server that is a path', 'mxc://..%2f/abc', 400, 'M_INVALID_PARAM'],
  ])('%s', async (_, wanted, status, errcode) => {
    const answer = await ask(url, 'GET', pathOf(wanted), { as: ALICE });
    expect([answer.status, answer.body.errcode]).toEqual([status, errcode]);
  });

  it.each(['x', '-1', '1.5', ''])('with %j as the time to wait', async (time) => {
    const { status, body } = await ask(url, 'GET', `${pathOf(uri)}?timeout_ms=${time}`, { as: ALICE });
    expect([status, body.errcode]).toEqual([400, 'M_INVALID_PARAM']);
  });
});
