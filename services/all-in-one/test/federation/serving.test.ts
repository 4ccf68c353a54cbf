import {
  hashAndSignEvent,
  type JsonObject,
  roomVersionRules,
  type UnsignedEvent,
  verifyEventSignatures,
} from '@ganglion/protocol';
import { eventually } from '@ganglion/testing';
import { Neighbours, sees } from '../support/federation.js';
import { inRoom, type Person } from '../support/person.js';

const V1 = '/_matrix/federation/v1';
const V2 = '/_matrix/federation/v2';

let neighbours: Neighbours;
let alice: Person;
beforeAll(async () => {
  neighbours = await Neighbours.meet();
  alice = await neighbours.person('alice');
});
afterAll(() => neighbours.close());

const ask = (method: string, path: string, content?: JsonObject) =>
  neighbours.far.ask(neighbours.url, method, path, content);
const encoded = (...parts: string[]) => parts.map(encodeURIComponent).join('/');

let counter = 0;

/** In the first versions who signs an event names it. */
function sign(event: JsonObject, version: string) {
  const { far } = neighbours;
  const named = Number(version) < 3 ? { ...event, event_id: `$${++counter}:${far.name}` } : event;
  return hashAndSignEvent(named as unknown as UnsignedEvent, roomVersionRules(version)!, far.name, far.key);
}

async function make(membership: string, roomId: string, userId: string, version: string) {
  const { status, body } = await ask('GET', `${V1}/make_${membership}/${encoded(roomId, userId)}?ver=${version}`);
  expect([status, body.room_version]).toEqual([200, version]);
  return body.event as JsonObject;
}

/** Joins somebody of the other server. */
async function join(roomId: string, userId: string, version: string, query = '') {
  const { eventId, pdu } = sign(await make('join', roomId, userId, version), version);
  const path = `${V2}/send_join/${encoded(roomId, eventId)}${query}`;
  return { eventId, ...(await ask('PUT', path, pdu as unknown as JsonObject)) };
}

describe.each(['1', '6', '10', '12'])('a public room of version %s', (version) => {
  let roomId: string;
  let bob: string;
  beforeAll(async () => {
    roomId = await alice.createRoom({ preset: 'public_chat', room_version: version });
    bob = neighbours.far.user(`bob${version}`);
  });

  it('is joined, and left again', async () => {
    const said = await alice.say(roomId, 'before');
    const joined = await join(roomId, bob, version);
    expect(joined.status).toBe(200);
    expect(joined.body).toMatchObject({ origin: 'one.test', members_omitted: false });
    await sees(alice, roomId, said, joined.eventId);
    const state = joined.body.state as { type: string; state_key: string }[];
    expect(state.map(({ type }) => type)).toEqual(expect.arrayContaining(['m.room.create', 'm.room.power_levels']));
    expect(state.map(({ state_key }) => state_key)).toContain(alice.userId);
    const { body } = await alice.get(`${inRoom(roomId)}/joined_members`);
    expect(Object.keys(body.joined)).toContain(bob);
    const { eventId, pdu } = sign(await make('leave', roomId, bob, version), version);
    const left = await ask('PUT', `${V2}/send_leave/${encoded(roomId, eventId)}`, pdu as unknown as JsonObject);
    expect(left).toEqual({ status: 200, body: {} });
    await sees(alice, roomId, eventId);
  });

  it('is joined without its members, and nothing is told twice', async () => {
    const dora = neighbours.far.user(`dora${version}`);
    const { status, body } = await join(roomId, dora, version, '?omit_members=true');
    expect([status, body.members_omitted, body.servers_in_room]).toEqual([
      200,
      true,
      expect.arrayContaining(['one.test']),
    ]);
    const told = ['state', 'auth_chain'].flatMap((name) => body[name] as object[]).map((pdu) => JSON.stringify(pdu));
    expect(new Set(told).size).toBe(told.length);
    expect(told.filter((text) => text.includes('"m.room.create"'))).toHaveLength(1);
  });

  it('gives who is in it what they ask for', async () => {
    const carol = neighbours.far.user(`carol${version}`);
    const { eventId: joinId } = await join(roomId, carol, version);
    const ids = [await alice.say(roomId, 'one'), await alice.say(roomId, 'two')];
    const event = await ask('GET', `${V1}/event/${encoded(ids[0]!)}`);
    expect(event.body.pdus).toMatchObject([{ content: { body: 'one' } }]);
    const keys = neighbours.replicas[0].signingKeys.get('one.test')!;
    const verdict = verifyEventSignatures(event.body.pdus[0], roomVersionRules(version)!, () => ({
      publicKey: keys.publicKey,
      validUntilTs: Number.MAX_SAFE_INTEGER,
    }));
    expect(verdict).toEqual({ signed: true });
    const query = `?event_id=${encodeURIComponent(ids[1]!)}`;
    const state = await ask('GET', `${V1}/state/${encoded(roomId)}${query}`);
    const stateIds = await ask('GET', `${V1}/state_ids/${encoded(roomId)}${query}`);
    expect(state.body.pdus).toHaveLength(stateIds.body.pdu_ids.length);
    expect(stateIds.body.pdu_ids).toContain(joinId);
    expect(stateIds.body.auth_chain_ids.length).toBe(state.body.auth_chain.length);
    const auth = await ask('GET', `${V1}/event_auth/${encoded(roomId, ids[1]!)}`);
    expect(auth.body.auth_chain.map(({ type }: { type: string }) => type)).toContain('m.room.power_levels');
    const backfill = await ask('GET', `${V1}/backfill/${encoded(roomId)}?v=${encodeURIComponent(ids[1]!)}&limit=2`);
    expect(backfill.body.pdus.map(({ content }: { content: JsonObject }) => content.body)).toEqual(['two', 'one']);
    const between = { earliest_events: [joinId], latest_events: [ids[1]!], limit: 10, min_depth: 0 };
    const missing = await ask('POST', `${V1}/get_missing_events/${encoded(roomId)}`, between);
    expect(missing.body.events.map(({ content }: { content: JsonObject }) => content.body)).toEqual(['one']);
    const found = await ask('GET', `${V1}/timestamp_to_event/${encoded(roomId)}?ts=${Date.now()}&dir=b`);
    expect(found.body.event_id).toBe(ids[1]);
  });

  it('gives a stranger nothing of it', async () => {
    const stranger = await neighbours.another();
    const eventId = await alice.say(roomId, 'private');
    const paths = [
      `state/${encoded(roomId)}?event_id=${encodeURIComponent(eventId)}`,
      `event/${encodeURIComponent(eventId)}`,
    ];
    for (const path of [...paths, `backfill/${encoded(roomId)}?v=${encodeURIComponent(eventId)}&limit=5`]) {
      const answer = await stranger.ask(neighbours.url, 'GET', `${V1}/${path}`);
      expect([path, answer.status]).toEqual([path, 403]);
    }
    await stranger.close();
  });
});

