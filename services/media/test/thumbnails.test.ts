import { eventually } from '@ganglion/testing';
import sharp from 'sharp';
import type { FileName } from '../src/domain/ports/file-store.js';
import { Preparation } from '../src/domain/preparation.js';
import { FolderStore } from '../src/storage/folder-store.js';
import { ALICE, ask, legacyPathOf, pathOf, upload } from './support/client.js';
import { type Deployment, deploy } from './support/deployment.js';
import { animation, colourAt, halves, pngThatClaims } from './support/images.js';
import { keysIn, looseKeys } from './support/store-contents.js';
import { workersOf } from './support/workers.js';

let deployment: Deployment;
let url: string;
let photo: string;

beforeAll(async () => {
  deployment = await deploy();
  url = await deployment.replica();
  photo = await upload(url, await halves(1_200, 800).jpeg().toBuffer(), 'image/jpeg');
});
afterAll(() => deployment.close());

const thumbnail = (uri: string, query: string, at = url) =>
  ask(at, 'GET', `${pathOf(uri, 'thumbnail')}?${query}`, { as: ALICE });

async function sizeOf(bytes: Buffer): Promise<string> {
  const { width, height } = await sharp(bytes).metadata();
  return `${width}x${height}`;
}

async function refusalOf(body: Buffer | string, query = 'width=96&height=96&method=crop', type = 'image/png') {
  const { status, body: answer } = await thumbnail(await upload(url, body, type), query);
  return [status, answer?.errcode];
}

