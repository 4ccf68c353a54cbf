import { eventually } from '@ganglion/testing';
import { Homeserver, type Replica } from '../support/homeserver.js';
import { type Answer, exchange, inRoom, Person } from '../support/person.js';

const UNSTABLE = '/_matrix/client/unstable/org.matrix.msc4140';
const HOUR_MS = 3_600_000;

let homeserver: Homeserver;
let one: Replica;
let two: Replica;
let alice: Person;
let roomId: string;
beforeAll(async () => {
  homeserver = await Homeserver.create();
  one = await homeserver.start();
  two = await homeserver.start();
});
afterAll(() => homeserver.close());
beforeEach(async () => {
  alice = await Person.register(one.url, 'alice');
  roomId = await alice.createRoom({ preset: 'public_chat', power_level_content_override: { state_default: 0 } });
});

const TYPE = 'org.example.later';
const refusal = ({ status, body }: Answer) => [status, body.errcode];
let count = 0;

/** The id of an event that is sent after a while. */
async function later(person: Person, delayMs: number, content: object = {}, stateKey?: string): Promise<string> {
  const path = stateKey === undefined ? `send/${TYPE}/${count++}` : `state/${TYPE}/${stateKey}`;
  return (await person.must('PUT', `${inRoom(roomId)}/${path}?org.matrix.msc4140.delay=${delayMs}`, content)).delay_id;
}

/** Nobody has to be logged in for that. */
const change = (id: string, action: string, { url }: { url: string } = two) =>
  exchange(url, 'POST', `${UNSTABLE}/delayed_events/${id}/${action}`, { body: {} });

/** As if the delays of events had passed, whatever has become of them. */
const letPass = (ids: readonly string[]) =>
  one.db.query({
    text: 'UPDATE room_server.delayed_events SET send_at = 0, claimed_at = NULL WHERE delay_id = ANY($1)',
    values: [ids],
  });

async function said(): Promise<{ content: Record<string, unknown>; event_id: string }[]> {
  const filter = encodeURIComponent(JSON.stringify({ types: [TYPE] }));
  return (await alice.must('GET', `${inRoom(roomId)}/messages?dir=f&limit=100&filter=${filter}`)).chunk;
}
const numbers = async () => (await said()).map(({ content }) => content.number);
const list = (person: Person, query = '') => person.must('GET', `${UNSTABLE}/delayed_events${query}`);

it('events are sent when their time has come, in its order, and no earlier', async () => {
  await later(alice, 6_000, { number: 2 });
  await later(alice.at(two.url), 1_000, { number: 1 });
  const last = await later(alice, HOUR_MS, { number: 3 });
  await eventually(async () => expect(await numbers()).toEqual([1, 2]));
  const { delayed_events, scheduled, finalised } = await list(alice);
  expect(delayed_events).toEqual(scheduled);
  expect(scheduled).toMatchObject([
    { delay_id: last, room_id: roomId, type: TYPE, delay: HOUR_MS, delay_ms: HOUR_MS, content: { number: 3 } },
  ]);
  const sent = (await said()).map(({ event_id }) => event_id);
  expect(finalised).toMatchObject(
    [sent[1], sent[0]].map((event_id) => ({ outcome: 'send', reason: 'delay', event_id })),
  );
  expect((await list(await Person.register(two.url))).delayed_events).toEqual([]);
});

it('the same request is one event, and may come again without its body', async () => {
  const path = `${inRoom(roomId)}/send/${TYPE}/same?org.matrix.msc4140.delay=300`;
  const places = Array.from({ length: 10 }, (_, index) => alice.at(index % 2 ? one.url : two.url));
  const answers = await Promise.all(places.map((person) => person.put(path, { number: 1 })));
  const [first, ...others] = new Set(answers.map(({ body }) => body.delay_id));
  expect([typeof first, others]).toEqual(['string', []]);
  const again = async () =>
    (
      await exchange(two.url, 'PUT', `/_matrix/client/v3/${path}`, {
        headers: { authorization: `Bearer ${alice.token}` },
      })
    ).body;
  expect(await again()).toEqual({ delay_id: first });
  await eventually(async () => expect(await numbers()).toEqual([1]));
  expect(await again()).toEqual({ delay_id: first });
  const other = `${inRoom(roomId)}/send/${TYPE}/other?org.matrix.msc4140.delay=300`;
  expect(refusal(await alice.call('PUT', other))).toEqual([400, 'M_NOT_JSON']);
});

