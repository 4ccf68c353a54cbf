import { eventually } from '@ganglion/testing';
import { Homeserver, type Replica } from '../support/homeserver.js';
import { inRoom, Person } from '../support/person.js';

let homeserver: Homeserver;
let urls: string[];
let replica: Replica;
let alice: Person;
let bob: Person;
beforeAll(async () => {
  homeserver = await Homeserver.create();
  replica = await homeserver.start();
  urls = [replica.url, (await homeserver.start()).url];
});
afterAll(() => homeserver.close());
beforeEach(async () => {
  [alice, bob] = await Promise.all([Person.register(urls[0]!, 'alice'), Person.register(urls[1]!, 'bob')]);
});

const dataOf = (who: Person, path: string) => who.get(`user/${who.userId}/${path}`);
const tagsOf = async (who: Person, roomId: string) => (await dataOf(who, `${inRoom(roomId)}/tags`)).body.tags;
const directOf = async (who: Person) => (await dataOf(who, 'account_data/m.direct')).body;
const ruleOf = (who: Person, roomId: string) => who.get(`pushrules/global/room/${encodeURIComponent(roomId)}`);
const setTag = (who: Person, roomId: string, tag: string, content: object = {}) =>
  who.must('PUT', `user/${who.userId}/${inRoom(roomId)}/tags/${tag}`, content);

/** A room in which both have settings. */
async function roomWithSettings(): Promise<string> {
  const roomId = await alice.createRoom({ preset: 'public_chat', room_version: '11' });
  await bob.must('POST', `${inRoom(roomId)}/join`);
  for (const who of [alice, bob]) {
    await setTag(who, roomId, 'm.favourite', { order: 0.5 });
    await who.must('PUT', `user/${who.userId}/account_data/m.direct`, { '@friend:one.test': [roomId], x: 'y' });
    await who.must('PUT', `pushrules/global/room/${encodeURIComponent(roomId)}`, { actions: ['dont_notify'] });
  }
  return roomId;
}

async function expectCarriedOver(who: Person, from: string, to: string): Promise<void> {
  await eventually(async () => {
    expect(await tagsOf(who, to)).toEqual({ 'm.favourite': { order: 0.5 } });
    expect(await directOf(who)).toEqual({ '@friend:one.test': [from, to], x: 'y' });
    expect((await ruleOf(who, to)).body.actions).toEqual(['dont_notify']);
  });
  expect(await tagsOf(who, from)).toEqual({ 'm.favourite': { order: 0.5 } });
  expect((await ruleOf(who, from)).status).toBe(200);
}

const follow = async (who: Person, roomId: string) => who.must('POST', `${inRoom(roomId)}/join`);
const entomb = (who: Person, from: string, to: string) =>
  who.must('PUT', `${inRoom(from)}/state/m.room.tombstone`, { body: 'moved', replacement_room: to });
const createSuccessor = (who: Person, from: string) =>
  who.createRoom({ preset: 'public_chat', creation_content: { predecessor: { room_id: from } } });

