import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { eventually } from '@ganglion/testing';
import { Listener } from '../src/domain/remote/listener.js';
import { ALICE, ask, pathOf, upload } from './support/client.js';
import { type Deployment, deploy } from './support/deployment.js';
import { beginOfParts, END_OF_PARTS, type FarFiles, PARTS, startFarFiles } from './support/far-files.js';
import { keysKnown, looseKeys } from './support/store-contents.js';

const LARGEST = 40_000_000;
const SOURCE = { maxBytes: LARGEST, timeoutMs: 30_000 };

let deployment: Deployment;
let far: FarFiles;
let ours: string;

beforeAll(async () => {
  [deployment, far] = [await deploy(), await startFarFiles()];
  const remoteSource = far.source(SOURCE);
  ours = await deployment.replica({ max_remote_bytes: LARGEST }, { remoteSource });
});
afterAll(async () => {
  await far.close();
  await deployment.close();
});

/** A file whose bytes come when the test says so. */
function told() {
  const { promise: answer, resolve } = Promise.withResolvers<ServerResponse>();
  const uri = far.remote((response) => {
    response.writeHead(200, PARTS);
    response.write(beginOfParts('Content-Type: text/plain\r\nContent-Disposition: inline; filename="far.txt"'));
    resolve(response);
  });
  const say = async (bytes: Buffer) => {
    const response = await answer;
    await new Promise<void>((sent) => response.write(bytes, () => sent()));
  };
  return {
    uri,
    say,
    end: async () => (await answer).end(END_OF_PARTS),
    breakOff: async () => (await answer).destroy(),
  };
}

const get = (uri: string, at = ours) => ask(at, 'GET', pathOf(uri), { as: ALICE });

/** An answer that nobody has begun to read. */
async function unread(uri: string, at = ours): Promise<IncomingMessage> {
  const headers = { authorization: `Bearer ${encodeURIComponent(ALICE)}` };
  const outgoing = request(`${at}${pathOf(uri)}`, { headers, agent: false }).end();
  outgoing.on('error', () => {});
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  return response;
}

