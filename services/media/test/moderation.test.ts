import { randomBytes } from 'node:crypto';
import { eventually } from '@ganglion/testing';
import { FolderStore } from '../src/storage/folder-store.js';
import { ALICE, ask, BOB, legacyPathOf, pathOf, upload } from './support/client.js';
import { type Deployment, deploy } from './support/deployment.js';
import { type FarFiles, FEDERATION, parts, startFarFiles } from './support/far-files.js';
import { halves } from './support/images.js';
import { keysIn, looseKeys } from './support/store-contents.js';

const ADMIN = '@admin:one.test';
const API = '/_synapse/admin/v1';

let deployment: Deployment;
let url: string;

beforeEach(async () => {
  deployment = await deploy();
  url = await deployment.replica();
});
afterEach(() => deployment.close());

const admin = (method: string, path: string) => ask(url, method, `${API}/${path}`, { as: ADMIN });
const nameOf = (uri: string) => uri.replace('mxc://', '');
const idOf = (uri: string) => uri.split('/').at(-1)!;
const statusOf = async (uri: string) => (await ask(url, 'GET', pathOf(uri), { as: ALICE })).status;

async function recordOf(uri: string): Promise<unknown[]> {
  const { rows } = await deployment.db.query<{ actor: string; action: string; reason: string | null }>({
    text: 'SELECT actor, action, reason FROM media.moderation_record WHERE media_id = $1 ORDER BY entry_nid',
    values: [idOf(uri)],
  });
  return rows.map(({ actor, action, reason }) => [actor, action, reason]);
}

async function usageOf(owner: string): Promise<number> {
  const { rows } = await deployment.db.query<{ bytes: number }>({
    text: 'SELECT bytes FROM media.usage WHERE owner = $1',
    values: [owner],
  });
  return rows[0]?.bytes ?? 0;
}

/** As if so many days had passed since they were last used. */
const age = (uris: readonly string[], days: number) =>
  deployment.db.query({
    text: `UPDATE media.files SET last_access_at = now() - $2 * interval '1 day' WHERE media_id = ANY ($1)`,
    values: [uris.map(idOf), days],
  });