it('an event that was cancelled is never sent, and nothing more can be done about it', async () => {
  const cancelled = await later(alice, HOUR_MS, { number: 1 });
  expect((await change(cancelled, 'cancel')).status).toBe(200);
  const other = await later(alice, HOUR_MS, { number: 2 });
  await letPass([cancelled, other]);
  await eventually(async () => expect(await numbers()).toEqual([2]));
  for (const action of ['cancel', 'restart', 'send']) {
    expect(refusal(await change(cancelled, action))).toEqual([404, 'M_NOT_FOUND']);
  }
  const { finalised } = await alice.must('GET', `${UNSTABLE}/delayed_events/${cancelled}`);
  expect(finalised).toEqual({ finalised_ts: expect.any(Number) });
});

it('a restart begins the delay anew, wherever it is asked for', async () => {
  const restarted = await later(alice, HOUR_MS, { number: 1 });
  const place = async () => (await list(alice, `?delay_id=${restarted}`)).scheduled[0];
  const { running_since: before } = await place();
  await eventually(async () => {
    expect((await change(restarted, 'restart')).status).toBe(200);
    expect((await place()).running_since).toBeGreaterThan(before);
  });
  const { rows } = await one.db.query<{ left: number }>({
    text: 'SELECT send_at - running_since AS left FROM room_server.delayed_events WHERE delay_id = $1',
    values: [restarted],
  });
  expect(rows[0]?.left).toBe(HOUR_MS);
});

it('an event may be sent before its time, once', async () => {
  const id = await later(alice, HOUR_MS, { number: 1 }, 'own');
  const answers = await Promise.all([one, two, one, two].map((replica) => change(id, 'send', replica)));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  expect(await alice.must('GET', `${inRoom(roomId)}/state/${TYPE}/own`)).toEqual({ number: 1 });
  expect(await numbers()).toEqual([1]);
});

it('one that was to be sent before its time by a server that died then is sent by another', async () => {
  const id = await later(alice, HOUR_MS, { number: 1 });
  // As takeOne leaves it, half a minute ago.
  await one.db.query({
    text: `UPDATE room_server.delayed_events SET claimed_at = 1, send_at = least(send_at, 1) WHERE delay_id = $1`,
    values: [id],
  });
  await eventually(async () => expect(await numbers()).toEqual([1]));
});

it('as clients of before do, the action may be in the body, and the delay as well', async () => {
  const path = `${UNSTABLE}/rooms/${encodeURIComponent(roomId)}/delayed_event/${TYPE}/new`;
  const { delay_id } = await alice.must('PUT', path, { delay: HOUR_MS, content: { number: 1 }, state_key: 'own' });
  const act = (body: object) => exchange(one.url, 'POST', `${UNSTABLE}/delayed_events/${delay_id}`, { body });
  expect(refusal(await act({}))).toEqual([400, 'M_BAD_JSON']);
  expect(refusal(await act({ action: 'oops' }))).toEqual([400, 'M_BAD_JSON']);
  expect((await act({ action: 'send' })).status).toBe(200);
  expect(await alice.must('GET', `${inRoom(roomId)}/state/${TYPE}/own`)).toEqual({ number: 1 });
  expect((await change(delay_id, 'oops')).status).toBe(404);
});