async function readAll(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('a file of another server', () => {
  it('is told with its length to who speaks HTTP/1.0, where what breaks off looks whole', async () => {
    const { uri, say, end } = told();
    const bytes = randomBytes(300_000);
    const socket = connect(Number(new URL(ours).port), '127.0.0.1');
    socket.write(`GET ${pathOf(uri)} HTTP/1.0\r\nAuthorization: Bearer ${encodeURIComponent(ALICE)}\r\n\r\n`);
    const answer = readAll(socket as never);
    await say(bytes);
    await end();
    expect((await answer).toString('latin1')).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*content-length: 300000\r\n/);
  });

  it('reaches whoever asks first while it still comes, and all who wait in one fetch', async () => {
    const { uri, say, end } = told();
    const bytes = randomBytes(900_000);
    const first = unread(uri);
    await say(bytes.subarray(0, 500_000));
    const response = await first;
    expect(response.headers).toMatchObject({
      'content-type': 'text/plain',
      'content-disposition': 'inline; filename=far.txt',
      'content-security-policy': expect.stringContaining('sandbox'),
      'x-content-type-options': 'nosniff',
      'cache-control': 'private, max-age=31536000, immutable',
    });
    const got: Buffer[] = [];
    response.on('data', (chunk: Buffer) => got.push(chunk));
    await eventually(() => expect(Buffer.concat(got).length).toBeGreaterThan(400_000));
    const others = [get(uri), get(uri)];
    await say(bytes.subarray(500_000));
    await end();
    await once(response, 'end');
    expect(Buffer.concat(got).equals(bytes)).toBe(true);
    for (const { status, bytes: all } of await Promise.all(others))
      expect([status, all.equals(bytes)]).toEqual([200, true]);
    expect(far.timesAsked(uri)).toBe(1);
  });

  it('that breaks off in the middle breaks off for whoever listens, leaves nothing, and is not asked for again at once', async () => {
    const before = await keysKnown(deployment.db);
    const { uri, say, breakOff } = told();
    const first = unread(uri);
    await say(randomBytes(400_000));
    const reading = readAll(await first);
    const waiting = get(uri);
    await breakOff();
    await expect(reading).rejects.toThrow();
    expect((await waiting).status).toBe(502);
    await eventually(async () => expect(await looseKeys(deployment.db)).toBe(0));
    expect(await keysKnown(deployment.db)).toEqual(before);
    expect([(await get(uri)).status, far.timesAsked(uri)]).toEqual([502, 1]);
  });

  it('is stored while whoever asked first does not read, who gets all of it in the end', async () => {
    const { uri, say, end } = told();
    const bytes = randomBytes(30_000_000);
    const first = unread(uri);
    await say(bytes.subarray(0, 1_000_000));
    const response = await first;
    await say(bytes.subarray(1_000_000));
    await end();
    expect((await get(uri)).bytes.equals(bytes)).toBe(true);
    expect((await readAll(response)).equals(bytes)).toBe(true);
    expect(far.timesAsked(uri)).toBe(1);
  });

  it('is stored for others when whoever asked first goes away', async () => {
    const { uri, say, end } = told();
    const bytes = randomBytes(3_000_000);
    const first = unread(uri);
    await say(bytes.subarray(0, 1_000_000));
    (await first).destroy();
    const second = get(uri);
    await say(bytes.subarray(1_000_000));
    await end();
    expect((await second).bytes.equals(bytes)).toBe(true);
    expect(far.timesAsked(uri)).toBe(1);
  });

  it('is had whole by nobody who listens, when its bytes are in quarantine', async () => {
    const bytes = randomBytes(300_000);
    const known = await upload(ours, bytes);
    await ask(ours, 'POST', `/_synapse/admin/v1/media/quarantine/${known.slice(6)}`, { as: '@admin:one.test' });
    const { uri, say, end } = told();
    const first = unread(uri);
    await say(bytes);
    await end();
    await expect(first.then(readAll)).rejects.toThrow();
    expect((await get(uri)).status).toBe(404);
  });

  it('is waited for by who wants a part of it, or only to know of it', async () => {
    const { uri, say, end } = told();
    const bytes = randomBytes(300_000);
    const headers = { range: 'bytes=100-199' };
    const part = ask(ours, 'GET', pathOf(uri), { as: ALICE, headers });
    await say(bytes);
    const head = ask(ours, 'HEAD', pathOf(uri), { as: ALICE });
    await end();
    const { status, bytes: got } = await part;
    expect([status, got.equals(bytes.subarray(100, 200))]).toEqual([206, true]);
    expect((await head).headers['content-length']).toBe('300000');
  });

  it('reaches nobody before somebody has judged it, where somebody does', async () => {
    const { promise: judging, resolve: judge } = Promise.withResolvers<(allowed: boolean) => void>();
    const scanner = createServer((incoming, outgoing) => {
      incoming.resume().on('end', () => judge((allowed) => outgoing.end(JSON.stringify({ allowed }))));
    });
    await new Promise<void>((resolve) => scanner.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(scanner.address() as AddressInfo).port}/`;
    const judged = await deployment.replica({ scanner: { url } }, { remoteSource: far.source(SOURCE) });
    const { uri, say, end } = told();
    let answered = false;
    const first = get(uri, judged).finally(() => (answered = true));
    const bytes = randomBytes(1_000_000);
    await say(bytes);
    await end();
    const allow = await judging;
    expect(answered).toBe(false);
    allow(true);
    expect((await first).bytes.equals(bytes)).toBe(true);
    scanner.closeAllConnections();
    scanner.close();
  });
});

it('what waits in memory for a listener who does not read is bounded, however much comes', async () => {
  const listener = new Listener();
  const about = { serverName: 'far.test', mediaId: 'x', contentType: 'text/plain', uploadName: undefined };
  const pieces = Array.from({ length: 100 }, (_, index) => Buffer.alloc(50_000, index));
  async function* source() {
    yield* pieces;
  }
  const passed: Uint8Array[] = [];
  for await (const chunk of listener.over(about, source())) passed.push(chunk);
  const whole = Buffer.concat(pieces);
  expect(Buffer.concat(passed).equals(whole)).toBe(true);
  let fromStore = 0;
  listener.finish(async (first) => {
    fromStore = whole.length - first;
    return (async function* () {
      yield whole.subarray(first);
    })();
  });
  const heard: Uint8Array[] = [];
  for await (const chunk of listener.read()) heard.push(chunk);
  expect(Buffer.concat(heard).equals(whole)).toBe(true);
  expect(fromStore).toBeGreaterThan(whole.length - 600_000);
});
