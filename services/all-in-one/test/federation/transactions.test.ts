import { type JsonObject, type JsonValue, signEvent } from '@ganglion/protocol';
import { eventually, partsOf, pduOf } from '@ganglion/testing';
import { Neighbours, sees, timeline } from '../support/federation.js';
import type { Person } from '../support/person.js';

let neighbours: Neighbours;
let alice: Person;
beforeAll(async () => {
  neighbours = await Neighbours.meet();
  alice = await neighbours.person('alice');
});
afterAll(() => neighbours.close());
beforeEach(() => {
  neighbours.far.answering = () => undefined;
  neighbours.far.asked.length = 0;
});

const send = (parts: { pdus?: JsonValue[]; edus?: JsonValue[] }, txnId?: string, replica = 0) =>
  neighbours.far.send(neighbours.replicas[replica]!.url, parts, txnId);

describe.each(['1', '10', '11', '12'])('a transaction, in a room of version %s,', (version) => {
  it('brings what others say', async () => {
    const room = await neighbours.farRoom(alice, { version });
    const events = [room.say('Hello'), room.say('there')];
    const answer = await send({ pdus: events.map(pduOf) });
    expect(answer).toEqual({ status: 200, body: { pdus: Object.fromEntries(events.map((e) => [e.eventId, {}])) } });
    await sees(alice, room.roomId, ...events.map(({ eventId }) => eventId));
  });
});

describe('a transaction that comes again', () => {
  it('is answered as before, at any replica, and done once', async () => {
    const room = await neighbours.farRoom(alice);
    const first = room.say('Once');
    const txnId = 'again';
    const answers = await Promise.all([0, 1, 0, 1].map((replica) => send({ pdus: [pduOf(first)] }, txnId, replica)));
    expect(new Set(answers.map((answer) => JSON.stringify(answer)))).toEqual(
      new Set([JSON.stringify({ status: 200, body: { pdus: { [first.eventId]: {} } } })]),
    );
    const second = room.say('Not looked at');
    expect(await send({ pdus: [pduOf(second)] }, txnId, 1)).toEqual(answers[0]);
    await sees(alice, room.roomId, first.eventId);
    expect((await timeline(alice, room.roomId)).map(({ event_id }) => event_id)).not.toContain(second.eventId);
  });
});

describe('what a transaction may hold', () => {
  it('is 50 PDUs and 100 EDUs', async () => {
    const refusal = { status: 400, body: { errcode: 'M_BAD_JSON' } };
    expect(await send({ pdus: Array(51).fill({}) })).toMatchObject(refusal);
    expect(await send({ edus: Array(101).fill({}) })).toMatchObject(refusal);
    expect(await send({ pdus: Array(50).fill({}), edus: Array(100).fill({}) })).toEqual({
      status: 200,
      body: { pdus: {} },
    });
  });

  it('is what its sender has signed', async () => {
    const { far, url } = neighbours;
    const path = '/_matrix/federation/v1/send/1';
    const content = { origin: far.name, origin_server_ts: 5, pdus: [] };
    const unauthorized = { status: 401, body: { errcode: 'M_UNAUTHORIZED' } };
    expect(await far.ask(url, 'PUT', path, content, { authorization: undefined })).toMatchObject(unauthorized);
    expect(await far.ask(url, 'PUT', path, content, { text: '{"pdus":[],"origin_server_ts":6}' })).toMatchObject(
      unauthorized,
    );
    expect(await far.ask(url, 'PUT', path, { ...content, origin: 'other.test' })).toMatchObject({ status: 400 });
    expect(await far.ask(url, 'PUT', path, { pdus: [] })).toMatchObject({
      status: 400,
      body: { errcode: 'M_BAD_JSON' },
    });
  });
});