it('state that somebody else has set meanwhile is left as it is', async () => {
  const bob = await Person.register(two.url, 'bob');
  await bob.must('POST', `${inRoom(roomId)}/join`);
  const id = await later(alice, HOUR_MS, { by: 'alice' }, 'shared');
  await bob.must('PUT', `${inRoom(roomId)}/state/${TYPE}/shared`, { by: 'bob' });
  await letPass([id]);
  await eventually(async () => {
    const { finalised } = await alice.must('GET', `${UNSTABLE}/delayed_events/${id}`);
    expect(finalised?.error).toMatchObject({ errcode: 'M_CANCELLED_BY_STATE_UPDATE' });
  });
  expect(await bob.must('GET', `${inRoom(roomId)}/state/${TYPE}/shared`)).toEqual({ by: 'bob' });
});

it('what may not be sent when its time has come is refused then, and said so', async () => {
  const bob = await Person.register(two.url, 'bob');
  await bob.must('POST', `${inRoom(roomId)}/join`);
  const id = await later(bob, HOUR_MS, { number: 1 });
  await alice.must('POST', `${inRoom(roomId)}/ban`, { user_id: bob.userId });
  await letPass([id]);
  await eventually(async () => {
    const { finalised } = await bob.must('GET', `${UNSTABLE}/delayed_events/${id}`);
    expect(finalised?.error).toMatchObject({ errcode: 'M_FORBIDDEN' });
  });
  expect(await numbers()).toEqual([]);
});

it('a redaction of what no event is called is refused, now and for later', async () => {
  for (const query of ['', '?org.matrix.msc4140.delay=300']) {
    const answer = await alice.put(`${inRoom(roomId)}/send/m.room.redaction/${count++}${query}`, { redacts: '$\0' });
    expect(refusal(answer)).toEqual([400, 'M_BAD_JSON']);
  }
});

it('what cannot be meant is refused at once', async () => {
  const bob = await Person.register(two.url, 'bob');
  const send = (person: Person, delay: string, content: object = {}) =>
    person.put(`${inRoom(roomId)}/send/${TYPE}/refused?org.matrix.msc4140.delay=${delay}`, content);
  expect(refusal(await send(bob, '100'))).toEqual([403, 'M_FORBIDDEN']);
  expect(refusal(await send(alice, '-1'))).toEqual([400, 'M_INVALID_PARAM']);
  expect(refusal(await send(alice, 'soon'))).toEqual([400, 'M_INVALID_PARAM']);
  expect(refusal(await send(alice, '100', { body: 'x'.repeat(66_000) }))).toEqual([413, 'M_TOO_LARGE']);
  const tooLate = await send(alice, String(25 * HOUR_MS));
  expect([
    tooLate.status,
    tooLate.body['org.matrix.msc4140.errcode'],
    tooLate.body['org.matrix.msc4140.max_delay'],
  ]).toEqual([400, 'M_MAX_DELAY_EXCEEDED', 24 * HOUR_MS]);
  const invite = `${inRoom(roomId)}/state/m.room.member/${bob.userId}?org.matrix.msc4140.delay=100`;
  expect(refusal(await alice.put(invite, { membership: 'invite' }))).toEqual([400, 'M_INVALID_PARAM']);
});