describe('a thumbnail', () => {
  it.each([
    ['width=32&height=32&method=crop', '32x32'],
    ['width=96&height=96&method=crop', '96x96'],
    ['width=320&height=240&method=scale', '320x213'],
    ['width=640&height=480&method=scale', '640x427'],
    ['width=800&height=600', '800x533'],
    ['width=300&height=100&method=crop', '320x107'],
  ])('of %s has %s pixels', async (query, size) => {
    const { status, headers, bytes } = await thumbnail(photo, query);
    expect([status, headers['content-type'], await sizeOf(bytes)]).toEqual([200, 'image/jpeg', size]);
  });

  it('is named, shown in place, kept for ever and nothing but an image to browsers', async () => {
    const { headers, bytes } = await thumbnail(photo, 'width=32&height=32&method=crop');
    expect(headers).toMatchObject({
      'content-disposition': 'inline; filename=thumbnail.jpeg',
      'cache-control': 'private, max-age=31536000, immutable',
      'cross-origin-resource-policy': 'cross-origin',
      'x-content-type-options': 'nosniff',
      'content-length': String(bytes.length),
    });
    const again = await ask(url, 'GET', `${pathOf(photo, 'thumbnail')}?width=32&height=32&method=crop`, {
      as: ALICE,
      headers: { 'if-none-match': headers.etag! },
    });
    expect(again.status).toBe(304);
  });

  it('stands as the camera was held', async () => {
    const turned = await halves(400, 200).withMetadata({ orientation: 6 }).jpeg().toBuffer();
    const { bytes } = await thumbnail(await upload(url, turned, 'image/jpeg'), 'width=96&height=96&method=scale');
    expect(await sizeOf(bytes)).toBe('48x96');
    expect([await colourAt(bytes, 24, 5), await colourAt(bytes, 24, 90)]).toEqual(['red', 'blue']);
  });

  it('says nothing of where a photograph was taken', async () => {
    const exif = { IFD0: { Copyright: 'a secret' }, IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '51/1 30/1 0/1' } };
    const tagged = await halves(400, 200).withExif(exif).jpeg().toBuffer();
    expect(tagged.includes('a secret')).toBe(true);
    const { bytes } = await thumbnail(await upload(url, tagged, 'image/jpeg'), 'width=96&height=96');
    expect((await sharp(bytes).metadata()).exif).toBeUndefined();
  });

  it('lets through what was transparent', async () => {
    const glass = await sharp({ create: { width: 200, height: 200, channels: 4, background: '#00000000' } })
      .png()
      .toBuffer();
    const { headers, bytes } = await thumbnail(await upload(url, glass, 'image/png'), 'width=32&height=32');
    expect(headers['content-type']).toBe('image/png');
    expect((await sharp(bytes).stats()).isOpaque).toBe(false);
  });

  it('moves when that is wanted, and never when it is not', async () => {
    const uri = await upload(url, await animation(200, 200), 'image/gif');
    const moving = await thumbnail(uri, 'width=96&height=96&method=crop&animated=true');
    expect(moving.headers['content-type']).toBe('image/webp');
    expect(await sharp(moving.bytes).metadata()).toMatchObject({ pages: 3, width: 96 });
    for (const query of ['&animated=false', '']) {
      const still = await thumbnail(uri, `width=96&height=96&method=crop${query}`);
      expect([still.status, (await sharp(still.bytes).metadata()).pages ?? 1]).toEqual([200, 1]);
    }
    expect((await thumbnail(photo, 'width=32&height=32&animated=true')).headers['content-type']).toBe('image/jpeg');
  });

  it('of a small image is the image itself, unless that moves and must not', async () => {
    const small = await halves(20, 20).png().toBuffer();
    const { headers, bytes } = await thumbnail(await upload(url, small, 'text/html'), 'width=32&height=32');
    expect([headers['content-type'], headers['content-disposition'], bytes.equals(small)]).toEqual([
      'image/png',
      'inline; filename=thumbnail.png',
      true,
    ]);
    const moving = await animation(20, 20);
    const uri = await upload(url, moving, 'image/gif');
    expect((await thumbnail(uri, 'width=32&height=32&animated=true')).bytes.equals(moving)).toBe(true);
    const still = (await thumbnail(uri, 'width=32&height=32')).bytes;
    expect([await sizeOf(still), (await sharp(still).metadata()).pages ?? 1]).toEqual(['20x20', 1]);
  });

  it.each(['png', 'webp', 'gif', 'avif'] as const)('is made of %s whatever its uploader called it', async (format) => {
    const image = await halves(300, 300).toFormat(format).toBuffer();
    const { status, bytes } = await thumbnail(
      await upload(url, image, 'application/octet-stream'),
      'width=32&height=32',
    );
    expect([status, await colourAt(bytes, 4, 16), await colourAt(bytes, 28, 16)]).toEqual([200, 'red', 'blue']);
  });

  it('is had from the older endpoint by those who show a token, and by others of what they may download', async () => {
    const path = `${legacyPathOf(photo, 'thumbnail')}?width=32&height=32&method=crop`;
    expect((await ask(url, 'GET', path, { as: ALICE })).status).toBe(200);
    expect((await ask(url, 'GET', path)).body.errcode).toBe('M_NOT_FOUND');
    const open = await deployment.replica({ unauthenticated_downloads: 'open' });
    const shared = await upload(open, await halves(400, 400).png().toBuffer(), 'image/png');
    const answer = await ask(open, 'GET', `${legacyPathOf(shared, 'thumbnail')}?width=32&height=32`);
    expect([answer.status, answer.headers['cache-control']]).toEqual([200, 'public, max-age=31536000, immutable']);
  });

  it('is made once for many who ask, and harmlessly twice by two replicas', async () => {
    const other = await deployment.replica();
    const uri = await upload(url, await halves(900, 700).png().toBuffer(), 'image/png');
    const asked = Array.from({ length: 12 }, (_, index) =>
      thumbnail(uri, 'width=640&height=480', index % 2 === 0 ? url : other),
    );
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual(Array(12).fill(200));
    const { rows } = await deployment.db.query<{ count: number }>({
      text: `SELECT count(*) FROM media.thumbnails t JOIN media.files f USING (blob_nid) WHERE f.media_id = $1`,
      values: [uri.split('/').at(-1)],
    });
    expect(rows[0]!.count).toBe(1);
    await eventually(async () => {
      expect(await looseKeys(deployment.db)).toBe(0);
      const { rows: known } = await deployment.db.query<{ store_key: string }>({
        text: `SELECT store_key FROM media.blobs UNION SELECT store_key FROM media.thumbnails WHERE store_key IS NOT NULL
          ORDER BY 1`,
      });
      expect(await keysIn(new FolderStore(deployment.folder))).toEqual(known.map(({ store_key }) => store_key));
    });
  });

  it('takes no more room in the store however many shapes are asked for', async () => {
    const uri = await upload(url, await halves(300, 200).png().toBuffer(), 'image/png');
    for (let width = 1; width <= 48; width++) {
      expect((await thumbnail(uri, `width=${width}&height=32&method=crop`)).status).toBe(200);
    }
    const { rows } = await deployment.db.query<{ count: number }>({
      text: `SELECT count(*) FROM media.thumbnails t JOIN media.files f USING (blob_nid) WHERE f.media_id = $1`,
      values: [uri.split('/').at(-1)],
    });
    expect(rows[0]!.count).toBe(40);
  }, 120_000);
});