describe('one malformed part of a transaction', () => {
  it('is no harm to the others', async () => {
    const room = await neighbours.farRoom(alice);
    const other = await neighbours.farRoom(alice, { version: '5' });
    const good = [room.say('one'), room.say('two'), other.say('three')];
    const template = pduOf(good[0]!);
    const deep = JSON.parse(`${'[['.repeat(600)}1${']]'.repeat(600)}`) as JsonValue;
    const { signatures: _, ...unsigned } = template;
    const bad: JsonValue[] = [
      ...[
        null,
        5,
        'x',
        [],
        {},
        { room_id: 5 },
        { room_id: room.roomId },
        { room_id: '\0' },
        { room_id: 'x'.repeat(3_000) },
      ],
      ...[
        { ...template, auth_events: 'x' },
        { ...template, prev_events: [5] },
        { ...template, content: 5 },
      ],
      ...[
        { ...template, content: { deep } },
        { ...template, depth: 1.5 },
        { ...template, depth: 2 ** 63 * 4 },
      ],
      ...[unsigned, { ...template, signatures: { [neighbours.far.name]: { 'ed25519:far': 'AAAA' } } }],
      ...[
        { ...template, type: 'x'.repeat(300) },
        { ...template, sender: 'nobody' },
        { ...template, hashes: {} },
      ],
      { ...template, prev_events: Array(300).fill(good[0]!.eventId) },
      { ...template, unsigned: 5, state_key: 5 },
    ];
    const answer = await send({ pdus: [...bad.slice(0, 12), ...good.map(pduOf), ...bad.slice(12)], edus: bad });
    expect(answer.status).toBe(200);
    for (const { eventId } of good) expect(answer.body.pdus[eventId]).toEqual({});
    await sees(alice, room.roomId, good[0]!.eventId, good[1]!.eventId);
    await sees(alice, other.roomId, good[2]!.eventId);
  });

  it('is not what servers add to an event on its way', async () => {
    const room = await neighbours.farRoom(alice);
    const event = room.say('with luggage');
    const pdu = { ...pduOf(event), unsigned: { age: 1.5, luggage: 'x'.repeat(70_000) } };
    expect((await send({ pdus: [pdu] })).body).toEqual({ pdus: { [event.eventId]: {} } });
    await sees(alice, room.roomId, event.eventId);
  });
});

describe('an event', () => {
  it('is believed of its own server alone', async () => {
    const room = await neighbours.farRoom(alice);
    const victim = await neighbours.another();
    const sender = victim.user('victim');
    const forged = { ...pduOf(room.say('forged')), sender };
    const signed = signEvent(forged as never, room.rules, neighbours.far.name, neighbours.far.key);
    const { body } = await send({ pdus: [signed as unknown as JsonObject] });
    expect(Object.values(body.pdus as Record<string, { error: string }>)[0]?.error).toContain(
      `signed by ${victim.name}`,
    );
    await victim.close();
  });

  it('is refused where the server ACL shuts its server out', async () => {
    const room = await neighbours.farRoom(alice);
    const acl = room.state('m.room.server_acl', { allow: ['one.test'] });
    expect((await send({ pdus: [pduOf(acl)] })).body.pdus).toEqual({ [acl.eventId]: {} });
    const late = room.say('Let me in');
    expect((await send({ pdus: [pduOf(late)] })).body.pdus).toEqual({
      [late.eventId]: { error: expect.stringContaining('ACL') },
    });
  });

  it('is refused when its sender is banned', async () => {
    const room = await neighbours.farRoom(alice);
    const bad = neighbours.far.user('bad');
    const join = room.member(bad, 'join');
    const ban = room.member(bad, 'ban', room.creator);
    await send({ pdus: [join, ban].map(pduOf) });
    const spam = room.say('spam', bad);
    expect((await send({ pdus: [pduOf(spam)] })).body.pdus).toEqual({ [spam.eventId]: { error: expect.any(String) } });
  });
});

describe('what is missing before an event', () => {
  it('is asked for', async () => {
    const room = await neighbours.farRoom(alice);
    const missing = [room.say('one'), room.say('two'), room.say('three')];
    const last = room.say('four');
    neighbours.far.answering = (asked) => {
      if (partsOf(asked)[0] !== 'get_missing_events') return undefined;
      const { latest_events: latest } = JSON.parse(asked.body) as { latest_events: string[] };
      expect(latest).toEqual([last.eventId]);
      return { events: [{ nonsense: true }, ...missing.map(pduOf)] };
    };
    expect((await send({ pdus: [pduOf(last)] })).body.pdus).toEqual({ [last.eventId]: {} });
    await sees(alice, room.roomId, ...missing.map(({ eventId }) => eventId), last.eventId);
  });

  it('is bridged by the state there when it goes too far back', async () => {
    const room = await neighbours.farRoom(alice);
    const joined = room.member(neighbours.far.user('late'), 'join');
    room.say('lost');
    const found = room.say('found');
    const last = room.say('last');
    neighbours.far.answering = (asked) => {
      const [what, id] = partsOf(asked);
      const state = [...found.stateBefore.values()];
      if (what === 'get_missing_events') {
        const { latest_events: latest } = JSON.parse(asked.body) as { latest_events: string[] };
        return { events: latest.includes(last.eventId) ? [pduOf(found)] : [] };
      }
      if (what === 'state_ids') {
        return { pdu_ids: state, auth_chain_ids: room.authChain(state).map((event) => event.eventId) };
      }
      return what === 'event' ? { origin: '', origin_server_ts: 1, pdus: [pduOf(room.find(id!)!)] } : undefined;
    };
    expect((await send({ pdus: [pduOf(last)] })).body.pdus).toEqual({ [last.eventId]: {} });
    await sees(alice, room.roomId, found.eventId, last.eventId);
    const { body } = await alice.get(
      `rooms/${encodeURIComponent(room.roomId)}/state/m.room.member/${encodeURIComponent(joined.pdu.state_key!)}`,
    );
    expect(body).toEqual({ membership: 'join' });
  });

  it('brings no state that is authorised by what nobody gives', async () => {
    const room = await neighbours.farRoom(alice);
    const late = neighbours.far.user('late');
    const named = ['a', 'b', 'c', 'd'].map((displayname) => {
      return room.state('m.room.member', { membership: 'join', displayname }, late, late);
    });
    room.say('lost');
    const found = room.say('found');
    const last = room.say('last');
    neighbours.far.answering = (asked) => {
      const [what, id] = partsOf(asked);
      const state = [...found.stateBefore.values()];
      if (what === 'get_missing_events') return { events: [pduOf(found)] };
      const auth = room.authChain(state).map((event) => event.eventId);
      if (what === 'state_ids') return { pdu_ids: state, auth_chain_ids: auth };
      return what === 'event' && id !== named[1]!.eventId ? { pdus: [pduOf(room.find(id!)!)] } : undefined;
    };
    await send({ pdus: [pduOf(last)] });
    await sees(alice, room.roomId, last.eventId);
    const path = `rooms/${encodeURIComponent(room.roomId)}/state/m.room.member/${encodeURIComponent(late)}`;
    expect((await alice.get(path)).status).toBe(404);
  });

  it('is asked for again with the next event, and no state is believed of who gives nothing', async () => {
    const room = await neighbours.farRoom(alice);
    const missing = room.say('missing');
    const [first, second] = [room.say('first'), room.say('second')];
    const questions: string[] = [];
    let gives = false;
    neighbours.far.answering = (asked) => {
      const [what] = partsOf(asked);
      // Transactions of ours (presence, say) may come at any time; they are no questions.
      if (what !== 'send') questions.push(what!);
      return what === 'get_missing_events' ? { events: gives ? [pduOf(missing), pduOf(first)] : [] } : undefined;
    };
    await send({ pdus: [pduOf(first)] });
    expect(questions).toEqual(['get_missing_events']);
    gives = true;
    await send({ pdus: [pduOf(second)] });
    await sees(alice, room.roomId, missing.eventId, first.eventId, second.eventId);
  });
});