it('nobody has more of them than they may, however many they ask for at once', async () => {
  const own = await Homeserver.create();
  try {
    const { url } = await own.start({ rooms: { delayed_events: { max_per_user: 5 } } });
    const person = await Person.register(url);
    const room = await person.createRoom();
    const ask = (index: number) =>
      person.put(`${inRoom(room)}/send/${TYPE}/${index}?org.matrix.msc4140.delay=${HOUR_MS}`, {});
    const answers = await Promise.all(Array.from({ length: 12 }, (_, index) => ask(index)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(5);
    const refused = answers.find(({ status }) => status !== 200)!.body;
    expect(refused['org.matrix.msc4140.errcode']).toBe('M_MAX_DELAYED_EVENTS_EXCEEDED');
    const { delayed_events } = await person.must('GET', `${UNSTABLE}/delayed_events`);
    await exchange(url, 'POST', `${UNSTABLE}/delayed_events/${delayed_events[0].delay_id}/cancel`);
    expect((await ask(100)).status).toBe(200);
  } finally {
    await own.close();
  }
});

it('what was to be sent while nobody was there is sent when somebody is again, and once', async () => {
  const own = await Homeserver.create();
  try {
    const first = await own.start();
    const person = await Person.register(first.url);
    const room = await person.createRoom();
    const send = `${inRoom(room)}/send/${TYPE}`;
    await person.must('PUT', `${send}/1?org.matrix.msc4140.delay=600`, { number: 1 });
    await first.stop();
    const again = await own.start();
    const at = person.at(again.url);
    const seen = async () => {
      const filter = encodeURIComponent(JSON.stringify({ types: [TYPE] }));
      return (await at.must('GET', `${inRoom(room)}/messages?dir=f&filter=${filter}`)).chunk.length;
    };
    await eventually(async () => expect(await seen()).toBe(1));
    // As if it had died before it was written down that the event was sent.
    const text = 'UPDATE room_server.delayed_events SET finalised_at = NULL, claimed_at = 1, event_id = NULL';
    await again.db.query({ text });
    await eventually(async () => {
      const { rows } = await again.db.query<{ id: string | null }>({
        text: 'SELECT event_id AS id FROM room_server.delayed_events',
      });
      expect(rows[0]?.id).toMatch(/^\$/);
    });
    expect(await seen()).toBe(1);
  } finally {
    await own.close();
  }
});

describe('of an account that may not be used any more', () => {
  let admin: Person;
  let bob: Person;
  beforeAll(async () => {
    admin = await Person.register(one.url, 'admin');
    const text = 'UPDATE user_server.accounts SET admin = true WHERE user_id = $1';
    await one.db.query({ text, values: [admin.userId] });
  });
  beforeEach(async () => {
    bob = await Person.register(two.url, 'bob');
    await bob.must('POST', `${inRoom(roomId)}/join`);
  });

  const moderate = (what: 'suspend' | 'lock', applies = true) =>
    admin.must('PUT', `/_matrix/client/v1/admin/${what}/${bob.userId}`, {
      [what === 'lock' ? 'locked' : 'suspended']: applies,
    });
  const outcome = async (id: string) => {
    const text = 'SELECT error FROM room_server.delayed_events WHERE delay_id = $1 AND finalised_at IS NOT NULL';
    const { rows } = await one.db.query<{ error: string | null }>({ text, values: [id] });
    return rows.map(({ error }) => error && JSON.parse(error).errcode);
  };
  const end = {
    suspended: () => moderate('suspend'),
    locked: () => moderate('lock'),
    deactivated: () =>
      bob.must('POST', 'account/deactivate', {
        auth: { type: 'm.login.password', identifier: { type: 'm.id.user', user: bob.userId }, password: bob.password },
      }),
  };

  it.each([
    ['suspended', 'M_USER_SUSPENDED'],
    ['locked', 'M_USER_LOCKED'],
    ['deactivated', 'M_USER_DEACTIVATED'],
  ] as const)('nothing is sent that waits, when it is %s', async (what, errcode) => {
    const waiting = await later(bob, HOUR_MS, { number: 1 });
    const asked = await later(bob, HOUR_MS, { number: 2 });
    await end[what]();
    await letPass([waiting]);
    await eventually(async () => expect(await outcome(waiting)).toEqual([errcode]));
    expect(refusal(await change(asked, 'send'))).toEqual([403, errcode]);
    expect(await numbers()).toEqual([]);
  });

  it('what they still may do is done, as to leave, and all is sent that waits when they are let go on', async () => {
    const member = `${inRoom(roomId)}/state/m.room.member/${bob.userId}`;
    const leave = await bob.must('PUT', `${member}?org.matrix.msc4140.delay=${HOUR_MS}`, { membership: 'leave' });
    const others = await later(bob, HOUR_MS, { number: 1 });
    await moderate('suspend');
    await moderate('suspend', false);
    expect((await change(others, 'send')).status).toBe(200);
    expect(await numbers()).toEqual([1]);
    await moderate('suspend');
    expect((await change(leave.delay_id, 'send')).status).toBe(200);
    const { membership } = await alice.must('GET', member);
    expect(membership).toBe('leave');
  });
});