describe('what comes back signed', () => {
  const version = '11';
  let roomId: string;
  let user: string;
  beforeAll(async () => {
    roomId = await alice.createRoom({ preset: 'public_chat', room_version: version });
    user = neighbours.far.user('mallory');
  });

  const offered = () => make('join', roomId, user, version);
  const refusedAs = async (endpoint: string, event: JsonObject, path?: { roomId?: string; eventId?: string }) => {
    const { eventId, pdu } = sign(event, version);
    const where = encoded(path?.roomId ?? roomId, path?.eventId ?? eventId);
    const { status, body } = await ask('PUT', `${endpoint}/${where}`, pdu as unknown as JsonObject);
    const isRefused = status >= 400 && status < 500 && typeof body.errcode === 'string';
    expect([event, status, isRefused]).toEqual([event, status, true]);
  };

  it('is nothing but what was offered', async () => {
    const event = await offered();
    const other = await alice.createRoom({ preset: 'public_chat', room_version: version });
    const content = event.content as JsonObject;
    for (const endpoint of [`${V2}/send_join`, `${V1}/send_join`]) {
      await refusedAs(endpoint, { ...event, type: 'm.room.message' });
      await refusedAs(endpoint, { ...event, type: 'm.room.power_levels', state_key: '' });
      await refusedAs(endpoint, { ...event, sender: alice.userId });
      await refusedAs(endpoint, { ...event, state_key: alice.userId });
      await refusedAs(endpoint, { ...event, state_key: neighbours.far.user('somebody') });
      await refusedAs(endpoint, { ...event, content: { ...content, membership: 'leave' } });
      await refusedAs(endpoint, { ...event, content: { ...content, membership: 'ban' } });
      await refusedAs(endpoint, { ...event, room_id: other });
      await refusedAs(endpoint, event, { roomId: other });
      await refusedAs(endpoint, event, { eventId: `$${'x'.repeat(43)}` });
      const elsewhere = `@authority:${neighbours.far.name}`;
      await refusedAs(endpoint, { ...event, content: { ...content, join_authorised_via_users_server: elsewhere } });
    }
    for (const endpoint of [`${V2}/send_leave`, `${V1}/send_knock`]) await refusedAs(endpoint, event);
  });

  it('is signed by nobody but its sender’s server', async () => {
    const event = await offered();
    const { eventId, pdu } = sign(event, version);
    const path = `${V2}/send_join/${encoded(roomId, eventId)}`;
    const changed = {
      ...(pdu as unknown as JsonObject),
      signatures: { [neighbours.far.name]: { 'ed25519:far': 'AAAA' } },
    };
    const refused = { status: 400, body: { errcode: 'M_INVALID_PARAM' } };
    expect(await ask('PUT', path, changed)).toMatchObject(refused);
    const unsigned = { ...(pdu as unknown as JsonObject), signatures: {} };
    expect(await ask('PUT', path, unsigned)).toMatchObject(refused);
  });
});

