import {
  canonicalJsonString,
  encodeBase64,
  generateSigningKey,
  hashAndSignEvent,
  type JsonObject,
  type Pdu,
  ready,
  type SigningKey,
  signEvent,
} from '@ganglion/protocol';
import { type Asked, FarRefusal, type FarRoom, type FarServer, pduOf } from '@ganglion/testing';
import { Neighbours, sees, timeline } from '../support/federation.js';
import { inRoom, type Person } from '../support/person.js';

const PATH = '/_matrix/policy/v1/sign';
const SPAM = new FarRefusal(400, { errcode: 'M_FORBIDDEN', error: 'This looks like spam' });

let neighbours: Neighbours;
let alice: Person;
let guard: FarServer;
let key: SigningKey;
let room: FarRoom;
beforeAll(async () => {
  await ready();
  neighbours = await Neighbours.meet();
  alice = await neighbours.person('alice');
  guard = await neighbours.another();
  key = { ...generateSigningKey('x'), keyId: 'ed25519:policy_server' };
});
afterAll(async () => {
  await guard?.close();
  await neighbours.close();
});

const policy = () => ({ via: guard.name, public_keys: { ed25519: encodeBase64(key.publicKey) } });
const recommendation = (pdu: Pdu) => {
  const { [guard.name]: signature } = signEvent({ ...pdu, signatures: {} }, room.rules, guard.name, key).signatures;
  return { [guard.name]: { ...signature } };
};
const recommended = (pdu: JsonObject): JsonObject => {
  const others = pdu.signatures as Record<string, JsonObject>;
  const { [guard.name]: signature } = recommendation(pdu as unknown as Pdu);
  const signatures = { ...others, [guard.name]: { ...others[guard.name], ...signature } };
  return { ...pdu, signatures };
};
const asks = () => guard.asked.filter(({ path }) => path === PATH);

/** Recommends all but what has such a word in it. */
function recommends({ path, body }: Asked): object | undefined {
  if (path !== PATH) return undefined;
  return body.includes('spam') ? SPAM : recommendation(JSON.parse(body) as Pdu);
}

beforeEach(async () => {
  neighbours.far.answering = () => undefined;
  guard.answering = recommends;
  room = await neighbours.farRoom(alice, {}, (made) => {
    room = made;
    made.member(guard.user('policy'), 'join');
    made.state('m.room.policy', policy());
  });
  guard.asked.length = 0;
});

/** What the room's policy server says of an event that another server sends. */
async function send(body: string, change = (pdu: JsonObject) => pdu): Promise<string> {
  const event = room.say(body);
  const { body: answer } = await neighbours.far.send(neighbours.url, { pdus: [change(pduOf(event))] });
  expect(answer.pdus).toEqual({ [event.eventId]: {} });
  return event.eventId;
}

