import { eventually } from '@ganglion/testing';
import { Homeserver, type Replica } from '../support/homeserver.js';
import { type Answer, inRoom, Person } from '../support/person.js';

let homeserver: Homeserver;
let one: Replica;
let two: Replica;
let alice: Person;
let bob: Person;
let roomId: string;
beforeAll(async () => {
  homeserver = await Homeserver.create();
  one = await homeserver.start();
  two = await homeserver.start();
});
afterAll(() => homeserver.close());
beforeEach(async () => {
  [alice, bob] = await Promise.all([Person.register(one.url, 'alice'), Person.register(one.url, 'bob')]);
  roomId = await alice.createRoom({ preset: 'public_chat' });
  await bob.must('POST', `${inRoom(roomId)}/join`);
});

const refusal = ({ status, body }: Answer) => [status, body.errcode];
const FORBIDDEN = [403, 'M_FORBIDDEN'];
const message = (txnId: string, type = 'm.room.message') => `${inRoom(roomId)}/send/${type}/${txnId}`;
const redaction = (eventId: string, txnId: string) =>
  `${inRoom(roomId)}/redact/${encodeURIComponent(eventId)}/${txnId}`;

/** How many events of a type the room holds. */
async function countOf(type: string): Promise<number> {
  const text = `SELECT count(*) AS count FROM room_server.events JOIN room_server.rooms USING (room_nid)
    WHERE room_id = $1 AND type = $2`;
  const { rows } = await one.db.query<{ count: number }>({ text, values: [roomId, type] });
  return Number(rows[0]?.count);
}

it('a message without a transaction id is another one each time', async () => {
  const send = () => alice.must('POST', `${inRoom(roomId)}/send/m.room.message`, { msgtype: 'm.text', body: 'again' });
  const [first, second] = [await send(), await send()];
  expect(first.event_id).not.toBe(second.event_id);
  expect(await countOf('m.room.message')).toBe(2);
});

describe('a transaction id', () => {
  it('means one event, however often and wherever it is sent at once', async () => {
    const places = Array.from({ length: 30 }, (_, i) => alice.at(i % 2 ? one.url : two.url));
    const answers = await Promise.all(places.map((person, i) => person.put(message('same'), { body: `attempt ${i}` })));
    expect(new Set(answers.map(({ body }) => body.event_id)).size).toBe(1);
    expect(await countOf('m.room.message')).toBe(1);
    const later = await alice.at(two.url).put(message('same'), { body: 'much later' });
    expect(later.body).toEqual(answers[0]?.body);
  });

  it('is one for each device, type, room and user', async () => {
    const laptop = await alice.onNewDevice();
    const other = await alice.createRoom();
    const ids = [
      (await alice.put(message('1'), {})).body.event_id,
      (await laptop.put(message('1'), {})).body.event_id,
      (await bob.put(message('1'), {})).body.event_id,
      (await alice.put(message('1', 'org.example.other'), {})).body.event_id,
      (await alice.put(`${inRoom(other)}/send/m.room.message/1`, {})).body.event_id,
    ];
    expect(new Set(ids).size).toBe(5);
    expect((await alice.at(two.url).put(message('1'), {})).body.event_id).toBe(ids[0]);
    expect((await laptop.at(two.url).put(message('1'), {})).body.event_id).toBe(ids[1]);
  });

  it('keeps its answer when the sender may not send any more', async () => {
    const { body } = await bob.put(message('1'), { body: 'hello' });
    await alice.must('POST', `${inRoom(roomId)}/ban`, { user_id: bob.userId });
    expect(await bob.at(two.url).put(message('1'), { body: 'hello' })).toMatchObject({ status: 200, body });
    expect(refusal(await bob.at(two.url).put(message('2'), { body: 'hello' }))).toEqual(FORBIDDEN);
  });

  it('of a redaction means one, too', async () => {
    const eventId = await bob.say(roomId, 'oops');
    const attempts = [one, two, one, two].map(({ url }) => alice.at(url).put(redaction(eventId, 'r')));
    const ids = (await Promise.all(attempts)).map(({ body }) => body.event_id);
    expect([new Set(ids).size, await countOf('m.room.redaction')]).toEqual([1, 1]);
    const again = await alice.put(redaction(eventId, 's'), { reason: 'twice' });
    expect(again.status).toBe(200);
  });

  it('may be any text of up to 255 characters', async () => {
    for (const txnId of ['.', 'm1.2:3/4', 'é', ' ', '%', '"', 'x'.repeat(255)]) {
      expect((await alice.put(message(encodeURIComponent(txnId)), {})).status).toBe(200);
    }
    expect(refusal(await alice.put(message('x'.repeat(256)), {}))).toEqual([400, 'M_INVALID_PARAM']);
    expect(await countOf('m.room.message')).toBe(7);
  });
});