describe('a file in quarantine', () => {
  it('is had by nobody: not by its other names, not as a thumbnail, not when it is uploaded again', async () => {
    const image = await halves(400, 300).png().toBuffer();
    const uri = await upload(url, image, 'image/png');
    const twin = await upload(url, image, 'image/png', BOB);
    const thumbnail = (of: string) => ask(url, 'GET', `${pathOf(of, 'thumbnail')}?width=32&height=32`, { as: ALICE });
    expect((await thumbnail(uri)).status).toBe(200);

    expect((await admin('POST', `media/quarantine/${nameOf(uri)}`)).status).toBe(200);
    for (const each of [uri, twin, await upload(url, image, 'image/jpeg')]) {
      const { status, body } = await ask(url, 'GET', pathOf(each), { as: ALICE });
      expect([status, body.errcode]).toEqual([404, 'M_NOT_FOUND']);
      expect((await thumbnail(each)).status).toBe(404);
      expect((await ask(url, 'GET', legacyPathOf(each), { as: ALICE })).status).toBe(404);
    }

    expect((await admin('POST', `media/unquarantine/${nameOf(uri)}`)).status).toBe(200);
    expect([await statusOf(uri), await statusOf(twin)]).toEqual([200, 200]);
    expect(await recordOf(uri)).toEqual([
      [ADMIN, 'quarantine', null],
      [ADMIN, 'unquarantine', null],
    ]);
  });

  it('is every file of a user, and none of others, nor one that is protected', async () => {
    const [bad, good, theirs] = [
      await upload(url, 'bad'),
      await upload(url, 'good'),
      await upload(url, 'x', undefined, BOB),
    ];
    await admin('POST', `media/protect/${idOf(good)}`);
    const { body } = await admin('POST', `user/${ALICE}/media/quarantine`);
    expect(body).toEqual({ num_quarantined: 1 });
    expect(await recordOf(bad)).toEqual([[ADMIN, 'quarantine', ALICE]]);
    expect([await statusOf(bad), await statusOf(good), await statusOf(theirs)]).toEqual([404, 200, 200]);
    const refused = await admin('POST', `media/quarantine/${nameOf(good)}`);
    expect([refused.status, refused.body.errcode]).toEqual([403, 'M_FORBIDDEN']);
    await admin('POST', `media/unprotect/${idOf(good)}`);
    expect((await admin('POST', `media/quarantine/${nameOf(good)}`)).status).toBe(200);
    expect(await recordOf(good)).toEqual([
      [ADMIN, 'protect', null],
      [ADMIN, 'unprotect', null],
      [ADMIN, 'quarantine', null],
    ]);
  });

  it('is what the events of a room name', async () => {
    const [inRoom, avatar, elsewhere] = [await upload(url, 'a'), await upload(url, 'b'), await upload(url, 'c')];
    deployment.surroundings.rooms.set('!room:one.test', [
      JSON.stringify({
        type: 'm.room.message',
        content: { url: inRoom, info: { thumbnail_url: 'mxc://far.test/abc' } },
      }),
      JSON.stringify({ type: 'm.room.avatar', content: { url: avatar } }),
      JSON.stringify({ type: 'm.room.message', content: { body: 'mxc://not a server/x mxc://one.test/a/b' } }),
    ]);
    const { body: listed } = await admin('GET', `room/!room:one.test/media`);
    expect(listed).toEqual({ local: [inRoom, avatar, 'mxc://one.test/a'], remote: ['mxc://far.test/abc'] });
    const { body } = await admin('POST', `room/!room:one.test/media/quarantine`);
    // What is not here is not to be fetched either.
    expect(body).toEqual({ num_quarantined: 3 });
    expect(await recordOf('mxc://far.test/abc')).toEqual([[ADMIN, 'quarantine', '!room:one.test']]);
    expect(await recordOf(avatar)).toEqual([[ADMIN, 'quarantine', '!room:one.test']]);
    expect([await statusOf(inRoom), await statusOf(avatar), await statusOf(elsewhere)]).toEqual([404, 404, 200]);
  });
});

describe('a file of another server', () => {
  let far: FarFiles;
  beforeEach(async () => {
    far = await startFarFiles();
    url = await deployment.replica({}, { remoteSource: far.source() });
  });
  afterEach(() => far.close());

  it('is put in quarantine before anybody has fetched it, and is then not fetched until it is let go', async () => {
    const uri = far.remote(parts('bad', 'Content-Type: text/plain'));
    expect((await admin('POST', `media/quarantine/${nameOf(uri)}`)).status).toBe(200);
    const thumbnail = await ask(url, 'GET', `${pathOf(uri, 'thumbnail')}?width=32&height=32`, { as: ALICE });
    expect([await statusOf(uri), thumbnail.status, far.timesAsked(uri)]).toEqual([404, 404, 0]);
    expect((await admin('POST', `media/unquarantine/${nameOf(uri)}`)).status).toBe(200);
    expect([await statusOf(uri), far.timesAsked(uri)]).toEqual([200, 1]);
    expect(await recordOf(uri)).toEqual([
      [ADMIN, 'quarantine', null],
      [ADMIN, 'unquarantine', null],
    ]);
    expect((await admin('POST', `media/unquarantine/far.test/never-seen`)).body.errcode).toBe('M_NOT_FOUND');
  });

  it('stays in quarantine when it has expired here, whatever its server gives by that name, and its bytes by any name', async () => {
    const [uri, twin] = [
      far.remote(parts('bad', 'Content-Type: text/plain')),
      far.remote(parts('bad', 'Content-Type: text/plain')),
    ];
    expect(await statusOf(uri)).toBe(200);
    await admin('POST', `media/quarantine/${nameOf(uri)}`);
    await age([uri], 30);
    expect((await admin('POST', `purge_media_cache?before_ts=${Date.now() - 86_400_000}`)).body.deleted).toBe(1);
    far.answers.set(`${FEDERATION}${idOf(uri)}`, parts('other bytes', 'Content-Type: text/plain'));
    expect([await statusOf(uri), await statusOf(twin), far.timesAsked(uri)]).toEqual([404, 404, 1]);
    await admin('POST', `media/unquarantine/${nameOf(uri)}`);
    expect([await statusOf(uri), await statusOf(twin)]).toEqual([200, 200]);
  });

  it('that is fetched while it is put in quarantine is had by nobody after that', async () => {
    const { promise: asked, resolve } = Promise.withResolvers<() => unknown>();
    const uri = far.remote((response) => resolve(() => parts('bad', 'Content-Type: text/plain')(response)));
    const first = statusOf(uri);
    const answer = await asked;
    await admin('POST', `media/quarantine/${nameOf(uri)}`);
    await answer();
    expect([await first, await statusOf(uri)]).toEqual([404, 404]);
  });
});