describe('an invite of one of ours', () => {
  const invite = async (userId: string, version: string) => {
    const room = neighbours.far.room({ version, joinRule: 'invite' }, neighbours.replicas[0].signingKeys);
    const written = room.member(userId, 'invite', room.creator);
    const create = JSON.parse(room.writer.events[0]!.json) as JsonObject;
    const path = `${V2}/invite/${encoded(room.roomId, written.eventId)}`;
    const event = JSON.parse(written.json) as JsonObject;
    return {
      room,
      written,
      ...(await ask('PUT', path, { room_version: version, event, invite_room_state: [create] })),
    };
  };

  it('is none where something of what it tells of the room is not signed as it must be', async () => {
    const room = neighbours.far.room({ version: '12', joinRule: 'invite' }, neighbours.replicas[0].signingKeys);
    const name = room.state('m.room.name', { name: 'Real' });
    const written = room.member(alice.userId, 'invite', room.creator);
    const path = `${V2}/invite/${encoded(room.roomId, written.eventId)}`;
    const [create, real, event] = [room.writer.events[0]!, name, written].map(({ json }) => JSON.parse(json));
    const offer = (...told: JsonObject[]) =>
      ask('PUT', path, { room_version: '12', event, invite_room_state: [create, ...told] });
    const refused = { status: 400, body: { errcode: 'M_INVALID_PARAM' } };
    expect(await offer({ ...real, content: { name: 'Bank' }, signatures: {} })).toMatchObject(refused);
    expect(await offer({ type: 'm.room.name', state_key: '', sender: room.creator, content: {} })).toMatchObject(
      refused,
    );
    expect(await offer(real)).toMatchObject({ status: 200 });
  });

  it('is told without what a server has said of the room that is gone, and its key with it', async () => {
    const bob = await neighbours.person('invited-later');
    const gone = await neighbours.another();
    const namer = gone.user('namer');
    const keys = [...neighbours.replicas[0].signingKeys, [gone.name, gone.key] as const];
    await gone.close();
    const room = neighbours.far.room({ version: '12', joinRule: 'invite' }, keys);
    const told = [
      room.writer.events[0]!,
      room.state('m.room.name', { name: 'Gone' }, '', namer),
      room.state('m.room.topic', { topic: 'Still here' }),
    ];
    const written = room.member(bob.userId, 'invite', room.creator);
    const path = `${V2}/invite/${encoded(room.roomId, written.eventId)}`;
    const [event, ...invite_room_state] = [written, ...told].map(({ json }) => JSON.parse(json));
    expect((await ask('PUT', path, { room_version: '12', event, invite_room_state })).status).toBe(200);
    await eventually(async () => {
      const { rooms } = await bob.must('GET', 'sync');
      const events: { type: string }[] = rooms.invite[room.roomId].invite_state.events;
      const types = events.map(({ type }) => type);
      expect(types).toContain('m.room.topic');
      expect(types).not.toContain('m.room.name');
    });
  });

  it('is taken also where the server is gone that has made the room', async () => {
    const [bob, gone] = [await neighbours.person('invited-last'), await neighbours.another()];
    const keys = [...neighbours.replicas[0].signingKeys, [neighbours.far.name, neighbours.far.key] as const];
    const room = gone.room({ version: '12' }, keys);
    await gone.close();
    const inviter = neighbours.far.user('inviter');
    room.member(inviter, 'join');
    const written = room.member(bob.userId, 'invite', inviter);
    const path = `${V2}/invite/${encoded(room.roomId, written.eventId)}`;
    const [event, create] = [written, room.writer.events[0]!].map(({ json }) => JSON.parse(json));
    const offer = { room_version: '12', event, invite_room_state: [create] };
    expect((await ask('PUT', path, offer)).status).toBe(200);
  });

  it.each(['10', '12'])('is signed and told, and taken back, in a room of version %s', async (version) => {
    const bob = await neighbours.person('invited');
    const { room, status, body } = await invite(bob.userId, version);
    expect([status, Object.keys(body.event.signatures).toSorted()]).toEqual([
      200,
      [neighbours.far.name, 'one.test'].toSorted(),
    ]);
    const invited = async () => Object.keys((await bob.get('sync')).body.rooms?.invite ?? {});
    await eventually(async () => expect(await invited()).toEqual([room.roomId]), 30_000);
    const kick = room.member(bob.userId, 'leave', room.creator);
    const sent = await neighbours.far.send(neighbours.url, { pdus: [JSON.parse(kick.json) as JsonObject] });
    expect(sent.body.pdus).toEqual({ [kick.eventId]: {} });
    await eventually(async () => expect(await invited()).toEqual([]), 30_000);
  });
});
