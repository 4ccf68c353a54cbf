import { eventually } from '@ganglion/testing';
import { Homeserver, type Replica } from '../support/homeserver.js';
import { inRoom, Person } from '../support/person.js';

let homeserver: Homeserver;
let replica: Replica;
let alice: Person;
let bob: Person;
let roomId: string;
beforeAll(async () => {
  homeserver = await Homeserver.create();
  replica = await homeserver.start();
});
afterAll(() => homeserver.close());
beforeEach(async () => {
  [alice, bob] = await Promise.all([Person.register(replica.url, 'alice'), Person.register(replica.url, 'bob')]);
  roomId = await alice.createRoom({ preset: 'public_chat' });
  await bob.must('POST', `${inRoom(roomId)}/join`);
});

let counter = 0;

async function send(who: Person, content: object, type = 'm.room.message'): Promise<string> {
  counter += 1;
  return (await who.must('PUT', `${inRoom(roomId)}/send/${type}/t${counter}`, content)).event_id;
}

const relating = (rel_type: string, event_id: string, more: object = {}) => ({
  ...{ msgtype: 'm.text', body: 'related', ...more },
  'm.relates_to': { rel_type, event_id },
});
const reply = (who: Person, root: string, body = 'reply') => send(who, relating('m.thread', root, { body }));
const edit = (who: Person, target: string, body: string) =>
  send(who, relating('m.replace', target, { body: `* ${body}`, 'm.new_content': { msgtype: 'm.text', body } }));
const redact = (who: Person, eventId: string) =>
  who.must('PUT', `${inRoom(roomId)}/redact/${encodeURIComponent(eventId)}/r${++counter}`);

const V1 = () => `/_matrix/client/v1/${inRoom(roomId)}`;
const idsOf = (chunk: readonly { event_id: string }[]) => chunk.map(({ event_id }) => event_id);

async function related(who: Person, eventId: string, path = '') {
  return who.must('GET', `${V1()}/relations/${encodeURIComponent(eventId)}${path}`);
}

/** What is bundled with an event, wherever one comes upon it: all ways have to agree. */
async function bundleOf(who: Person, eventId: string) {
  const one = await who.must('GET', `${inRoom(roomId)}/event/${encodeURIComponent(eventId)}`);
  const { chunk } = await who.must('GET', `${inRoom(roomId)}/messages?dir=b&limit=100`);
  const around = await who.must('GET', `${inRoom(roomId)}/context/${encodeURIComponent(eventId)}`);
  const { rooms } = await who.must('GET', `sync?filter=${encodeURIComponent('{"room":{"timeline":{"limit":50}}}')}`);
  const events: { event_id: string }[] = rooms.join[roomId].timeline.events;
  const found = [one, around.event, ...[...chunk, ...events].filter(({ event_id }) => event_id === eventId)];
  const [first, ...others] = found.map(({ unsigned }) => unsigned['m.relations']);
  expect(others).toHaveLength(3);
  for (const other of others) expect(withoutAges(other)).toEqual(withoutAges(first));
  return first;
}

/** Each answer has its own moment. */
function withoutAges(bundle: object | undefined): unknown {
  return JSON.parse(JSON.stringify(bundle ?? null, (key, value) => (key === 'age' ? undefined : value)));
}

