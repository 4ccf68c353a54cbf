import type { JsonObject } from '@ganglion/protocol';
import { eventually, type FarRoom, pduOf } from '@ganglion/testing';
import { Neighbours, sees, timeline } from '../support/federation.js';
import { inRoom, type Person } from '../support/person.js';

const TIMEOUT_MS = 60_000;
const V1 = '/_matrix/federation/v1';
const V2 = '/_matrix/federation/v2';
const FORBIDDEN = { status: 403, body: { errcode: 'M_FORBIDDEN' } };

let neighbours: Neighbours;
let alice: Person;
let bob: Person;
let admin: Person;
beforeAll(async () => {
  neighbours = await Neighbours.meet();
  [alice, bob] = [await neighbours.person('alice'), await neighbours.person('bob')];
  const made = await neighbours.person('admin');
  const text = 'UPDATE user_server.accounts SET admin = true WHERE user_id = $1';
  await neighbours.replicas[0].db.query({ text, values: [made.userId] });
  admin = await made.onNewDevice();
});
afterAll(() => neighbours.close());
beforeEach(() => {
  neighbours.far.answering = () => undefined;
});

const encoded = (...parts: string[]) => parts.map(encodeURIComponent).join('/');
const blockOf = (roomId: string) => `/_synapse/admin/v1/rooms/${encoded(roomId)}/block`;
const block = (roomId: string, is = true) => admin.must('PUT', blockOf(roomId), { block: is });
/** The same person at the replica by way of which nothing was blocked. */
const elsewhere = (person: Person) => person.at(neighbours.replicas[1].url);
const send = (pdus: JsonObject[], replica = 1) => neighbours.far.send(neighbours.replicas[replica]!.url, { pdus });

/** What a server in the room may ask us for. */
function questionsOf(room: FarRoom): [method: string, path: string, content?: JsonObject][] {
  const [latest] = room.tips;
  const roomId = encoded(room.roomId);
  const at = `event_id=${encoded(latest!)}`;
  const join = room.member(neighbours.far.user('late'), 'join');
  const joining = `${roomId}/${encoded(join.eventId)}`;
  return [
    ['GET', `${V1}/make_join/${roomId}/${encoded(neighbours.far.user('late'))}?ver=11`],
    ['PUT', `${V2}/send_join/${joining}`, pduOf(join)],
    ['GET', `${V1}/make_leave/${roomId}/${encoded(room.creator)}`],
    ['GET', `${V1}/backfill/${roomId}?limit=5&v=${encoded(latest!)}`],
    ['POST', `${V1}/get_missing_events/${roomId}`, { earliest_events: [], latest_events: [latest!] }],
    ['GET', `${V1}/state/${roomId}?${at}`],
    ['GET', `${V1}/state_ids/${roomId}?${at}`],
    ['GET', `${V1}/event_auth/${roomId}/${encoded(latest!)}`],
    ['GET', `${V1}/hierarchy/${roomId}`],
    ['GET', `${V1}/timestamp_to_event/${roomId}?ts=5&dir=f`],
  ];
}

it(
  'nobody says anything in a blocked room, joins it or is invited, at any replica, until it is let go on',
  async () => {
    const roomId = await alice.createRoom({ preset: 'public_chat' });
    const kept = `${inRoom(roomId)}/send/m.room.message/kept`;
    const before = await elsewhere(alice).put(kept, { msgtype: 'm.text', body: 'before' });
    expect(await admin.get(blockOf(roomId))).toMatchObject({ status: 200, body: { block: false } });
    expect(await block(roomId)).toEqual({ block: true });
    expect((await elsewhere(admin).get(blockOf(roomId))).body).toEqual({ block: true, user_id: admin.userId });
    const message = { msgtype: 'm.text', body: 'no' };
    for (const at of [alice, elsewhere(alice)]) {
      // What was accepted stays so, for who has not heard of it.
      expect(await at.put(kept, message)).toMatchObject({ status: 200, body: before.body });
      expect(await at.put(`${inRoom(roomId)}/send/m.room.message/no`, message)).toMatchObject(FORBIDDEN);
      expect(await at.put(`${inRoom(roomId)}/state/m.room.topic`, { topic: 'no' })).toMatchObject(FORBIDDEN);
      expect(await at.post(`${inRoom(roomId)}/invite`, { user_id: bob.userId })).toMatchObject(FORBIDDEN);
    }
    for (const at of [bob, elsewhere(bob)]) {
      expect(await at.post(`join/${encoded(roomId)}`)).toMatchObject(FORBIDDEN);
      expect(await at.post(`knock/${encoded(roomId)}`)).toMatchObject({ status: 403 });
    }
    expect(await block(roomId, false)).toEqual({ block: false });
    await elsewhere(bob).must('POST', `join/${encoded(roomId)}`);
    await sees(bob, roomId, await elsewhere(alice).say(roomId, 'after'));
  },
  TIMEOUT_MS,
);