describe('what is sent to a room with a policy server', () => {
  it('fits into what other servers take with its signature, or is too large', async () => {
    let last = '';
    let refusal: unknown;
    for (let length = 64_200; refusal === undefined && length < 65_600; length += 20) {
      const content = { body: 'x'.repeat(length) };
      const { status, body } = await alice.put(`${inRoom(room.roomId)}/send/m.room.message/large${length}`, content);
      if (status === 200) last = body.event_id;
      else refusal = [status, body.errcode];
    }
    expect(refusal).toEqual([413, 'M_TOO_LARGE']);
    const path = `/_matrix/federation/v1/event/${encodeURIComponent(last)}`;
    const { body } = await neighbours.far.ask(neighbours.url, 'GET', path);
    expect(canonicalJsonString(body.pdus[0]).length).toBeLessThanOrEqual(65_536);
  });

  it('is signed by it, and goes nowhere without', async () => {
    const said = await alice.say(room.roomId, 'Hello');
    const { body } = await neighbours.far.ask(
      neighbours.url,
      'GET',
      `/_matrix/federation/v1/event/${encodeURIComponent(said)}`,
    );
    expect(body.pdus[0].signatures[guard.name]['ed25519:policy_server']).toEqual(expect.any(String));
    const { status, body: refusal } = await alice.put(`${inRoom(room.roomId)}/send/m.room.message/x`, { body: 'spam' });
    expect([status, refusal]).toEqual([400, { errcode: 'M_FORBIDDEN', error: 'This looks like spam' }]);
    const { status: named } = await alice.put(`${inRoom(room.roomId)}/state/m.room.member/${alice.userId}`, {
      ...{ membership: 'join', displayname: 'spam' },
    });
    expect(named).toBe(400);
    expect((await timeline(alice, room.roomId)).at(-1)?.event_id).toBe(said);
  });

  it.each([
    ['fails', () => new FarRefusal(500, {}), 500],
    ['answers with nothing', () => ({}), 502],
    [
      'signs something else',
      () => ({ [guard.name]: { 'ed25519:policy_server': encodeBase64(Buffer.alloc(64)) } }),
      502,
    ],
  ])('goes nowhere while it %s', async (_, answer, status) => {
    guard.answering = ({ path }) => (path === PATH ? answer() : undefined);
    expect((await alice.put(`${inRoom(room.roomId)}/send/m.room.message/x`, { body: 'Hello' })).status).toBe(status);
  });

  it('needs nothing of it once nobody of it is in the room, or the room has no such server any more', async () => {
    const leave = room.member(guard.user('policy'), 'leave');
    await neighbours.far.send(neighbours.url, { pdus: [recommended(pduOf(leave))] });
    await alice.say(room.roomId, 'spam for all');
    expect(asks()).toEqual([]);
  });
});

describe('what others send to a room with a policy server', () => {
  it('is shown when that has signed it', async () => {
    const eventId = await send('Good day', recommended);
    await sees(alice, room.roomId, eventId);
    expect(asks()).toEqual([]);
  });

  it('is shown when that signs it now', async () => {
    const eventId = await send('Good evening');
    await sees(alice, room.roomId, eventId);
    expect(asks()).toHaveLength(1);
  });

  it('is shown to nobody when that refuses, and what follows it is', async () => {
    const spam = await send('spam');
    const good = await send('Good night', recommended);
    await sees(alice, room.roomId, good);
    expect((await timeline(alice, room.roomId)).map(({ event_id }) => event_id)).not.toContain(spam);
  });

  it('is the end of that server’s say, though it was not asked for it', async () => {
    const none = room.state('m.room.policy', {});
    await neighbours.far.send(neighbours.url, { pdus: [pduOf(none)] });
    const eventId = await send('spam again');
    await sees(alice, room.roomId, eventId);
    expect(asks()).toEqual([]);
  });

  it('may be a join, by way of us', async () => {
    const roomId = await alice.createRoom({ preset: 'public_chat', room_version: '11' });
    await alice.must('PUT', `${inRoom(roomId)}/state/m.room.policy`, policy());
    // Nobody of the policy server is there yet.
    await alice.say(roomId, 'spam of ours');
    expect((await join(guard, roomId)).status).toBe(200);
    expect(asks()).toEqual([]);
    const { status, body } = await join(neighbours.far, roomId);
    expect([status, Object.keys(body.event.signatures)]).toEqual([200, expect.arrayContaining([guard.name])]);
    expect(asks()).toHaveLength(1);
  });
});

/** Somebody of another server joins a room of ours. */
async function join(server: FarServer, roomId: string) {
  const user = server.user('somebody');
  const path = `/_matrix/federation/v1/make_join/${encodeURIComponent(roomId)}/${encodeURIComponent(user)}?ver=11`;
  const { body } = await server.ask(neighbours.url, 'GET', path);
  const { eventId, pdu } = hashAndSignEvent(body.event, room.rules, server.name, server.key);
  const accepting = `/_matrix/federation/v2/send_join/${encodeURIComponent(roomId)}/${encodeURIComponent(eventId)}`;
  return server.ask(neighbours.url, 'PUT', accepting, pdu as unknown as JsonObject);
}