describe('who follows into a room that replaces another', () => {
  it('finds their tags, direct chats and push rules there, when it was upgraded', async () => {
    const from = await roomWithSettings();
    const { replacement_room: to } = await alice.must('POST', `${inRoom(from)}/upgrade`, { new_version: '12' });
    await follow(bob, to);
    for (const who of [alice, bob]) await expectCarriedOver(who, from, to);
  });

  it('finds them there, when it was replaced by hand, whether they came before or after that', async () => {
    const from = await roomWithSettings();
    const to = await createSuccessor(alice, from);
    await follow(bob, to);
    await entomb(alice, from, to);
    for (const who of [alice, bob]) await expectCarriedOver(who, from, to);
  });

  it('finds nothing of it again when they only call themselves otherwise in a room that has replaced another long ago', async () => {
    const from = await roomWithSettings();
    const { replacement_room: to } = await alice.must('POST', `${inRoom(from)}/upgrade`, { new_version: '12' });
    await follow(bob, to);
    await expectCarriedOver(bob, from, to);
    // As when that was before anybody noted who follows; they have tidied up since.
    await bob.must('DELETE', `user/${bob.userId}/${inRoom(to)}/tags/m.favourite`);
    const text = 'DELETE FROM user_server.followed_rooms WHERE room_id = $1 AND user_id = $2';
    await replica.db.query({ text, values: [to, bob.userId] });
    await bob.must('PUT', `profile/${bob.userId}/displayname`, { displayname: 'Robert' });
    await eventually(async () => {
      const member = await bob.must('GET', `${inRoom(to)}/state/m.room.member/${bob.userId}`);
      expect(member.displayname).toBe('Robert');
    });
    // Whoever comes after that has been read after that.
    const carol = await Person.register(urls[0]!, 'carol');
    await follow(carol, from);
    await setTag(carol, from, 'u.mine');
    await follow(carol, to);
    await eventually(async () => expect(await tagsOf(carol, to)).toEqual({ 'u.mine': {} }));
    expect(await tagsOf(bob, to)).toEqual({});
  });

  it('hears of it in /sync', async () => {
    const from = await roomWithSettings();
    const { next_batch: since } = await bob.must('GET', 'sync?timeout=0');
    const { replacement_room: to } = await alice.must('POST', `${inRoom(from)}/upgrade`, { new_version: '12' });
    await follow(bob, to);
    await eventually(async () => {
      const { account_data: global, rooms } = await bob.must('GET', `sync?timeout=0&since=${since}`);
      const types = global.events.map(({ type }: { type: string }) => type);
      expect(types).toEqual(expect.arrayContaining(['m.direct', 'm.push_rules']));
      expect(rooms.join[to].account_data.events).toEqual([
        { type: 'm.tag', content: { tags: { 'm.favourite': { order: 0.5 } } } },
      ]);
    });
  });

  it('gets them once: what they have changed since is left alone when they come back', async () => {
    const from = await roomWithSettings();
    const { replacement_room: to } = await alice.must('POST', `${inRoom(from)}/upgrade`, { new_version: '12' });
    await follow(bob, to);
    await expectCarriedOver(bob, from, to);
    await bob.must('DELETE', `user/${bob.userId}/${inRoom(to)}/tags/m.favourite`);
    await bob.must('POST', `${inRoom(to)}/leave`);
    await follow(bob, to);
    const carol = await Person.register(urls[0]!, 'carol');
    await setTag(carol, from, 'm.lowpriority');
    await follow(carol, to);
    await eventually(async () => expect(await tagsOf(carol, to)).toEqual({ 'm.lowpriority': {} }));
    expect(await tagsOf(bob, to)).toEqual({});
  });

  it('keeps the tags that they have given the new room already', async () => {
    const from = await roomWithSettings();
    const to = await createSuccessor(alice, from);
    await setTag(bob, to, 'm.favourite', { order: 0.1 });
    await setTag(bob, from, 'u.old');
    await follow(bob, to);
    await entomb(alice, from, to);
    await eventually(async () => expect(await tagsOf(bob, to)).toEqual({ 'm.favourite': { order: 0.1 }, 'u.old': {} }));
  });

  it('finds nothing in a room that calls itself the successor of one that knows nothing of it', async () => {
    const from = await roomWithSettings();
    const stranger = await Person.register(urls[0]!, 'stranger');
    const false_ = await createSuccessor(stranger, from);
    await follow(bob, false_);
    const { replacement_room: to } = await alice.must('POST', `${inRoom(from)}/upgrade`, { new_version: '12' });
    await follow(bob, to);
    await expectCarriedOver(bob, from, to);
    expect(await tagsOf(bob, false_)).toEqual({});
    expect((await ruleOf(bob, false_)).status).toBe(404);
  });
});

describe('the aliases of a room that is replaced by hand', () => {
  const named = (name: string) => `directory/room/${encodeURIComponent(`#${name}:one.test`)}`;
  const leadsTo = async (name: string) => (await bob.must('GET', named(name))).room_id;
  const visibility = async (roomId: string) =>
    (await bob.must('GET', `directory/list/room/${encodeURIComponent(roomId)}`)).visibility;
  const names = () => {
    const name = `by-hand-${alice.userId.slice(1).replace(/:.*/, '')}`;
    return [name, `${name}-later`] as const;
  };

  it('lead to the other one, and it stands in the directory, as soon as one of ours is there; once', async () => {
    const [name, later] = names();
    const from = await alice.createRoom({ visibility: 'public', preset: 'public_chat', room_alias_name: name });
    const to = await createSuccessor(alice, from);
    await entomb(alice, from, to);
    await eventually(async () => expect(await leadsTo(name)).toBe(to));
    expect([await visibility(from), await visibility(to)]).toEqual(['private', 'public']);
    // What is called anew afterwards is meant so.
    await alice.must('PUT', named(later), { room_id: from });
    await setTag(bob, from, 'u.mine');
    await follow(bob, to);
    await eventually(async () => expect(await tagsOf(bob, to)).toEqual({ 'u.mine': {} }));
    expect([await leadsTo(later), await leadsTo(name)]).toEqual([from, to]);
  });

  it('stay when only one of the two says so', async () => {
    const [name, later] = names();
    const from = await alice.createRoom({ preset: 'public_chat', room_alias_name: name });
    const pretender = await createSuccessor(bob, from);
    await follow(alice, pretender);
    const other = await alice.createRoom({ preset: 'public_chat', room_alias_name: later });
    await entomb(alice, other, pretender);
    // Whoever follows after that has been read after that.
    const next = await createSuccessor(alice, from);
    await setTag(bob, from, 'u.mine');
    await follow(bob, next);
    expect(await leadsTo(name)).toBe(from);
    await entomb(alice, from, next);
    await eventually(async () => expect(await tagsOf(bob, next)).toEqual({ 'u.mine': {} }));
    expect([await leadsTo(name), await leadsTo(later)]).toEqual([next, other]);
  });
});
