import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type ConfigInput, parseConfig } from '@ganglion/config';
import { eventually } from '@ganglion/testing';
import { FolderStore } from '../src/storage/folder-store.js';
import { moveMedia, verifyMedia } from '../src/upkeep.js';
import { ALICE, ask, pathOf, upload } from './support/client.js';
import { type Deployment, deploy } from './support/deployment.js';
import { keysIn, keysKnown } from './support/store-contents.js';

let deployment: Deployment;
let next: string;

beforeEach(async () => {
  deployment = await deploy();
  next = await mkdtemp(join(tmpdir(), 'ganglion-next-'));
});
afterEach(async () => {
  await deployment.close();
  await rm(next, { recursive: true });
});

const configOf = (media: ConfigInput['media']) =>
  parseConfig(JSON.stringify({ server_names: [{ name: 'one.test' }], media }), '/');

async function verified(media: ConfigInput['media'] = { folder_dir: deployment.folder }) {
  const found: string[] = [];
  const count = await verifyMedia(configOf(media), deployment.db, ({ kind, key }) => found.push(`${kind} ${key}`));
  return { count, found: found.sort() };
}

/** The path of the file that has a key. */
async function pathOfKey(key: string): Promise<string> {
  const [found] = (await readdir(deployment.folder, { recursive: true })).filter((path) => path.endsWith(key));
  return join(deployment.folder, found!);
}

describe('verifying files', () => {
  it('finds nothing where all is well', async () => {
    const url = await deployment.replica();
    for (const size of [0, 10, 300_000]) await upload(url, randomBytes(size));
    expect(await verified()).toEqual({ count: 3, found: [] });
  });

  it('finds what is missing, damaged, cut short, and what nobody knows of', async () => {
    const url = await deployment.replica();
    for (let index = 0; index < 4; index++) await upload(url, randomBytes(1_000 + index));
    const [missing = '', damaged = '', cut = ''] = await keysKnown(deployment.db);
    await rm(await pathOfKey(missing));
    const bytes = await readFile(await pathOfKey(damaged));
    bytes[500] = bytes[500]! ^ 1;
    await writeFile(await pathOfKey(damaged), bytes);
    await writeFile(await pathOfKey(cut), (await readFile(await pathOfKey(cut))).subarray(0, 500));
    const stranger = 'f'.repeat(40);
    await writeFile(join(deployment.folder, stranger), 'who is this?');
    const { count, found } = await verified();
    expect([count, found]).toEqual([
      4,
      [`missing ${missing}`, `damaged ${damaged}`, `damaged ${cut}`, `unknown ${stranger}`].sort(),
    ]);
  });
});

describe('moving files', () => {
  const both = () => ({ folder_dir: next, previous_store: { folder_dir: deployment.folder } });

  it('takes them to the new place while they are downloaded and others come in, and leaves nothing behind', async () => {
    const before = await deployment.replica();
    const uris = new Map<string, Buffer>();
    const add = async (url: string) => {
      const body = randomBytes(50_000);
      uris.set(await upload(url, body), body);
    };
    for (let index = 0; index < 20; index++) await add(before);
    const url = await deployment.replica(both());
    const wrong: string[] = [];
    let running = true;
    const reader = (async () => {
      while (running) {
        for (const [uri, body] of [...uris]) {
          const { bytes } = await ask(url, 'GET', pathOf(uri), { as: ALICE });
          if (!bytes.equals(body)) wrong.push(uri);
        }
        await add(url);
      }
    })();
    const moved = await moveMedia(configOf(both()), deployment.db);
    running = false;
    await reader;
    expect(moved).toMatchObject({ failed: [] });
    expect(moved!.files).toBeGreaterThanOrEqual(20);
    expect(wrong).toEqual([]);
    expect(await keysIn(new FolderStore(deployment.folder))).toEqual([]);
    expect(await verified({ folder_dir: next })).toEqual({ count: uris.size, found: [] });
    expect(await moveMedia(configOf(both()), deployment.db)).toEqual({ files: 0, bytes: 0, failed: [] });
  });

  it('goes on where it was ended, and does not take what is damaged', async () => {
    const url = await deployment.replica();
    for (let index = 0; index < 3; index++) await upload(url, randomBytes(1_000 + index));
    const [copied = '', damaged = ''] = await keysKnown(deployment.db);
    // Ended after a copy, before the original was removed.
    await new FolderStore(next).put(copied, Readable.from([await readFile(await pathOfKey(copied))]));
    await writeFile(await pathOfKey(damaged), 'something else');
    expect(await moveMedia(configOf(both()), deployment.db)).toEqual({
      files: 1,
      bytes: expect.any(Number),
      failed: [damaged],
    });
    expect(await keysIn(new FolderStore(deployment.folder))).toEqual([damaged]);
    expect((await keysIn(new FolderStore(next))).length).toBe(2);
  });

  it('is refused where the configuration names no place to move them from', async () => {
    expect(await moveMedia(configOf({ folder_dir: next }), deployment.db)).toBeUndefined();
  });

  it('deletes in both places what is deleted meanwhile', async () => {
    await upload(await deployment.replica(), 'to be deleted');
    const url = await deployment.replica(both());
    const { body } = await ask(url, 'DELETE', `/_synapse/admin/v1/users/${ALICE}/media`, { as: '@admin:one.test' });
    expect(body.total).toBe(1);
    await moveMedia(configOf(both()), deployment.db);
    const left = async () => [
      ...(await keysIn(new FolderStore(deployment.folder))),
      ...(await keysIn(new FolderStore(next))),
    ];
    await eventually(async () => expect(await left()).toEqual([]));
  });
});
