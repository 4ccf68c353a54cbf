import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { eventually } from '@ganglion/testing';
import { FolderStore } from '../src/storage/folder-store.js';
import { ALICE, ask, BOB, legacyPathOf, pathOf, upload } from './support/client.js';
import { type Deployment, deploy } from './support/deployment.js';
import { keysIn, keysKnown, looseKeys } from './support/store-contents.js';

const UPLOAD = '/_matrix/media/v3/upload';
let deployment: Deployment;
let store: FolderStore;
let one: string;
let other: string;

beforeAll(async () => {
  deployment = await deploy();
  store = new FolderStore(deployment.folder);
  const settings = { max_upload_bytes: 1_000_000, upload_idle_ms: 1_000, refused_types: ['application/x-evil'] };
  one = await deployment.replica(settings);
  other = await deployment.replica(settings);
});
afterAll(() => deployment.close());
afterEach(async () => {
  // Whatever happened: nothing lies about, and nothing is missing.
  await eventually(async () => {
    expect(await looseKeys(deployment.db)).toBe(0);
    expect(await keysIn(store)).toEqual(await keysKnown(deployment.db));
  });
});

describe('an upload', () => {
  it('can be downloaded from every replica as it was', async () => {
    const body = randomBytes(700_000);
    const uri = await upload(one, body, 'application/x-thing');
    expect(uri).toMatch(/^mxc:\/\/one\.test\/[A-Za-z0-9_-]{24}$/);
    for (const url of [one, other]) {
      const { status, bytes, headers } = await ask(url, 'GET', pathOf(uri), { as: BOB });
      expect([status, headers['content-type'], bytes.equals(body)]).toEqual([200, 'application/x-thing', true]);
    }
  });

  it('belongs to the server of who uploads', async () => {
    expect(await upload(one, 'hello', 'text/plain', BOB)).toMatch(/^mxc:\/\/two\.test\//);
  });

  it('may be empty, and of no type', async () => {
    const { body } = await ask(one, 'POST', UPLOAD, { as: ALICE });
    const { status, bytes, headers } = await ask(one, 'GET', pathOf(body.content_uri), { as: ALICE });
    expect([status, bytes.length, headers['content-type']]).toEqual([200, 0, 'application/octet-stream']);
  });

  it('of what was uploaded before is stored once', async () => {
    const body = randomBytes(10_000);
    const uris = await Promise.all(Array.from({ length: 20 }, (_, i) => upload(i % 2 ? one : other, body)));
    expect(new Set(uris).size).toBe(20);
    const { rows } = await deployment.db.query({
      text: `SELECT refs FROM media.blobs WHERE sha256 = sha256($1)`,
      values: [body],
    });
    expect(rows).toEqual([{ refs: 20 }]);
    for (const uri of uris) expect((await ask(one, 'GET', pathOf(uri), { as: ALICE })).bytes.equals(body)).toBe(true);
  });

  it('in chunks without a length is as good', async () => {
    const chunks = Array.from({ length: 10 }, () => randomBytes(5_000));
    async function* body() {
      yield* chunks;
    }
    const { body: answer } = await ask(one, 'POST', UPLOAD, { as: ALICE, body: body() });
    const { bytes } = await ask(one, 'GET', pathOf(answer.content_uri), { as: ALICE });
    expect(bytes.equals(Buffer.concat(chunks))).toBe(true);
  });

  it('of JSON is not looked into', async () => {
    const uri = await upload(one, '{"half": ', 'application/json');
    expect((await ask(one, 'GET', pathOf(uri), { as: ALICE })).bytes.toString()).toBe('{"half": ');
  });
});

describe('an upload is refused', () => {
  it('without an access token, and to guests', async () => {
    expect((await ask(one, 'POST', UPLOAD, { body: 'x' })).body.errcode).toBe('M_MISSING_TOKEN');
    const { status, body } = await ask(one, 'POST', UPLOAD, { body: 'x', as: '@guest1:one.test' });
    expect([status, body.errcode]).toEqual([403, 'M_GUEST_ACCESS_FORBIDDEN']);
  });

  it('when it says that it is too large', async () => {
    const { status, body } = await ask(one, 'POST', UPLOAD, { as: ALICE, body: Buffer.alloc(1_000_001) });
    expect([status, body.errcode]).toEqual([413, 'M_TOO_LARGE']);
    expect(body.error).toContain('1000000 bytes');
  });

  it('when it goes on without end', async () => {
    async function* endless() {
      for (let i = 0; i < 10_000; i++) yield Buffer.alloc(16_384);
    }
    const { status, body } = await ask(one, 'POST', UPLOAD, { as: ALICE, body: endless() });
    expect([status, body.errcode]).toEqual([413, 'M_TOO_LARGE']);
  });

  it('when its type may not be uploaded', async () => {
    const headers = { 'content-type': 'Application/X-Evil; charset=utf-8' };
    const { status, body } = await ask(one, 'POST', UPLOAD, { as: ALICE, body: 'x', headers });
    expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN']);
  });

  it('when its name is too long', async () => {
    const { status, body } = await ask(one, 'POST', `${UPLOAD}?filename=${'x'.repeat(256)}`, { as: ALICE, body: 'x' });
    expect([status, body.errcode]).toEqual([400, 'M_INVALID_PARAM']);
  });

  it('when it stands still', async () => {
    const answer = await raw(`POST ${UPLOAD} HTTP/1.1\r\nhost: x\r\n${bearer(ALICE)}content-length: 1000\r\n\r\nhello`);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain('The upload stood still');
  });

  it('when it drips', async () => {
    async function* drops(): AsyncIterable<Uint8Array> {
      for (let n = 0; n < 150; n++) {
        yield Buffer.from('drop');
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
    const { status, body } = await ask(one, 'POST', UPLOAD, { as: ALICE, body: drops() });
    expect([status, body.error]).toEqual([408, 'The upload stood still']);
  }, 30_000);
});

describe('a wrong Content-Length', () => {
  const answerOf = async (head: string, body: string): Promise<string> => {
    const socket = connect(Number(new URL(one).port), '127.0.0.1');
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk as Buffer));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.end(`POST ${UPLOAD} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${head}\r\n${bearer(ALICE)}\r\n${body}`);
    await closed;
    return Buffer.concat(chunks).toString();
  };

  it('that is too small is refused, and what follows is no part of a file', async () => {
    const files = await count();
    expect(await answerOf('content-length: 5', 'hello and more')).toMatch(/^HTTP\/1\.1 400 /);
    await eventually(async () => expect(await looseKeys(deployment.db)).toBe(0));
    // It has sent a whole file before: that may be there, though nobody knows its name.
    const { rows } = await deployment.db.query<{ bytes: number }>({
      text: 'SELECT bytes FROM media.files JOIN media.blobs USING (blob_nid) ORDER BY file_nid OFFSET $1',
      values: [files],
    });
    for (const { bytes } of rows) expect(bytes).toBe(5);
  });

  it('that is too large leaves nothing', async () => {
    const files = await count();
    await answerOf('content-length: 500', 'hello');
    await eventually(async () => expect(await looseKeys(deployment.db)).toBe(0));
    expect(await count()).toBe(files);
  });

  it.each([
    ['that is no number', 'content-length: many'],
    ['that is negative', 'content-length: -5'],
    ['beside another one', 'content-length: 5\r\ncontent-length: 6'],
    ['beside chunks', 'content-length: 5\r\ntransfer-encoding: chunked'],
  ])('%s is refused', async (_, head) => {
    expect(await answerOf(head, 'hello')).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('a client that vanishes in the middle', () => {
  it.each([
    ['of what it said it would send', 'content-length: 100000\r\n\r\nhello'],
    ['of a chunk', 'transfer-encoding: chunked\r\n\r\nffff\r\nhello'],
  ])('%s leaves nothing', async (_, rest) => {
    const files = await count();
    const socket = connect(Number(new URL(one).port), '127.0.0.1');
    socket.write(`POST ${UPLOAD} HTTP/1.1\r\nhost: x\r\n${bearer(ALICE)}${rest}`);
    await eventually(async () => expect(await looseKeys(deployment.db)).toBe(1));
    socket.destroy();
    await eventually(async () => expect(await looseKeys(deployment.db)).toBe(0));
    expect(await count()).toBe(files);
  });
});

describe('the name of a file', () => {
  const nameOf = async (filename: string) => {
    const path = `${UPLOAD}?${new URLSearchParams({ filename })}`;
    const { body } = await ask(one, 'POST', path, { as: ALICE, body: 'x', headers: { 'content-type': 'text/plain' } });
    const { headers } = await ask(one, 'GET', pathOf(body.content_uri), { as: ALICE });
    return headers['content-disposition'];
  };

  it.each([
    ['plain.txt', 'inline; filename=plain.txt'],
    ['with space; and "quotes"', 'inline; filename="with space; and \\"quotes\\""'],
    ['🐔.txt', `inline; filename="??.txt"; filename*=UTF-8''%F0%9F%90%94.txt`],
    ['../../etc/passwd', 'inline; filename=.._.._etc_passwd'],
    ['C:\\evil.exe', 'inline; filename="C:_evil.exe"'],
    ['a\r\nset-cookie: b', 'inline; filename="aset-cookie: b"'],
    ['photo\u202egnp.exe', 'inline; filename=photognp.exe'],
    ['..', 'inline'],
    ['', 'inline'],
  ])('%j is sent as %j', async (name, sent) => expect(await nameOf(name)).toBe(sent));

  it('may be another one for who asks', async () => {
    const uri = await upload(one, 'x');
    const { headers } = await ask(one, 'GET', `${pathOf(uri)}/mine%2F%22.txt`, { as: ALICE });
    expect(headers['content-disposition']).toBe('inline; filename="mine_\\".txt"');
  });
});

describe('the quota', () => {
  const upTo = (url: string, as: string, bytes: number) => ask(url, 'POST', UPLOAD, { as, body: randomBytes(bytes) });

  it('of a user holds for uploads at once at all replicas', async () => {
    const urls = [
      await deployment.replica({ user_quota_bytes: 10_000 }),
      await deployment.replica({ user_quota_bytes: 10_000 }),
    ];
    const carol = '@carol:one.test';
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => upTo(urls[i % 2]!, carol, 1_000)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(10);
    const refused = answers.filter(({ status }) => status === 403);
    expect(refused.map(({ body }) => body.errcode)).toEqual(Array(10).fill('M_FORBIDDEN'));
    expect((await upTo(urls[0]!, '@dora:one.test', 1_000)).status).toBe(200);
  });

  it('of a server is for all of its users together', async () => {
    const { rows } = await deployment.db.query<{ bytes: number }>({
      text: `SELECT bytes FROM media.usage WHERE owner = 'two.test'`,
    });
    const url = await deployment.replica({ server_quota_bytes: (rows[0]?.bytes ?? 0) + 1_500 });
    expect((await upTo(url, '@a:two.test', 1_000)).status).toBe(200);
    const { status, body } = await upTo(url, '@b:two.test', 1_000);
    expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN']);
  });
});

it('says how large an upload may be', async () => {
  for (const path of ['/_matrix/client/v1/media/config', '/_matrix/media/v3/config', '/_matrix/media/r0/config']) {
    const { status, body } = await ask(one, 'GET', path, { as: ALICE });
    expect([status, body]).toEqual([200, { 'm.upload.size': 1_000_000 }]);
  }
});

describe('what nobody has to show a token for', () => {
  it('is nothing while it is off', async () => {
    const url = await deployment.replica({ unauthenticated_downloads: 'off' });
    const uri = await upload(await deployment.replica({ unauthenticated_downloads: 'open' }), 'open');
    expect((await ask(url, 'GET', legacyPathOf(uri))).status).toBe(404);
  });

  it('is what was uploaded before the freeze, and later files are for those who show one', async () => {
    const before = await upload(await deployment.replica({ unauthenticated_downloads: 'open' }), 'before');
    const after = await upload(one, 'after');
    expect((await ask(one, 'GET', legacyPathOf(before))).bytes.toString()).toBe('before');
    const { status, body } = await ask(one, 'GET', legacyPathOf(after));
    expect([status, body.errcode]).toEqual([404, 'M_NOT_FOUND']);
    expect((await ask(one, 'GET', legacyPathOf(after), { as: ALICE })).bytes.toString()).toBe('after');
    expect((await ask(one, 'GET', legacyPathOf(after), { as: 'nobody' })).status).toBe(401);
  });
});

function bearer(user: string): string {
  return `authorization: Bearer ${encodeURIComponent(user)}\r\n`;
}

/** What a connection is answered to these bytes. */
async function raw(text: string): Promise<string> {
  const socket = connect(Number(new URL(one).port), '127.0.0.1');
  socket.write(text);
  for await (const chunk of socket) return String(chunk);
  return '';
}

async function count(): Promise<number> {
  const { rows } = await deployment.db.query<{ count: number }>({ text: 'SELECT count(*) FROM media.files' });
  return rows[0]!.count;
}