describe('a file that is deleted', () => {
  it('is gone with its thumbnails and its bytes, and counts no longer', async () => {
    const uri = await upload(url, await halves(400, 300).png().toBuffer(), 'image/png');
    await ask(url, 'GET', `${pathOf(uri, 'thumbnail')}?width=32&height=32`, { as: ALICE });
    expect(await usageOf(ALICE)).toBeGreaterThan(0);
    const { body } = await admin('DELETE', `media/${nameOf(uri)}`);
    expect(body).toEqual({ deleted_media: [idOf(uri)], total: 1 });
    expect(await statusOf(uri)).toBe(404);
    expect([await usageOf(ALICE), await usageOf('one.test')]).toEqual([0, 0]);
    expect(await recordOf(uri)).toEqual([[ADMIN, 'delete', null]]);
    await eventually(async () => {
      expect(await looseKeys(deployment.db)).toBe(0);
      expect(await keysIn(new FolderStore(deployment.folder))).toEqual([]);
    });
    expect((await admin('DELETE', `media/${nameOf(uri)}`)).body.errcode).toBe('M_NOT_FOUND');
  });

  it('leaves its bytes to others who have the same', async () => {
    const [uri, twin] = [await upload(url, 'same'), await upload(url, 'same', 'text/plain', BOB)];
    await admin('DELETE', `media/${nameOf(uri)}`);
    expect([await statusOf(uri), (await ask(url, 'GET', pathOf(twin), { as: BOB })).bytes.toString()]).toEqual([
      404,
      'same',
    ]);
    expect(await usageOf(BOB)).toBe(4);
  });

  it('may be uploaded again at the same moment, by whichever replica, and is then there or gone as a whole', async () => {
    const other = await deployment.replica();
    const body = randomBytes(1_000);
    let last = await upload(url, body);
    for (let round = 0; round < 20; round++) {
      const [next] = await Promise.all([
        upload(other, body, 'text/plain', BOB),
        admin('DELETE', `media/${nameOf(last)}`),
      ]);
      const { status, bytes } = await ask(url, 'GET', pathOf(next), { as: BOB });
      expect([status, bytes.equals(body)]).toEqual([200, true]);
      last = next;
    }
  });

  it('is every file of a user', async () => {
    const uris = [await upload(url, 'one'), await upload(url, 'two')];
    const theirs = await upload(url, 'three', undefined, BOB);
    const { body: listed } = await admin('GET', `users/${ALICE}/media?limit=1`);
    expect(listed).toMatchObject({
      total: 2,
      next_token: 1,
      media: [{ media_id: idOf(uris[1]!), media_length: 3, media_type: 'text/plain', safe_from_quarantine: false }],
    });
    const { body } = await admin('DELETE', `users/${ALICE}/media`);
    expect(body.total).toBe(2);
    for (const uri of uris) expect(await recordOf(uri)).toEqual([[ADMIN, 'delete', ALICE]]);
    expect([await statusOf(uris[0]!), await statusOf(uris[1]!), await statusOf(theirs)]).toEqual([404, 404, 200]);
  });

  it('is what the events of a room name', async () => {
    const uri = await upload(url, 'in a room');
    deployment.surroundings.rooms.set('!r:one.test', [JSON.stringify({ content: { file: { url: uri } } })]);
    expect((await admin('DELETE', 'room/!r:one.test/media')).body).toEqual({ deleted_media: [idOf(uri)], total: 1 });
    expect(await recordOf(uri)).toEqual([[ADMIN, 'delete', '!r:one.test']]);
  });

  it('is no avatar and nothing protected, whoever names these in a room', async () => {
    const [said, kept, avatar, avatarOfRoom] = [
      await upload(url, 'said in the room'),
      await upload(url, 'protected', undefined, BOB),
      await upload(url, 'avatar of a user', undefined, BOB),
      await upload(url, 'avatar of another room', undefined, BOB),
    ];
    await admin('POST', `media/protect/${idOf(kept)}`);
    deployment.surroundings.avatars.set(BOB, avatar);
    deployment.surroundings.roomAvatars.add(avatarOfRoom);
    const named = [said, kept, avatar, avatarOfRoom].map((uri) => JSON.stringify({ content: { url: uri } }));
    deployment.surroundings.rooms.set('!r:one.test', named);
    expect((await admin('DELETE', 'room/!r:one.test/media')).body).toEqual({ deleted_media: [idOf(said)], total: 1 });
    expect([await statusOf(kept), await statusOf(avatar), await statusOf(avatarOfRoom)]).toEqual([200, 200, 200]);
    expect(await recordOf(avatar)).toEqual([]);
  });

  it('is what nobody has used for long, unless it is large enough, protected or an avatar', async () => {
    const [old, small, kept, avatar, fresh] = [
      await upload(url, 'old and large'),
      await upload(url, 's'),
      await upload(url, 'protected one'),
      await upload(url, 'an avatar here'),
      await upload(url, 'used lately'),
    ];
    await age([old, small, kept, avatar], 30);
    await admin('POST', `media/protect/${idOf(kept)}`);
    deployment.surroundings.avatars.set(ALICE, avatar);
    const before = Date.now() - 10 * 86_400_000;
    const { body } = await admin('POST', `media/delete?before_ts=${before}&size_gt=5`);
    expect(body).toEqual({ deleted_media: [idOf(old)], total: 1 });
    const { body: rest } = await admin('POST', `media/delete?before_ts=${before}&keep_profiles=false`);
    expect(rest.deleted_media.toSorted()).toEqual([idOf(small), idOf(avatar)].toSorted());
    expect([await statusOf(kept), await statusOf(fresh)]).toEqual([200, 200]);
    expect(await recordOf(old)).toEqual([[ADMIN, 'delete', `unused since ${new Date(before).toISOString()}`]]);
  });
});