describe('what relates to an event', () => {
  it('is listed, the newest first, and by kind', async () => {
    const root = await alice.say(roomId, 'root');
    const thread = await reply(bob, root);
    const note = await send(bob, relating('m.thread', root), 'org.example.note');
    const edited = await edit(alice, root, 'edited');
    expect(idsOf((await related(alice, root)).chunk)).toEqual([edited, note, thread]);
    expect(idsOf((await related(alice, root, '?dir=f')).chunk)).toEqual([thread, note, edited]);
    expect(idsOf((await related(bob, root, '/m.thread')).chunk)).toEqual([note, thread]);
    expect(idsOf((await related(bob, root, '/m.thread/m.room.message')).chunk)).toEqual([thread]);
    expect(await related(bob, root, '/m.annotation')).toEqual({ chunk: [] });
    const unstable = `/_matrix/client/unstable/${inRoom(roomId)}/relations/${encodeURIComponent(root)}/m.replace`;
    expect(idsOf((await bob.must('GET', unstable)).chunk)).toEqual([edited]);
  });

  it('comes in pages that fit together, and from a token of /sync on', async () => {
    const root = await alice.say(roomId, 'root');
    const first = [await reply(bob, root), await reply(alice, root), await reply(bob, root)];
    const { next_batch: since } = await alice.must('GET', 'sync');
    const later = [await reply(bob, root), await reply(alice, root)];
    const pages = async (dir: string) => {
      const seen: string[] = [];
      for (let from = ''; ; ) {
        const page = await related(alice, root, `?limit=2&dir=${dir}${from}`);
        seen.push(...idsOf(page.chunk));
        expect(page.chunk.length).toBeLessThanOrEqual(2);
        if (page.next_batch === undefined) return seen;
        from = `&from=${page.next_batch}`;
      }
    };
    expect(await pages('f')).toEqual([...first, ...later]);
    expect(await pages('b')).toEqual([...first, ...later].toReversed());
    expect(idsOf((await related(alice, root, `?dir=f&from=${since}`)).chunk)).toEqual(later);
    expect(idsOf((await related(alice, root, `?dir=b&to=${since}`)).chunk)).toEqual(later.toReversed());
  });

  it('may be asked for together with what relates to that', async () => {
    const root = await alice.say(roomId, 'root');
    const thread = await reply(bob, root);
    const edited = await edit(bob, thread, 'better');
    const reaction = await send(
      alice,
      { 'm.relates_to': { rel_type: 'm.annotation', event_id: edited, key: 'x' } },
      'm.reaction',
    );
    const beyond = await send(alice, relating('m.reference', reaction));
    expect(idsOf((await related(alice, root)).chunk)).toEqual([thread]);
    const all = await related(alice, root, '?recurse=true&dir=f');
    expect([idsOf(all.chunk), all.recursion_depth]).toEqual([[thread, edited, reaction], 3]);
    expect(all.chunk).not.toContainEqual(expect.objectContaining({ event_id: beyond }));
    expect(idsOf((await related(alice, root, '/m.annotation?recurse=true')).chunk)).toEqual([reaction]);
  });

  it('is nothing that was redacted, and nothing for those who may not see the event', async () => {
    const root = await alice.say(roomId, 'root');
    const [kept, gone] = [await reply(bob, root), await reply(bob, root)];
    await redact(alice, gone);
    expect(idsOf((await related(alice, root)).chunk)).toEqual([kept]);
    const carol = await Person.register(replica.url, 'carol');
    const path = `${V1()}/relations/${encodeURIComponent(root)}`;
    expect((await carol.get(path)).status).toBe(403);
    expect((await alice.get(`${V1()}/relations/$${'a'.repeat(43)}`)).body.errcode).toBe('M_NOT_FOUND');
    expect((await alice.get(`${path}?from=nothing`)).body.errcode).toBe('M_INVALID_PARAM');
    expect((await alice.get(`${path}?dir=x`)).body.errcode).toBe('M_INVALID_PARAM');
  });
});

describe('with an event come', () => {
  it('its newest edit by its own sender, of which everybody hears with the event', async () => {
    const said = await alice.say(roomId, 'one');
    expect(await bundleOf(bob, said)).toBeUndefined();
    await edit(alice, said, 'two');
    const newest = await edit(alice, said, 'three');
    await edit(bob, said, 'forged');
    await send(alice, relating('m.replace', said, { body: 'without new content' }), 'org.example.other');
    const bundle = await bundleOf(bob, said);
    expect(bundle).toEqual({ 'm.replace': expect.objectContaining({ event_id: newest, room_id: roomId }) });
    expect(bundle['m.replace'].content['m.new_content'].body).toBe('three');
    await redact(alice, newest);
    expect((await bundleOf(bob, said))['m.replace'].content['m.new_content'].body).toBe('two');
    await redact(alice, said);
    expect(await bundleOf(bob, said)).toBeUndefined();
  });

  it('its thread: the newest event as it was edited, how many there are, and whether one has taken part', async () => {
    const root = await alice.say(roomId, 'root');
    const [first, last] = [await reply(bob, root), await reply(bob, root)];
    const edited = await edit(bob, last, 'better');
    const thread = (await bundleOf(alice, root))['m.thread'];
    expect(thread).toMatchObject({ count: 2, current_user_participated: true });
    expect(thread.latest_event).toMatchObject({ event_id: last, room_id: roomId });
    expect(thread.latest_event.unsigned['m.relations']['m.replace'].event_id).toBe(edited);
    const carol = await Person.register(replica.url, 'carol');
    await carol.must('POST', `${inRoom(roomId)}/join`);
    expect((await bundleOf(carol, root))['m.thread'].current_user_participated).toBe(false);
    await redact(bob, last);
    expect((await bundleOf(alice, root))['m.thread']).toMatchObject({ count: 1, latest_event: { event_id: first } });
  });

  it('the events that refer to it, and nothing of whom one ignores', async () => {
    const said = await alice.say(roomId, 'poll');
    const [own, other] = [
      await send(alice, relating('m.reference', said)),
      await send(bob, relating('m.reference', said)),
    ];
    await reply(bob, said);
    const references = async () => (await bundleOf(alice, said))['m.reference'].chunk;
    expect(await references()).toEqual([{ event_id: own }, { event_id: other }]);
    await alice.must('PUT', `user/${alice.userId}/account_data/m.ignored_user_list`, {
      ignored_users: { [bob.userId]: {} },
    });
    await alice.must('GET', 'sync');
    expect(await bundleOf(alice, said)).toEqual({ 'm.reference': { chunk: [{ event_id: own }] } });
  });
});