describe('where thumbnails are prepared', () => {
  async function kindsOf(uri: string): Promise<string[]> {
    const { rows } = await deployment.db.query<{ kind: string }>({
      text: `SELECT kind FROM media.thumbnails JOIN media.files USING (blob_nid) WHERE media_id = $1 ORDER BY 1`,
      values: [uri.split('/').at(-1)],
    });
    return rows.map(({ kind }) => kind);
  }
  const USUAL = ['320x240-scale', '32x32-crop', '640x480-scale', '800x600-scale', '96x96-crop'];

  it('the usual ones are there before anybody asks, of images that were uploaded', async () => {
    const preparing = await deployment.replica({ thumbnails: { prepare: true, processes: 1 } });
    const elsewhere = await upload(url, await halves(1_000, 700).png().toBuffer(), 'image/png');
    const broken = await upload(preparing, 'no image', 'image/png');
    const uri = await upload(preparing, await halves(1_000, 800).png().toBuffer(), 'image/png');
    await eventually(async () => expect(await kindsOf(uri)).toEqual(USUAL), 60_000);
    expect([await kindsOf(elsewhere), await kindsOf(broken)]).toEqual([[], []]);
    const { status, bytes } = await thumbnail(uri, 'width=96&height=96&method=crop', preparing);
    expect([status, await sizeOf(bytes), await kindsOf(uri)]).toEqual([200, '96x96', USUAL]);
  }, 120_000);

  it('further images are taken while many wait, and have their thumbnails when somebody asks', async () => {
    const { promise: blocked, resolve: goOn } = Promise.withResolvers<void>();
    const looked: string[] = [];
    const files = {
      async find(name: FileName) {
        looked.push(name.mediaId);
        await blocked;
        return undefined;
      },
    };
    const failures: unknown[] = [];
    const preparation = new Preparation(files, { find: async () => ({ contentType: '' }) }, (error) =>
      failures.push(error),
    );
    for (let n = 0; n < 3_000; n++) preparation.note({ serverName: 'one.test', mediaId: `n${n}` }, 'image/png');
    preparation.note({ serverName: 'one.test', mediaId: 'text' }, 'text/plain');
    goOn();
    await eventually(() => expect(looked.length).toBeGreaterThanOrEqual(1_001));
    preparation.note({ serverName: 'one.test', mediaId: 'later' }, 'image/png');
    await eventually(() => expect(looked.at(-1)).toBe('later'));
    expect([looked.length, failures]).toEqual([1_002, []]);
    await preparation.stop();
  });

  it('one image that fails is told of, and others go on; what waits when the server stops is dropped', async () => {
    const looked: string[] = [];
    const files = {
      async find({ mediaId }: FileName) {
        looked.push(mediaId);
        if (mediaId === 'bad') throw new Error('the database is away');
        return undefined;
      },
    };
    const failures: unknown[] = [];
    const preparation = new Preparation(files, { find: async () => ({ contentType: '' }) }, (error) =>
      failures.push(error),
    );
    for (const mediaId of ['bad', 'good']) preparation.note({ serverName: 'one.test', mediaId }, 'image/png');
    await eventually(() => expect(looked).toEqual(['bad', 'good']));
    expect(failures).toEqual([new Error('the database is away')]);
    const stopped = preparation.stop();
    preparation.note({ serverName: 'one.test', mediaId: 'late' }, 'image/png');
    await stopped;
    expect(looked).not.toContain('late');
  });
});

