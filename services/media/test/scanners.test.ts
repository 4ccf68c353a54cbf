import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { eventually } from '@ganglion/testing';
import { FolderStore } from '../src/storage/folder-store.js';
import { findScannerModules, SIGNATURE, startVirusScanner, type VirusScanner } from './support/c-icap.js';
import { ALICE, ask, pathOf, upload } from './support/client.js';
import { type Deployment, deploy } from './support/deployment.js';
import { parts, startFarFiles } from './support/far-files.js';
import { keysIn, keysKnown, looseKeys } from './support/store-contents.js';

const VIRUS = SIGNATURE;

let deployment: Deployment;
const servers: Server[] = [];

beforeAll(async () => {
  deployment = await deploy();
});
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});
afterAll(() => deployment.close());

async function listen(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** A service that answers as it should, unless told otherwise. */
function httpScanner(answer?: { status: number; body: string }): Promise<number> {
  const server = createHttpServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const allowed = !Buffer.concat(chunks).includes(VIRUS);
    response.writeHead(answer?.status ?? 200).end(answer?.body ?? JSON.stringify({ allowed, reason: 'EICAR' }));
  });
  return listen(server);
}

/** A server that speaks ICAP as far as it has to. @param clean what it answers of what is good */
function icapScanner(clean: string, infected: string): Promise<number> {
  const server = createServer((socket: Socket) => {
    let text = '';
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (!text.endsWith('\r\n0\r\n\r\n')) return;
      const isRequest =
        text.startsWith('RESPMOD icap://127.0.0.1') && /Encapsulated: req-hdr=0, res-hdr=\d+, res-body=/.test(text);
      if (!isRequest) socket.end('ICAP/1.0 400 Bad request\r\n\r\n');
      else socket.end(text.includes(VIRUS) ? infected : clean);
    });
  });
  return listen(server);
}

const FOUND =
  'ICAP/1.0 200 OK\r\nX-Infection-Found: Type=0; Resolution=2; Threat=Eicar;\r\nEncapsulated: res-hdr=0, res-body=9\r\n\r\nHTTP/1.1 403 Forbidden\r\n\r\n0\r\n\r\n';
const REPLACED =
  'ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, res-body=9\r\n\r\nHTTP/1.1 403 Forbidden\r\n\r\n0\r\n\r\n';
const ECHOED = 'ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, res-body=9\r\n\r\nHTTP/1.1 200 OK\r\n\r\n0\r\n\r\n';
const NO_CHANGE = 'ICAP/1.0 204 No modifications\r\n\r\n';

const post = (url: string, body: string) =>
  ask(url, 'POST', '/_matrix/media/v3/upload', { as: ALICE, body, headers: { 'content-type': 'text/plain' } });

const nothingStays = () =>
  eventually(async () => {
    expect(await looseKeys(deployment.db)).toBe(0);
    expect(await keysIn(new FolderStore(deployment.folder))).toEqual(await keysKnown(deployment.db));
  });

describe.each([
  ['over HTTP', async () => `http://127.0.0.1:${await httpScanner()}/judge`],
  ['over ICAP', async () => `icap://127.0.0.1:${await icapScanner(NO_CHANGE, FOUND)}/avscan`],
  [
    'over ICAP that replaces what it finds',
    async () => `icap://127.0.0.1:${await icapScanner(ECHOED, REPLACED)}/avscan`,
  ],
])('a scanner %s', (_, start) => {
  it('lets good files through, and refuses others, of which nothing stays', async () => {
    const url = await deployment.replica({ scanner: { url: await start() } });
    const uri = await upload(url, 'a good file '.repeat(50_000));
    expect((await ask(url, 'GET', pathOf(uri), { as: ALICE })).status).toBe(200);
    const { status, body } = await post(url, `something with ${VIRUS} in it`);
    expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN']);
    await nothingStays();
  });
});