it(
  'who is in a blocked room may leave it',
  async () => {
    const roomId = await alice.createRoom({ preset: 'public_chat' });
    await bob.must('POST', `join/${encoded(roomId)}`);
    await block(roomId);
    await elsewhere(bob).must('POST', `${inRoom(roomId)}/leave`);
    expect((await bob.get('joined_rooms')).body.joined_rooms).not.toContain(roomId);
    expect(await bob.post(`join/${encoded(roomId)}`)).toMatchObject(FORBIDDEN);
  },
  TIMEOUT_MS,
);

it(
  'who is in a blocked room may also leave it by setting their own state, and nobody else’s',
  async () => {
    const roomId = await alice.createRoom({ preset: 'public_chat' });
    await bob.must('POST', `join/${encoded(roomId)}`);
    await block(roomId);
    const memberOf = ({ userId }: Person) => `${inRoom(roomId)}/state/m.room.member/${encoded(userId)}`;
    expect(await alice.put(memberOf(bob), { membership: 'leave' })).toMatchObject(FORBIDDEN);
    expect(await bob.put(memberOf(bob), { membership: 'join', displayname: 'no' })).toMatchObject(FORBIDDEN);
    await elsewhere(bob).must('PUT', memberOf(bob), { membership: 'leave' });
    expect((await bob.get('joined_rooms')).body.joined_rooms).not.toContain(roomId);
  },
  TIMEOUT_MS,
);

it(
  'a blocked room is not replaced by another one, and keeps its aliases',
  async () => {
    const local = `kept-${Date.now()}`;
    const roomId = await alice.createRoom({ preset: 'public_chat', room_alias_name: local });
    const alias = `#${local}:${alice.userId.slice(alice.userId.indexOf(':') + 1)}`;
    const leadsTo = async () => (await alice.get(`directory/room/${encoded(alias)}`)).body.room_id;
    expect(await leadsTo()).toBe(roomId);
    await block(roomId);
    const joined = (await alice.get('joined_rooms')).body.joined_rooms;
    for (const at of [alice, elsewhere(alice)]) {
      expect(await at.post(`${inRoom(roomId)}/upgrade`, { new_version: '11' })).toMatchObject(FORBIDDEN);
    }
    expect((await alice.get('joined_rooms')).body.joined_rooms).toEqual(joined);
    expect(await leadsTo()).toBe(roomId);
  },
  TIMEOUT_MS,
);

it(
  'an alias of a blocked room can be deleted',
  async () => {
    const local = `gone-${Date.now()}`;
    const roomId = await alice.createRoom({ preset: 'public_chat', room_alias_name: local });
    const path = `directory/room/${encoded(`#${local}:${alice.userId.slice(alice.userId.indexOf(':') + 1)}`)}`;
    await block(roomId);
    expect(await elsewhere(alice).call('DELETE', path)).toMatchObject({ status: 200, body: {} });
    expect(await alice.get(path)).toMatchObject({ status: 404 });
  },
  TIMEOUT_MS,
);

it(
  'of a blocked room nothing is told to other servers, until it is let go on',
  async () => {
    const room = await neighbours.farRoom(alice);
    const questions = questionsOf(room);
    await block(room.roomId);
    for (const [method, path, content] of questions) {
      for (const { url } of neighbours.replicas) {
        expect([path, await neighbours.far.ask(url, method, path, content)]).toMatchObject([path, FORBIDDEN]);
      }
    }
    await block(room.roomId, false);
    const [, , , ...readable] = questions;
    for (const [method, path, content] of readable.slice(0, 4)) {
      const { status } = await neighbours.far.ask(neighbours.replicas[1].url, method, path, content);
      expect([path, status]).not.toEqual([path, 403]);
    }
  },
  TIMEOUT_MS,
);