it('files of other servers that nobody has used for long are removed, with a row of each, and ours stay', async () => {
  const [ours, old, fresh] = [await upload(url, 'ours'), await upload(url, 'far, old'), await upload(url, 'far, new')];
  await deployment.db.query({
    text: `UPDATE media.files SET server_name = 'far.test', user_id = NULL WHERE media_id = ANY ($1)`,
    values: [[old, fresh].map(idOf)],
  });
  await age([ours, old], 30);
  const before = Date.now() - 10 * 86_400_000;
  const { status, body } = await admin('POST', `purge_media_cache?before_ts=${before}`);
  expect([status, body]).toEqual([200, { deleted: 1 }]);
  expect(await recordOf(old)).toEqual([[ADMIN, 'delete', `unused since ${new Date(before).toISOString()}`]]);
  expect([await recordOf(ours), await recordOf(fresh), await statusOf(ours)]).toEqual([[], [], 200]);
});

it('files of users who are erased go, and those of others stay', async () => {
  const [hers, his] = [await upload(url, 'hers'), await upload(url, 'his', undefined, BOB)];
  deployment.surroundings.erased.add(ALICE);
  await eventually(async () => expect(await statusOf(hers)).toBe(404));
  expect(await statusOf(his)).toBe(200);
  expect(await recordOf(hers)).toEqual([['erasure', 'delete', ALICE]]);
});