describe('the threads of a room', () => {
  const threads = async (who: Person, query = '') => who.must('GET', `${V1()}/threads${query}`);

  it('come in the order of their newest events, with these', async () => {
    const roots = [await alice.say(roomId, 'one'), await alice.say(roomId, 'two'), await bob.say(roomId, 'three')];
    const [one = '', two = '', three = ''] = roots;
    for (const root of roots) await reply(bob, root);
    expect(idsOf((await threads(alice)).chunk)).toEqual([three, two, one]);
    const newest = await reply(bob, one);
    const { chunk } = await threads(alice);
    expect(idsOf(chunk)).toEqual([one, three, two]);
    expect(chunk[0].unsigned['m.relations']['m.thread'].latest_event.event_id).toBe(newest);
    expect(idsOf((await threads(alice, '?include=participated')).chunk)).toEqual([one, two]);
    const page = await threads(alice, '?limit=2');
    expect(idsOf(page.chunk)).toEqual([one, three]);
    const rest = await threads(alice, `?limit=2&from=${page.next_batch}`);
    expect([idsOf(rest.chunk), rest.next_batch]).toEqual([[two], undefined]);
    await redact(bob, newest);
    expect(idsOf((await threads(alice)).chunk)).toEqual([three, two, one]);
  });

  it('are told of without the words of whom one ignores', async () => {
    const [root, own] = [await bob.say(roomId, 'mine'), await alice.say(roomId, 'ours')];
    for (const each of [root, own]) await reply(alice, each);
    await alice.must('PUT', `user/${alice.userId}/account_data/m.ignored_user_list`, {
      ignored_users: { [bob.userId]: {} },
    });
    await alice.must('GET', 'sync');
    const { chunk } = await threads(alice);
    expect(idsOf(chunk)).toEqual([own, root]);
    expect(chunk.map(({ content }: { content: object }) => content)).toEqual([{ msgtype: 'm.text', body: 'ours' }, {}]);
  });
});

describe('a thread', () => {
  it('begins with no event that relates to another one', async () => {
    const root = await send(alice, { msgtype: 'm.text', body: 'root' });
    const inThread = await reply(bob, root);
    const annotation = await send(
      bob,
      { 'm.relates_to': { rel_type: 'm.annotation', event_id: root, key: 'x' } },
      'm.reaction',
    );
    for (const target of [inThread, annotation]) {
      const { status, body } = await bob.put(
        `${inRoom(roomId)}/send/m.room.message/n${++counter}`,
        relating('m.thread', target),
      );
      expect([status, body.errcode]).toEqual([400, 'M_UNKNOWN']);
    }
    // A reply alone is no such relation, and what is not here may begin one.
    const replied = await send(bob, { body: 'yes', 'm.relates_to': { 'm.in_reply_to': { event_id: root } } });
    for (const target of [replied, `$${'a'.repeat(43)}`]) await reply(alice, target);
  });
});

describe('the same annotation', () => {
  const reaction = (key: string, event_id: string) => ({ 'm.relates_to': { rel_type: 'm.annotation', event_id, key } });
  const react = (who: Person, target: string, key: string, txnId = `a${++counter}`, type = 'm.reaction') =>
    who.put(`${inRoom(roomId)}/send/${type}/${txnId}`, reaction(key, target));

  it('is sent once by one person, unless it was redacted, and may be asked for again', async () => {
    const target = await send(alice, { msgtype: 'm.text', body: 'hello' });
    const first = await react(bob, target, 'x', 'first');
    const sent: string[] = [first.body.event_id];
    await eventually(async () => {
      const again = await react(bob, target, 'x');
      if (again.status === 200) sent.push(again.body.event_id);
      expect([again.status, again.body.errcode]).toEqual([400, 'M_DUPLICATE_ANNOTATION']);
    });
    expect(await react(bob, target, 'x', 'first')).toMatchObject({ status: 200, body: first.body });
    const others = [await react(bob, target, 'y'), await react(alice, target, 'x')];
    others.push(await react(bob, target, 'x', 'other', 'org.example.reaction'));
    expect(others.map(({ status }) => status)).toEqual([200, 200, 200]);
    for (const eventId of sent) await redact(bob, eventId);
    expect((await react(bob, target, 'x')).status).toBe(200);
  });
});