it(
  'of a blocked room no other server is told who types and what they read',
  async () => {
    const { far } = neighbours;
    far.answering = ({ path }) => (path.includes('/send/') ? { pdus: {} } : undefined);
    const [room, other] = [await neighbours.farRoom(alice), await neighbours.farRoom(alice)];
    await block(room.roomId);
    for (const { roomId } of [room, other]) {
      const [{ event_id } = { event_id: '' }] = await timeline(alice, roomId);
      await alice.must('PUT', `${inRoom(roomId)}/typing/${encoded(alice.userId)}`, { typing: true, timeout: 20_000 });
      await alice.must('POST', `${inRoom(roomId)}/receipt/m.read/${encoded(event_id)}`);
    }
    const told = () => far.asked.filter(({ path }) => path.includes('/send/')).map(({ body }) => body);
    const toldOf = (roomId: string) => {
      const edus = told().flatMap((body) => JSON.parse(body).edus ?? []);
      const about = edus.filter((edu: object) => JSON.stringify(edu).includes(roomId));
      return [...new Set(about.map(({ edu_type }: { edu_type: string }) => edu_type))].sort();
    };
    await eventually(() => expect(toldOf(other.roomId)).toEqual(['m.receipt', 'm.typing']), 45_000);
    expect(toldOf(room.roomId)).toEqual([]);
  },
  TIMEOUT_MS,
);

it(
  'what another server sends to a blocked room is refused in its own place, and what it sends to others is taken',
  async () => {
    const [room, other] = [await neighbours.farRoom(alice), await neighbours.farRoom(alice)];
    await block(room.roomId);
    const [refused, taken] = [room.say('no'), other.say('yes')];
    for (const replica of [0, 1]) {
      expect(await send([pduOf(refused), pduOf(taken)], replica)).toEqual({
        status: 200,
        body: { pdus: { [refused.eventId]: { error: expect.stringContaining('blocked') }, [taken.eventId]: {} } },
      });
    }
    await sees(alice, other.roomId, taken.eventId);
    expect((await timeline(alice, room.roomId)).map(({ event_id }) => event_id)).not.toContain(refused.eventId);
    await block(room.roomId, false);
    const later = room.say('at last');
    expect((await send([pduOf(refused), pduOf(later)])).body.pdus).toEqual({
      [refused.eventId]: {},
      [later.eventId]: {},
    });
    await sees(alice, room.roomId, refused.eventId, later.eventId);
  },
  TIMEOUT_MS,
);

it(
  'nobody is invited to a room that was blocked before anything was known of it, nor joins it by way of another server',
  async () => {
    const { far } = neighbours;
    const room = far.room({}, neighbours.replicas[0].signingKeys);
    await block(room.roomId);
    const inviting = room.member(bob.userId, 'invite', room.creator);
    const offer = { room_version: room.rules.id, event: pduOf(inviting), invite_room_state: [] };
    const path = `${V2}/invite/${encoded(room.roomId)}/${encoded(inviting.eventId)}`;
    for (const { url } of neighbours.replicas) expect(await far.ask(url, 'PUT', path, offer)).toMatchObject(FORBIDDEN);
    far.asked.length = 0;
    for (const at of [bob, elsewhere(bob)]) {
      expect(await at.post(`join/${encoded(room.roomId)}?via=${far.name}`)).toMatchObject(FORBIDDEN);
    }
    expect(far.asked.filter((asked) => asked.path.includes('join'))).toEqual([]);
    await block(room.roomId, false);
    expect(await far.ask(neighbours.replicas[1].url, 'PUT', path, offer)).toMatchObject({ status: 200 });
  },
  TIMEOUT_MS,
);

it('only administrators block rooms', async () => {
  const roomId = await alice.createRoom();
  expect(await alice.call('PUT', blockOf(roomId), { block: true })).toMatchObject(FORBIDDEN);
  expect(await alice.get(blockOf(roomId))).toMatchObject(FORBIDDEN);
  const bad = await admin.call('PUT', blockOf(roomId), { block: 'yes' });
  expect(bad).toMatchObject({ status: 400, body: { errcode: 'M_BAD_JSON' } });
  await alice.say(roomId, 'goes on');
});
