import { Homeserver, type Replica } from '../support/homeserver.js';
import { inRoom, Person } from '../support/person.js';

let homeserver: Homeserver;
let replica: Replica;
let alice: Person;
let bob: Person;
beforeAll(async () => {
  homeserver = await Homeserver.create();
  replica = await homeserver.start();
});
afterAll(() => homeserver.close());
beforeEach(async () => {
  [alice, bob] = await Promise.all([Person.register(replica.url, 'alice'), Person.register(replica.url, 'bob')]);
});

const state = (who: Person, roomId: string, type: string, key = '') =>
  who.must('GET', `${inRoom(roomId)}/state/${type}/${encodeURIComponent(key)}`);
const upgrade = async (who: Person, roomId: string, body: object): Promise<string> =>
  (await who.must('POST', `${inRoom(roomId)}/upgrade`, body)).replacement_room;

describe('a room that is upgraded', () => {
  it('is replaced by one that is like it, under the same name and with the same people kept out', async () => {
    const alias = `#upgrade-${Date.now()}:one.test`;
    const old = await alice.createRoom({
      ...{ room_version: '10', visibility: 'public', name: 'Cake', topic: 'Cakes' },
      room_alias_name: alias.slice(1, alias.indexOf(':')),
      power_level_content_override: { users: { [alice.userId]: 100, '@friend:one.test': 75 } },
      initial_state: [
        { type: 'm.room.encryption', content: { algorithm: 'm.megolm.v1.aes-sha2' } },
        { type: 'org.example.own', content: { depends: 'on the sender' } },
      ],
    });
    await alice.must('POST', `${inRoom(old)}/ban`, { user_id: bob.userId });
    const next = await upgrade(alice, old, { new_version: '11' });
    expect(await state(alice, old, 'm.room.tombstone')).toMatchObject({ replacement_room: next });
    const create = await state(alice, next, 'm.room.create');
    expect(create).toMatchObject({ room_version: '11', predecessor: { room_id: old } });
    expect(await state(alice, next, 'm.room.name')).toEqual({ name: 'Cake' });
    expect(await state(alice, next, 'm.room.topic')).toMatchObject({ topic: 'Cakes' });
    expect(await state(alice, next, 'm.room.encryption')).toEqual({ algorithm: 'm.megolm.v1.aes-sha2' });
    expect(await state(alice, next, 'm.room.join_rules')).toEqual({ join_rule: 'public' });
    expect((await state(alice, next, 'm.room.power_levels')).users).toEqual({
      [alice.userId]: 100,
      '@friend:one.test': 75,
    });
    expect((await alice.get(`${inRoom(next)}/state/org.example.own/`)).status).toBe(404);
    expect((await bob.post(`join/${encodeURIComponent(next)}`)).status).toBe(403);
    expect((await bob.get(`directory/room/${encodeURIComponent(alias)}`)).body.room_id).toBe(next);
    expect(await state(alice, next, 'm.room.canonical_alias')).toEqual({ alias });
    expect(await state(alice, old, 'm.room.canonical_alias')).toEqual({});
    expect(await alice.must('GET', `directory/list/room/${encodeURIComponent(next)}`)).toEqual({
      visibility: 'public',
    });
    expect(await alice.must('GET', `directory/list/room/${encodeURIComponent(old)}`)).toEqual({
      visibility: 'private',
    });
  });

  it('is called by the last thing that was said in it, up to version 11', async () => {
    const old = await alice.createRoom({ room_version: '10' });
    const last = await alice.say(old, 'goodbye');
    const next = await upgrade(alice, old, { new_version: '11' });
    expect((await state(alice, next, 'm.room.create')).predecessor).toEqual({ room_id: old, event_id: last });
    const third = await upgrade(alice, next, { new_version: '12' });
    expect((await state(alice, third, 'm.room.create')).predecessor).toEqual({ room_id: next });
  });

  it('cannot be replaced by itself', async () => {
    const old = await alice.createRoom();
    const content = { body: 'Turn around', replacement_room: old };
    for (const path of ['state/m.room.tombstone', 'state/m.room.tombstone/x', 'send/m.room.tombstone/1']) {
      const refused = await alice.put(`${inRoom(old)}/${path}`, content);
      expect([path, refused.status, refused.body.errcode]).toEqual([path, 400, 'M_INVALID_PARAM']);
    }
    expect((await alice.get(`${inRoom(old)}/state/m.room.tombstone`)).status).toBe(404);
    await alice.must('PUT', `${inRoom(old)}/state/m.room.tombstone`, { body: 'Gone' });
  });

  it('keeps the aliases that lead to it, though one has been deleted since', async () => {
    const name = `partly-${Date.now()}`;
    const [main, gone, other] = [`#${name}:one.test`, `#${name}-gone:one.test`, `#${name}-other:one.test`];
    const old = await alice.createRoom({ room_alias_name: name });
    for (const alias of [gone, other]) {
      await alice.must('PUT', `directory/room/${encodeURIComponent(alias)}`, { room_id: old });
    }
    const named = `${inRoom(old)}/state/m.room.canonical_alias`;
    await alice.must('PUT', named, { alias: gone, alt_aliases: [main, other] });
    await alice.must('DELETE', `directory/room/${encodeURIComponent(gone)}`);
    // Whoever deletes an alias takes it out where they may; here it is there again, as it may come from another server.
    const next = await upgrade(alice, old, { new_version: '11' });
    expect(await state(alice, next, 'm.room.canonical_alias')).toEqual({ alt_aliases: [main, other] });
    expect(await state(alice, old, 'm.room.canonical_alias')).toEqual({});
  });

  it('lets only moderators talk from then on', async () => {
    const old = await alice.createRoom({ preset: 'public_chat', room_version: '11' });
    await bob.must('POST', `${inRoom(old)}/join`);
    await upgrade(alice, old, { new_version: '11' });
    expect(await state(alice, old, 'm.room.power_levels')).toMatchObject({ events_default: 50, invite: 50 });
    const refused = await bob.put(`${inRoom(old)}/send/m.room.message/x`, { msgtype: 'm.text', body: 'still here' });
    expect([refused.status, refused.body.errcode]).toEqual([403, 'M_FORBIDDEN']);
  });

  it('gets the creators of version 12 that it is told, who stand above all levels', async () => {
    const users = { [alice.userId]: 100, [bob.userId]: 50 };
    const old = await alice.createRoom({ room_version: '11', power_level_content_override: { users } });
    const next = await upgrade(alice, old, { new_version: '12', additional_creators: [bob.userId] });
    const create = await state(alice, next, 'm.room.create');
    expect(create).toMatchObject({
      room_version: '12',
      additional_creators: [bob.userId],
      predecessor: { room_id: old },
    });
    expect((await state(alice, next, 'm.room.power_levels')).users).toEqual({});
    // Whoever was creator of a room of version 12 is not one of the next by that alone.
    const third = await upgrade(bob, await withBob(next), { new_version: '12' });
    expect(await state(bob, third, 'm.room.create')).not.toHaveProperty('additional_creators');
  });

  it('remains a space with the rooms in it', async () => {
    const old = await alice.createRoom({ room_version: '11', creation_content: { type: 'm.space' } });
    const child = await alice.createRoom();
    await alice.must('PUT', `${inRoom(old)}/state/m.space.child/${encodeURIComponent(child)}`, { via: ['one.test'] });
    const next = await upgrade(alice, old, { new_version: '11' });
    expect(await state(alice, next, 'm.room.create')).toMatchObject({ type: 'm.space' });
    expect(await state(alice, next, 'm.space.child', child)).toEqual({ via: ['one.test'] });
  });

  it('is left alone by those who may not, and for versions that nobody knows', async () => {
    const old = await alice.createRoom({ preset: 'public_chat', room_version: '11' });
    await bob.must('POST', `${inRoom(old)}/join`);
    const refusal = async (who: Person, body: object) => {
      const answer = await who.post(`${inRoom(old)}/upgrade`, body);
      return [answer.status, answer.body.errcode];
    };
    expect(await refusal(bob, { new_version: '11' })).toEqual([403, 'M_FORBIDDEN']);
    expect(await refusal(alice, { new_version: 'none' })).toEqual([400, 'M_UNSUPPORTED_ROOM_VERSION']);
    expect(await refusal(alice, {})).toEqual([400, 'M_BAD_JSON']);
    expect(await refusal(alice, { new_version: '12', additional_creators: ['nobody'] })).toEqual([400, 'M_BAD_JSON']);
    expect((await alice.get(`${inRoom(old)}/state/m.room.tombstone/`)).status).toBe(404);
  });
});

async function withBob(roomId: string): Promise<string> {
  await alice.must('POST', `${inRoom(roomId)}/invite`, { user_id: bob.userId });
  await bob.must('POST', `${inRoom(roomId)}/join`);
  return roomId;
}
