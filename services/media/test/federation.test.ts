import { randomBytes } from 'node:crypto';
import { Outgoing, type OutgoingRequest } from '@ganglion/outgoing';
import { authorizeRequest } from '@ganglion/protocol';
import { eventually } from '@ganglion/testing';
import { FolderStore } from '../src/storage/folder-store.js';
import { ALICE, ask, legacyPathOf, pathOf, upload } from './support/client.js';
import { type Deployment, deploy, FAR, FAR_KEY } from './support/deployment.js';
import { type FarFiles, FEDERATION, OLD, PARTS, parts, type Respond, startFarFiles } from './support/far-files.js';
import { halves } from './support/images.js';
import { keysIn, keysKnown, looseKeys } from './support/store-contents.js';

let deployment: Deployment;
let ours: string;
let far: FarFiles;

beforeAll(async () => {
  [deployment, far] = [await deploy(), await startFarFiles()];
  ours = await deployment.replica({ max_remote_bytes: 1_000_000 }, { remoteSource: far.source() });
});
afterAll(async () => {
  await far.close();
  await deployment.close();
});

const picture = await halves(300, 200).png().toBuffer();
const get = (uri: string, query = '', at = ours) => ask(at, 'GET', `${pathOf(uri)}${query}`, { as: ALICE });

describe('another server', () => {
  const signed = (path: string, key = FAR_KEY) =>
    ask(ours, 'GET', path, {
      headers: {
        authorization: authorizeRequest(
          { method: 'GET', uri: path, origin: FAR, destination: 'one.test', content: undefined },
          key,
        ),
      },
    });

  it('gets files of ours, and thumbnails of them', async () => {
    const image = await halves(300, 200).png().toBuffer();
    const uri = await upload(ours, image, 'image/png');
    // Two of our own, one of which asks the other as another server would.
    const other = await deploy();
    const theirs = await other.replica({}, { remoteSource: far.source({ url: ours }) });
    const copied = await get(uri.replace('one.test', 'three.test'), '', theirs);
    expect([copied.status, copied.headers['content-type'], copied.bytes.equals(image)]).toEqual([
      200,
      'image/png',
      true,
    ]);
    await other.close();
    const path = `/_matrix/federation/v1/media/thumbnail/${uri.split('/').at(-1)}?width=32&height=32&method=crop`;
    const thumbnail = await signed(path);
    expect([thumbnail.status, thumbnail.headers['content-type']]).toEqual([
      200,
      expect.stringMatching(/^multipart\/mixed; boundary=/),
    ]);
    expect(thumbnail.bytes.includes('Content-Disposition: inline; filename=thumbnail.')).toBe(true);
  });

  it('gets nothing that is in quarantine, that is not there, or that it has not signed for', async () => {
    const uri = await upload(ours, 'bad');
    const path = `${FEDERATION}${uri.split('/').at(-1)}`;
    expect((await signed(path)).status).toBe(200);
    await ask(ours, 'POST', `/_synapse/admin/v1/media/quarantine/${uri.slice(6)}`, { as: '@admin:one.test' });
    expect((await signed(path)).body.errcode).toBe('M_NOT_FOUND');
    expect((await signed(`${FEDERATION}none`)).status).toBe(404);
    expect((await signed(`${FEDERATION}a.b`)).status).toBe(400);
    expect((await ask(ours, 'GET', path)).status).toBe(401);
  });
});

