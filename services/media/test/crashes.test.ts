import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@ganglion/testing';
import { spawnTypeScript, type TestProcess } from '../../../libs/testing/src/child-process.js';
import { FolderStore } from '../src/storage/folder-store.js';
import { ALICE, ask, pathOf, upload } from './support/client.js';
import { type Deployment, deploy } from './support/deployment.js';
import { keysIn, keysKnown, looseKeys } from './support/store-contents.js';

let deployment: Deployment;
let child: TestProcess | undefined;

beforeAll(async () => {
  deployment = await deploy();
});
afterEach(() => child?.kill('SIGKILL'));
afterAll(() => deployment.close());

async function start(): Promise<string> {
  const script = new URL('./processes/replica.ts', import.meta.url);
  child = spawnTypeScript(script, [deployment.databaseUrl, deployment.folder]);
  return (await child.line('listening ')).slice('listening '.length);
}

it('a replica that is killed while files come in loses none that it has acknowledged, and leaves none that it has not', async () => {
  const acknowledged = new Map<string, Buffer>();
  for (let round = 0; round < 3; round++) {
    const url = await start();
    let running = true;
    const uploader = async () => {
      while (running) {
        const body = randomBytes(300_000);
        await upload(url, body).then(
          (uri) => acknowledged.set(uri, body),
          () => {},
        );
      }
    };
    const before = acknowledged.size;
    const uploaders = Array.from({ length: 8 }, uploader);
    await eventually(() => expect(acknowledged.size).toBeGreaterThan(before + 5));
    await sleep(Math.random() * 30);
    await child!.kill('SIGKILL');
    running = false;
    await Promise.all(uploaders);
  }
  const url = await start();
  for (const [uri, body] of acknowledged) {
    const { status, bytes } = await ask(url, 'GET', pathOf(uri), { as: ALICE });
    expect([uri, status, bytes.equals(body)]).toEqual([uri, 200, true]);
  }
  // As if two hours had passed.
  await deployment.db.query({ text: 'UPDATE media.loose_keys SET due_at = now()' });
  await eventually(async () => {
    expect(await looseKeys(deployment.db)).toBe(0);
    expect(await keysIn(new FolderStore(deployment.folder))).toEqual(await keysKnown(deployment.db));
  });
}, 180_000);

it('a disk that is full refuses files, keeps no half of them, and takes others when there is room again', async () => {
  const url = await start();
  const limit = (bytes: string) => execFileSync('prlimit', [`--pid=${child!.process.pid}`, `--fsize=${bytes}`]);
  limit('100000:unlimited');
  const { status, body } = await ask(url, 'POST', '/_matrix/media/v3/upload', {
    as: ALICE,
    body: randomBytes(400_000),
  });
  expect([status, body.errcode]).toEqual([507, 'M_UNKNOWN']);
  await eventually(async () => expect(await looseKeys(deployment.db)).toBe(0));
  expect(await keysIn(new FolderStore(deployment.folder))).toEqual(await keysKnown(deployment.db));
  limit('unlimited:unlimited');
  const bytes = randomBytes(400_000);
  const uri = await upload(url, bytes);
  expect((await ask(url, 'GET', pathOf(uri), { as: ALICE })).bytes.equals(bytes)).toBe(true);
}, 120_000);