describe('state', () => {
  const topic = (person: Person, text: string, key = '') =>
    person.put(`${inRoom(roomId)}/state/m.room.topic${key}`, { topic: text });

  it('that is set to what it is stays as it is, at whichever replica', async () => {
    const first = await topic(alice, 'cake');
    const again = await Promise.all([one, two, one, two].map(({ url }) => topic(alice.at(url), 'cake')));
    expect(new Set([first, ...again].map(({ body }) => body.event_id)).size).toBe(1);
    expect((await topic(alice, 'pie')).body.event_id).not.toBe(first.body.event_id);
    expect((await topic(alice, 'cake')).body.event_id).not.toBe(first.body.event_id);
    expect(await countOf('m.room.topic')).toBe(3);
  });

  it('is read as it was set, with and without its event', async () => {
    const { body } = await topic(alice, 'cake', '/');
    const path = `${inRoom(roomId)}/state/m.room.topic`;
    expect(await bob.must('GET', path)).toEqual({ topic: 'cake' });
    expect(await bob.must('GET', `${path}/?format=event`)).toMatchObject({
      ...{ event_id: body.event_id, type: 'm.room.topic', state_key: '', sender: alice.userId, room_id: roomId },
      ...{ content: { topic: 'cake' }, origin_server_ts: expect.any(Number) },
    });
    expect(refusal(await bob.get(`${inRoom(roomId)}/state/m.room.topic/other`))).toEqual([404, 'M_NOT_FOUND']);
    expect(refusal(await bob.get(`${inRoom(roomId)}/state/m.room.nothing`))).toEqual([404, 'M_NOT_FOUND']);
    expect(refusal(await bob.get(`${path}?format=xml`))).toEqual([400, 'M_INVALID_PARAM']);
  });

  it('takes power', async () => {
    expect(refusal(await topic(bob, 'mine'))).toEqual(FORBIDDEN);
    const levels = await alice.must('GET', `${inRoom(roomId)}/state/m.room.power_levels`);
    const raised = { ...levels, events: { ...levels.events, 'm.room.topic': 0 } };
    expect((await bob.put(`${inRoom(roomId)}/state/m.room.power_levels`, raised)).status).toBe(403);
    await alice.must('PUT', `${inRoom(roomId)}/state/m.room.power_levels`, raised);
    expect((await topic(bob, 'mine')).status).toBe(200);
    const others = `${inRoom(roomId)}/state/org.example.thing/${alice.userId}`;
    expect(refusal(await bob.put(others, {}))).toEqual(FORBIDDEN);
  });

  it('is nobody’s who never was there', async () => {
    const carol = await Person.register(one.url, 'carol');
    for (const path of ['state', 'state/m.room.topic', 'joined_members', 'members', 'aliases']) {
      expect([path, ...refusal(await carol.get(`${inRoom(roomId)}/${path}`))]).toEqual([path, ...FORBIDDEN]);
      const nowhere = await carol.get(`${inRoom('!nothing:one.test')}/${path}`);
      expect([path, ...refusal(nowhere)]).toEqual([path, ...FORBIDDEN]);
    }
  });

  it('names aliases only that lead to the room', async () => {
    const alias = `#${roomId.slice(1, 10)}:one.test`;
    const put = (content: object) => alice.put(`${inRoom(roomId)}/state/m.room.canonical_alias`, content);
    expect(refusal(await put({ alias }))).toEqual([400, 'M_BAD_ALIAS']);
    expect(refusal(await put({ alt_aliases: ['alias'] }))).toEqual([400, 'M_INVALID_PARAM']);
    await alice.must('PUT', `directory/room/${encodeURIComponent(alias)}`, { room_id: roomId });
    expect((await put({ alias, alt_aliases: [alias] })).status).toBe(200);
    await alice.must('DELETE', `directory/room/${encodeURIComponent(alias)}`);
    expect(await bob.must('GET', `${inRoom(roomId)}/state/m.room.canonical_alias`)).toEqual({ alt_aliases: [] });
  });
});

describe('redacting', () => {
  it('takes the content, from everybody who looks', async () => {
    const eventId = await bob.say(roomId, 'oops');
    const { body } = await bob.put(redaction(eventId, '1'), { reason: 'typo' });
    await eventually(async () => {
      const event = await alice.must('GET', `${inRoom(roomId)}/event/${encodeURIComponent(eventId)}`);
      expect(event.content).toEqual({});
      expect(event.unsigned.redacted_because).toMatchObject({ event_id: body.event_id, content: { reason: 'typo' } });
    });
  });

  it('is for the sender and for those with the power to', async () => {
    const [own, others] = [await bob.say(roomId, 'mine'), await alice.say(roomId, 'hers')];
    expect(refusal(await bob.put(redaction(others, '1')))).toEqual(FORBIDDEN);
    expect((await bob.put(redaction(own, '2'))).status).toBe(200);
    expect((await alice.put(redaction(await bob.say(roomId, 'more'), '3'))).status).toBe(200);
    const carol = await Person.register(one.url, 'carol');
    expect(refusal(await carol.put(redaction(others, '1')))).toEqual(FORBIDDEN);
    const unknown = `$${'a'.repeat(43)}`;
    expect(refusal(await bob.put(redaction(unknown, '4')))).toEqual([404, 'M_NOT_FOUND']);
    // It may come here later: whoever may redact anything need not wait for it.
    expect((await alice.put(redaction(unknown, '4'))).status).toBe(200);
    expect(refusal(await alice.put(redaction('nothing', '5')))).toEqual([400, 'M_INVALID_PARAM']);
    const elsewhere = await alice.createRoom();
    const there = await alice.say(elsewhere, 'there');
    expect(refusal(await bob.put(redaction(there, '6')))).toEqual([404, 'M_NOT_FOUND']);
    expect(refusal(await alice.put(redaction(there, '6')))).toEqual([400, 'M_INVALID_PARAM']);
    const sent = `${inRoom(roomId)}/send/m.room.redaction/7`;
    expect(refusal(await alice.put(sent, { redacts: there }))).toEqual([400, 'M_INVALID_PARAM']);
  });
});