describe('a file of another server', () => {
  it.each([1, 2, 7, 50, 5_000])('is fetched when it comes in %d pieces', async (pieces) => {
    const bytes = Buffer.concat([randomBytes(5_000), Buffer.from('\r\n--=_'), randomBytes(100), Buffer.from('\r\n')]);
    const uri = far.remote(
      parts(bytes, 'Content-Type: text/plain\r\nContent-Disposition: attachment; filename="a.txt"', pieces),
    );
    const { status, headers, bytes: got } = await get(uri);
    expect([status, headers['content-type'], headers['content-disposition'], got.equals(bytes)]).toEqual([
      200,
      'text/plain',
      'inline; filename=a.txt',
      true,
    ]);
  });

  it('is fetched once for all who want it, and is then here', async () => {
    const uri = far.remote(parts(randomBytes(200_000), 'Content-Type: text/plain', 20));
    const all = await Promise.all(Array.from({ length: 12 }, () => get(uri)));
    expect(all.map(({ status, bytes }) => [status, bytes.length])).toEqual(all.map(() => [200, 200_000]));
    await get(uri);
    expect(far.timesAsked(uri)).toBe(1);
  });

  it('is had once however many replicas fetch it at the same time', async () => {
    const replicas = [ours, await deployment.replica({}, { remoteSource: far.source() })];
    const uri = far.remote(parts(randomBytes(100_000), 'Content-Type: text/plain', 5));
    const all = await Promise.all(replicas.map((replica) => get(uri, '', replica)));
    expect(all.map(({ status }) => status)).toEqual([200, 200]);
    await eventually(async () => {
      expect(await looseKeys(deployment.db)).toBe(0);
      expect(await keysIn(new FolderStore(deployment.folder))).toEqual(await keysKnown(deployment.db));
    });
  });

  it('is asked of old servers in the old way', async () => {
    const uri = far.remote((response) => response.writeHead(200, { 'content-type': 'text/csv' }).end('a,b'), OLD);
    const mediaId = uri.split('/').at(-1);
    far.answers.set(`${FEDERATION}${mediaId}`, (response) =>
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"errcode":"M_UNRECOGNIZED"}'),
    );
    const { status, headers, bytes } = await get(uri);
    expect([status, headers['content-type'], bytes.toString()]).toEqual([200, 'text/csv', 'a,b']);
  });

  it('has thumbnails before anybody has asked for it', async () => {
    const uri = far.remote(parts(await halves(300, 200).png().toBuffer(), 'Content-Type: image/png'));
    const { status } = await ask(ours, 'GET', `${pathOf(uri, 'thumbnail')}?width=32&height=32`, { as: ALICE });
    expect(status).toBe(200);
  });

  it('never has a dangerous type, whatever its server says', async () => {
    const html = far.remote(parts('<script>alert(1)</script>', 'Content-Type: text/html'));
    expect((await get(html)).headers['content-disposition']).toBe('attachment');
    const odd = far.remote(parts('x', 'Content-Type: text/html\u00ff; <>'));
    expect((await get(odd)).headers['content-type']).toBe('application/octet-stream');
    const named = far.remote(
      parts('x', 'Content-Type: text/plain\r\nContent-Disposition: attachment; filename="../../etc/passwd"'),
    );
    expect((await get(named)).headers['content-disposition']).not.toContain('/');
  });

  it('is not fetched for those who do not want that, or show no token', async () => {
    const uri = far.remote(parts('x', 'Content-Type: text/plain'));
    expect((await get(uri, '?allow_remote=false')).status).toBe(404);
    expect((await ask(ours, 'GET', legacyPathOf(uri))).status).toBe(404);
    expect(far.timesAsked(uri)).toBe(0);
  });

  it.each<[string, Respond, number, string]>([
    ['is not there', (response) => response.writeHead(404).end('{"errcode":"M_NOT_FOUND"}'), 404, 'M_NOT_FOUND'],
    [
      'is not uploaded yet',
      (response) => response.writeHead(504).end('{"errcode":"M_NOT_YET_UPLOADED"}'),
      504,
      'M_NOT_YET_UPLOADED',
    ],
    ['is refused', (response) => response.writeHead(403).end('{"errcode":"M_FORBIDDEN"}'), 502, 'M_UNKNOWN'],
    [
      'comes as something else',
      (response) => response.writeHead(200, { 'content-type': 'text/plain' }).end('x'),
      502,
      'M_UNKNOWN',
    ],
    [
      'has no second part',
      (response) =>
        response.writeHead(200, { 'content-type': 'multipart/mixed; boundary=b' }).end('--b\r\n\r\n{}\r\n--b--\r\n'),
      502,
      'M_UNKNOWN',
    ],
    [
      'has headers without end',
      (response) =>
        response
          .writeHead(200, { 'content-type': 'multipart/mixed; boundary=b' })
          .end(`--b\r\n\r\n{}\r\n--b\r\n${'x: y\r\n'.repeat(50_000)}`),
      502,
      'M_UNKNOWN',
    ],
    [
      'breaks off',
      (response) =>
        response
          .writeHead(200, { 'content-type': 'multipart/mixed; boundary=b' })
          .end('--b\r\n\r\n{}\r\n--b\r\ncontent-type: text/plain\r\n\r\nhalf'),
      502,
      'M_UNKNOWN',
    ],
    [
      'says that it is too large',
      (response) => response.writeHead(200, { ...PARTS, 'content-length': 2_000_000 }).write('x'),
      502,
      'M_TOO_LARGE',
    ],
    [
      'is elsewhere, at a place that is not of the Web',
      parts('', 'Location: https://127.0.0.1:1/secret'),
      502,
      'M_UNKNOWN',
    ],
    ['is elsewhere, over plain HTTP', parts('', 'Location: http://example.org/'), 502, 'M_UNKNOWN'],
  ])('that %s leaves nothing here', async (_, respond, status, errcode) => {
    const before = await keysKnown(deployment.db);
    const { status: got, body } = await get(far.remote(respond));
    expect([got, body.errcode]).toEqual([status, errcode]);
    await eventually(async () => expect(await looseKeys(deployment.db)).toBe(0));
    expect(await keysKnown(deployment.db)).toEqual(before);
  });

  it.each<[string, Buffer | string, string, string, number]>([
    ['an image that is called a text', picture, 'text/plain', 'inline', 200],
    ['an image that is called a page', picture, 'text/html', 'attachment', 200],
    ['a page that is called an image', '<script>alert(1)</script>', 'image/png', 'inline', 400],
  ])(
    'whose server names a wrong type is taken for nothing else, and has a thumbnail if it is an image: %s',
    async (_, bytes, type, disposition, small) => {
      const uri = far.remote(parts(bytes, `Content-Type: ${type}`));
      const { status, headers } = await get(uri);
      expect([status, headers]).toEqual([
        200,
        expect.objectContaining({
          'content-type': type,
          'content-disposition': disposition,
          'x-content-type-options': 'nosniff',
          'content-security-policy': expect.stringContaining('sandbox'),
        }),
      ]);
      const thumbnail = await ask(ours, 'GET', `${pathOf(uri, 'thumbnail')}?width=32&height=32`, { as: ALICE });
      expect([thumbnail.status, thumbnail.headers['content-type']]).toEqual([
        small,
        small === 200 ? 'image/png' : 'application/json',
      ]);
    },
  );

  it('that streams without end, or never, is given up', async () => {
    const endless = far.remote((response) => {
      response.writeHead(200, { 'content-type': 'multipart/mixed; boundary=b' });
      response.write('--b\r\n\r\n{}\r\n--b\r\ncontent-type: text/plain\r\n\r\n');
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(50_000)));
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    });
    // Whoever asked first was told a part of it.
    await expect(get(endless)).rejects.toThrow();
    expect((await get(endless)).body.errcode).toBe('M_TOO_LARGE');
    expect(far.timesAsked(endless)).toBe(1);
    expect((await get(far.remote(() => {}))).status).toBe(502);
  });
});