describe('an EDU', () => {
  const ephemeral = async (roomId: string) => {
    const { body } = await alice.get('sync');
    return (body.rooms.join[roomId]?.ephemeral.events ?? []) as { type: string; content: JsonObject }[];
  };

  it('tells who types and what was read, of its own users', async () => {
    const room = await neighbours.farRoom(alice);
    const message = room.say('Read me');
    const typing = (userId: string) => ({
      edu_type: 'm.typing',
      content: { room_id: room.roomId, user_id: userId, typing: true },
    });
    const receipt = (userId: string) => ({
      edu_type: 'm.receipt',
      content: {
        [room.roomId]: { 'm.read': { [userId]: { data: { ts: 5 }, event_ids: [message.eventId] } } },
        '!elsewhere:x': { 'm.read': 5 },
      },
    });
    const stranger = '@stranger:elsewhere.test';
    const edus = [
      typing(room.creator),
      typing(stranger),
      typing(alice.userId),
      receipt(stranger),
      receipt(room.creator),
    ];
    expect((await send({ pdus: [pduOf(message)], edus })).status).toBe(200);
    await eventually(async () => {
      const events = await ephemeral(room.roomId);
      expect(events).toContainEqual({ type: 'm.typing', content: { user_ids: [room.creator] } });
      expect(events).toContainEqual({
        type: 'm.receipt',
        content: { [message.eventId]: { 'm.read': { [room.creator]: { ts: 5 } } } },
      });
    }, 60_000);
  });

  it('tells how reachable its own users are, who share a room with ours', async () => {
    const room = await neighbours.farRoom(alice);
    const user = (user_id: string, others: JsonObject = {}) => ({ user_id, presence: 'online', ...others });
    const push = [
      ...['malformed', user('@nobody-here:far.test'), user(alice.userId, { status_msg: 'Not me' })],
      user(room.creator, { status_msg: 'Far away', last_active_ago: 5_000, currently_active: true }),
    ];
    const edus = [{ edu_type: 'm.presence', content: { push } }];
    expect((await send({ edus })).status).toBe(200);
    const status = (userId: string) => alice.get(`presence/${encodeURIComponent(userId)}/status`);
    await eventually(async () => {
      const { body } = await status(room.creator);
      expect(body).toMatchObject({ presence: 'online', status_msg: 'Far away', currently_active: true });
      const sync = await alice.must('GET', 'sync');
      const senders = sync.presence.events.map(({ sender }: { sender: string }) => sender);
      expect(senders).toContain(room.creator);
    });
    expect((await status(alice.userId)).body.status_msg).toBeUndefined();
    const text = "SELECT 1 FROM sync.presence WHERE user_id LIKE '@nobody-here:%'";
    expect((await neighbours.replicas[0]!.db.query({ text })).rows).toEqual([]);
  });
});