describe('there is no thumbnail', () => {
  it.each([
    ['of a text', 'hello', 'text/plain'],
    ['of a text that is called an image', 'hello', 'image/png'],
    ['of SVG', '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', 'image/svg+xml'],
    ['of SVG that is called PNG', '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', 'image/png'],
    ['of nothing', '', 'image/png'],
    ['of PDF', '%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj', 'image/png'],
  ])('%s', async (_, body, type) => {
    expect(await refusalOf(body, undefined, type)).toEqual([400, 'M_UNKNOWN']);
  });

  it.each(['jpeg', 'png', 'gif', 'webp'] as const)(
    'of %s that is cut short',
    async (format) => {
      const whole = await sharp({
        create: {
          width: 300,
          height: 300,
          channels: 3,
          background: '#fff',
          noise: { type: 'gaussian', mean: 128, sigma: 60 },
        },
      })
        .toFormat(format)
        .toBuffer();
      expect(await refusalOf(whole.subarray(0, whole.length / 3))).toEqual([400, 'M_UNKNOWN']);
    },
    120_000,
  );

  it('of a few bytes that claim a thousand million pixels', async () => {
    expect(await refusalOf(pngThatClaims(40_000, 25_000, false))).toEqual([413, 'M_TOO_LARGE']);
  });

  it('of what has more pixels than it has bytes, by far', async () => {
    const limited = await deployment.replica({ thumbnails: { max_pixels: 1_000_000 } });
    const uri = await upload(limited, pngThatClaims(2_000, 2_000, true), 'image/png');
    expect((await thumbnail(uri, 'width=32&height=32', limited)).body.errcode).toBe('M_TOO_LARGE');
  });

  it('of what is a large file', async () => {
    const limited = await deployment.replica({ thumbnails: { max_source_bytes: 1_000 } });
    const { status, body } = await thumbnail(photo, 'width=33&height=33', limited);
    expect([status, body.errcode]).toEqual([413, 'M_TOO_LARGE']);
  });

  it('of what takes too much memory or time, and others go on', async () => {
    const heavy = await sharp({ create: { width: 6_000, height: 6_000, channels: 4, background: '#fff' } })
      .webp({ lossless: true })
      .toBuffer();
    for (const limit of [{ max_memory_bytes: 90_000_000 }, { timeout_ms: 30 }]) {
      const limited = await deployment.replica({ thumbnails: { ...limit, processes: 1 } });
      const uri = await upload(limited, Buffer.concat([heavy, Buffer.from(JSON.stringify(limit))]), 'image/webp');
      const { status, body } = await thumbnail(uri, 'width=96&height=96', limited);
      expect([status, body.errcode]).toEqual([413, 'M_TOO_LARGE']);
    }
    expect((await thumbnail(photo, 'width=96&height=96&method=crop')).status).toBe(200);
  }, 60_000);

  it.each([
    ['width=0&height=32', 'M_INVALID_PARAM'],
    ['width=-1&height=32', 'M_INVALID_PARAM'],
    ['width=1.5&height=32', 'M_INVALID_PARAM'],
    ['width=99999&height=32', 'M_INVALID_PARAM'],
    ['width=32', 'M_MISSING_PARAM'],
    ['width=32&height=32&method=stretch', 'M_INVALID_PARAM'],
    ['width=32&height=32&animated=perhaps', 'M_INVALID_PARAM'],
  ])('for %s', async (query, errcode) => {
    const { status, body } = await thumbnail(photo, query);
    expect([status, body.errcode]).toEqual([400, errcode]);
  });
});

it('a process that dies over an image costs whoever wanted that thumbnail, and nobody else', async () => {
  const replica = await deployment.replica({ thumbnails: { processes: 1 } });
  await thumbnail(photo, 'width=320&height=240', replica);
  const slow = await upload(
    replica,
    await sharp({ create: { width: 4_000, height: 4_000, channels: 3, background: '#123' } })
      .webp()
      .toBuffer(),
    'image/webp',
  );
  const killed = thumbnail(slow, 'width=96&height=96', replica);
  const waiting = thumbnail(photo, 'width=250&height=250&method=crop', replica);
  const dying = new Set<number>();
  await eventually(async () => {
    for (const pid of await workersOf(process.pid)) {
      process.kill(pid, 'SIGKILL');
      dying.add(pid);
    }
    expect(await Promise.race([killed, Promise.resolve(undefined)])).toBeDefined();
  });
  expect([200, 413]).toContain((await killed).status);
  expect([200, 413]).toContain((await waiting).status);
  // Whoever is given to one that is about to end would lose with it.
  await eventually(async () => expect((await workersOf(process.pid)).filter((pid) => dying.has(pid))).toEqual([]));
  const { status } = await thumbnail(photo, 'width=1000&height=600', replica);
  expect(status).toBe(200);
}, 60_000);