describe('a file of another server that is elsewhere', () => {
  const outgoing = new Outgoing({ allowedNetworks: ['127.0.0.0/8'] });
  let there: string;
  let places = 0;

  beforeAll(async () => {
    // Of the Web there is only plain HTTP here.
    const open = (asked: OutgoingRequest) => outgoing.open({ ...asked, protocols: ['http:', 'https:'] });
    there = await deployment.replica(
      { max_remote_bytes: 1_000_000 },
      { remoteSource: far.source({ elsewhere: { open } }) },
    );
  });
  afterAll(() => outgoing.close());

  /** The URL of a place that answers so. */
  function place(respond: Respond): string {
    const path = `/elsewhere/${++places}/`;
    far.answers.set(path, respond);
    return `${far.url}${path}`;
  }
  const redirect = (status: number, location: string) =>
    place((response) => response.writeHead(status, { location }).end());
  const at = (location: string) => far.remote(parts('', `Location: ${location}`));

  it('is fetched there, with the type and the name that it has there', async () => {
    const bytes = randomBytes(200_000);
    const headers = { 'content-type': 'text/csv', 'content-disposition': 'attachment; filename="a b.csv"' };
    const uri = at(place((response) => response.writeHead(200, headers).end(bytes)));
    const first = await get(uri, '', there);
    expect([first.status, first.headers['content-type'], first.bytes.equals(bytes)]).toEqual([200, 'text/csv', true]);
    expect(first.headers['content-disposition']).toContain('filename="a b.csv"');
    expect((await get(uri, '', there)).bytes.equals(bytes)).toBe(true);
    expect(far.timesAsked(uri)).toBe(1);
  });

  it.each([301, 302, 303, 307, 308])(
    'is fetched over a chain of %d, each asked by GET and without our signature',
    async (status) => {
      const end = place((response) => response.writeHead(200, { 'content-type': 'text/plain' }).end('here'));
      const start = redirect(status, redirect(status, redirect(status, end)));
      const before = far.requests.length;
      expect((await get(at(start), '', there)).bytes.toString()).toBe('here');
      const [asked, ...followed] = far.requests.slice(before);
      expect(asked!.headers.authorization).toMatch(/^X-Matrix /);
      expect(followed.map(({ method, headers }) => [method, headers.authorization])).toEqual(
        Array(4).fill(['GET', undefined]),
      );
    },
  );

  it('is not fetched over a chain that is too long, or a circle', async () => {
    const end = place((response) => response.end('here'));
    const long = redirect(307, redirect(308, redirect(307, redirect(308, end))));
    const circle: string = redirect(307, `${far.url}/elsewhere/${places + 1}/`);
    for (const start of [long, circle]) {
      const { status, body } = await get(at(start), '', there);
      expect([status, body.errcode]).toEqual([502, 'M_UNKNOWN']);
    }
    expect(far.asked).not.toContain(new URL(end).pathname);
  });

  it.each<[string, Respond, number, string]>([
    [
      'says that it is too large',
      (response) => response.writeHead(200, { 'content-length': 2_000_000 }).write('x'),
      502,
      'M_TOO_LARGE',
    ],
    ['does not have it', (response) => response.writeHead(404).end(), 502, 'M_UNKNOWN'],
    [
      'leads into a network that is not of the Web',
      (response) => response.writeHead(307, { location: 'http://10.1.2.3/' }).end(),
      502,
      'M_UNKNOWN',
    ],
    [
      'leads to a file',
      (response) => response.writeHead(308, { location: 'file:///etc/passwd' }).end(),
      502,
      'M_UNKNOWN',
    ],
    [
      'breaks off',
      (response) => void response.writeHead(200, { 'content-length': 500 }).write('x', () => response.destroy()),
      502,
      'M_UNKNOWN',
    ],
  ])('at a place that %s leaves nothing here', async (_, respond, status, errcode) => {
    const before = await keysKnown(deployment.db);
    const { status: got, body } = await get(at(place(respond)), '', there);
    expect([got, body.errcode]).toEqual([status, errcode]);
    expect(await keysKnown(deployment.db)).toEqual(before);
  });
});