it('files go when the operator says so: after a time without use, and what was used least of other servers first', async () => {
  const [old, fresh] = [await upload(url, 'old'), await upload(url, 'fresh')];
  const [avatar, avatarOfRoom] = [await upload(url, 'of a user'), await upload(url, 'of a room')];
  deployment.surroundings.avatars.set(ALICE, avatar);
  deployment.surroundings.roomAvatars.add(avatarOfRoom);
  await age([old, avatar, avatarOfRoom], 40);
  await deployment.db.query({
    text: `UPDATE media.files SET server_name = 'far.test', user_id = NULL WHERE media_id = ANY ($1)`,
    values: [[idOf(await upload(url, Buffer.alloc(600, 1))), idOf(await upload(url, Buffer.alloc(600, 2)))]],
  });
  await deployment.db.query({
    text: `UPDATE media.files SET last_access_at = now() - interval '1 day'
      WHERE file_nid = (SELECT min(file_nid) FROM media.files WHERE server_name = 'far.test')`,
  });
  await deployment.replica({ retention: { local_unused_ms: 30 * 86_400_000, remote_max_bytes: 1_000 } });
  await eventually(async () => {
    const { rows } = await deployment.db.query<{ count: number }>({
      text: `SELECT count(*) FROM media.files WHERE server_name = 'far.test' AND last_access_at > now() - interval '1 hour'`,
    });
    const { rows: all } = await deployment.db.query<{ count: number }>({
      text: `SELECT count(*) FROM media.files WHERE server_name = 'far.test'`,
    });
    // Whoever downloads it uses it.
    expect((await recordOf(old)).map((entry) => (entry as string[])[0])).toEqual(['retention']);
    expect([await statusOf(fresh), rows[0]!.count, all[0]!.count]).toEqual([200, 1, 1]);
  });
  // What somebody sees every day may not have been asked for in a long time: apps keep it.
  expect([await recordOf(avatar), await recordOf(avatarOfRoom)]).toEqual([[], []]);
  expect([await statusOf(avatar), await statusOf(avatarOfRoom)]).toEqual([200, 200]);
});

it('a download counts as use, noted now and then', async () => {
  const uri = await upload(url, 'used');
  await age([uri], 5);
  await statusOf(uri);
  await eventually(async () => {
    const { body } = await admin('GET', `users/${ALICE}/media`);
    expect(body.media[0].last_access_ts).toBeGreaterThan(Date.now() - 86_400_000);
  });
});

describe('what administrators do', () => {
  it.each([
    ['POST', 'media/quarantine/one.test/abc'],
    ['DELETE', 'media/one.test/abc'],
    ['POST', 'media/delete?before_ts=1'],
    ['POST', 'purge_media_cache?before_ts=1'],
    ['GET', `users/${ALICE}/media`],
    ['DELETE', 'room/!r:one.test/media'],
  ])('is for nobody else: %s %s', async (method, path) => {
    const { status, body } = await ask(url, method, `${API}/${path}`, { as: ALICE });
    expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN']);
    expect((await ask(url, method, `${API}/${path}`)).body.errcode).toBe('M_MISSING_TOKEN');
  });

  it.each([
    ['POST', 'media/quarantine/one.test/..', 404, 'M_UNRECOGNIZED'],
    ['POST', 'media/quarantine/one.test/a.b', 400, 'M_INVALID_PARAM'],
    ['POST', 'media/quarantine/one.test/none', 404, 'M_NOT_FOUND'],
    ['POST', 'media/protect/none', 404, 'M_NOT_FOUND'],
    ['POST', 'media/delete', 400, 'M_MISSING_PARAM'],
    ['POST', 'media/delete?before_ts=soon', 400, 'M_INVALID_PARAM'],
    ['POST', 'media/delete?before_ts=9999999999999999', 400, 'M_INVALID_PARAM'],
    ['GET', 'users/alice/media', 400, 'M_INVALID_PARAM'],
    ['GET', `users/${ALICE}/media?limit=0`, 400, 'M_INVALID_PARAM'],
    ['GET', 'room/room/media', 400, 'M_INVALID_PARAM'],
  ])('is told what is wrong: %s %s', async (method, path, status, errcode) => {
    const answer = await admin(method, path);
    expect([answer.status, answer.body.errcode]).toEqual([status, errcode]);
  });
});