it('a file of another server that was refused is neither fetched nor judged again for each who asks', async () => {
  const far = await startFarFiles();
  const scanner = { url: `http://127.0.0.1:${await httpScanner()}/judge` };
  const url = await deployment.replica({ scanner }, { remoteSource: far.source() });
  const uri = far.remote(parts(`something with ${VIRUS} in it`, 'Content-Type: text/plain'));
  for (let time = 0; time < 3; time++) {
    const { status, body } = await ask(url, 'GET', pathOf(uri), { as: ALICE });
    expect([status, body.errcode, far.timesAsked(uri)]).toEqual([403, 'M_FORBIDDEN', 1]);
  }
  const thumbnail = await ask(url, 'GET', `${pathOf(uri, 'thumbnail')}?width=32&height=32`, { as: ALICE });
  expect([thumbnail.status, far.timesAsked(uri)]).toEqual([403, 1]);
  await nothingStays();
  await far.close();
});

it('a file of another server is fetched again when nobody could judge it before', async () => {
  const far = await startFarFiles();
  const verdict = { status: 500, body: JSON.stringify({ allowed: true }) };
  const scanner = { url: `http://127.0.0.1:${await httpScanner(verdict)}/judge` };
  const url = await deployment.replica({ scanner }, { remoteSource: far.source() });
  const uri = far.remote(parts('a good file', 'Content-Type: text/plain'));
  expect((await ask(url, 'GET', pathOf(uri), { as: ALICE })).status).toBe(503);
  verdict.status = 200;
  expect((await ask(url, 'GET', pathOf(uri), { as: ALICE })).bytes.toString()).toBe('a good file');
  await far.close();
});

describe('while a scanner', () => {
  it.each([
    ['is away', async () => 'http://127.0.0.1:9/judge'],
    ['is away that speaks ICAP', async () => 'icap://127.0.0.1:9/avscan'],
    ['fails', async () => `http://127.0.0.1:${await httpScanner({ status: 500, body: '' })}/`],
    [
      'answers nonsense',
      async () => `http://127.0.0.1:${await httpScanner({ status: 200, body: '{"allowed":"yes"}' })}/`,
    ],
    ['fails that speaks ICAP', async () => `icap://127.0.0.1:${await icapScanner('ICAP/1.0 500 Oh\r\n\r\n', FOUND)}/`],
    ['does not speak ICAP', async () => `icap://127.0.0.1:${await icapScanner('HTTP/1.1 200 OK\r\n\r\n', FOUND)}/`],
    ['says nothing', async () => `icap://127.0.0.1:${await listen(createServer((socket) => void socket.resume()))}/`],
  ])('%s, files are refused, or accepted if the operator wants that', async (_, start) => {
    const scanner = { url: await start(), timeout_ms: 1_000 };
    const { status, body } = await post(await deployment.replica({ scanner }), 'x');
    expect([status, body.errcode]).toEqual([503, 'M_UNKNOWN']);
    const lenient = await deployment.replica({ scanner: { ...scanner, when_unavailable: 'accept' } });
    expect((await post(lenient, 'x')).status).toBe(200);
  });
});

const modules = findScannerModules();
const withClamAv = modules === undefined ? { describe() {} } : { describe };

withClamAv.describe('c-icap with ClamAV behind it', () => {
  let scanner: VirusScanner;
  let url: string;

  beforeAll(async () => {
    scanner = await startVirusScanner(modules!);
    url = await deployment.replica({ scanner: { url: scanner.url } });
  }, 240_000);
  afterAll(() => scanner?.stop());

  it.each([
    ['nothing', ''],
    ['a short text', 'fine'],
    ['a file of many megabytes', 'a good file '.repeat(1_000_000)],
  ])('lets %s through', async (_, body) => {
    const uri = await upload(url, body);
    expect((await ask(url, 'GET', pathOf(uri), { as: ALICE })).bytes.toString()).toBe(body);
  });

  it.each([
    ['a short file', `something with ${SIGNATURE} in it`],
    ['the end of a long one', 'x'.repeat(5_000_000) + SIGNATURE],
  ])('finds what is in %s, of which nothing stays', async (_, body) => {
    const answer = await post(url, body);
    expect([answer.status, answer.body.errcode]).toEqual([403, 'M_FORBIDDEN']);
    await nothingStays();
  });
});
