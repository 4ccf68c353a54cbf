import fc from 'fast-check';
import { Deployment, type Replica } from './support/deployment.js';
import type { Person } from './support/person.js';
import type { NewEvent } from './support/rooms.js';

interface RoomEvent {
  readonly event_id: string;
  readonly type: string;
  readonly room_id?: string;
  readonly content: Readonly<Record<string, unknown>>;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into contents of any shape
  readonly unsigned: any;
}

let deployment: Deployment;
let replicas: readonly [Replica, Replica];
let alice: Person;
let bob: Person;
let roomId: string;

beforeAll(async () => {
  deployment = await Deployment.create();
  replicas = [await deployment.start(), await deployment.start()];
});
afterAll(() => deployment.close());

beforeEach(async () => {
  alice = deployment.person('alice', replicas[0]);
  bob = deployment.person('bob', replicas[1]);
  roomId = await deployment.rooms.create(alice.userId, bob.userId);
});

const topicOf = (topic: string): NewEvent => ({
  ...{ type: 'm.room.topic', stateKey: '', sender: alice.userId, content: { topic } },
});
const redactionOf = (redacts: string, reason = 'rude'): NewEvent => ({
  ...{ type: 'm.room.redaction', sender: alice.userId, content: { reason }, redacts },
});
const setTopic = (topic: string) => deployment.rooms.send(roomId, topicOf(topic));
const redact = (redacts: string, reason?: string) => deployment.rooms.send(roomId, redactionOf(redacts, reason));

async function get(person: Person, path: string): Promise<Readonly<Record<string, RoomEvent[]>>> {
  const { status, body } = await person.call('GET', path);
  if (status !== 200) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`);
  return body;
}

/** All that a person can ask for of the room, as answers. */
async function everything(person: Person, eventIds: readonly string[]): Promise<unknown[]> {
  const room = `rooms/${encodeURIComponent(roomId)}`;
  const few = encodeURIComponent('{"room":{"timeline":{"limit":2}}}');
  const paths = [
    ...['sync', `sync?filter=${few}`, `sync?filter=${few}&use_state_after=true`],
    ...[`${room}/messages?dir=b&limit=100`, `${room}/messages?dir=f&limit=100`, `${room}/members`],
    ...eventIds.flatMap((eventId) =>
      ['event', 'context'].map((kind) => `${room}/${kind}/${encodeURIComponent(eventId)}`),
    ),
  ];
  return Promise.all(paths.map((path) => get(person, path)));
}

async function event(person: Person, eventId: string): Promise<RoomEvent> {
  const path = `rooms/${encodeURIComponent(roomId)}/event/${encodeURIComponent(eventId)}`;
  return (await person.call('GET', path)).body;
}

describe('what an event replaced', () => {
  it('is shown with it', async () => {
    const first = await setTopic('First');
    const second = await setTopic('Second');
    const room = await bob.sees(roomId, second);
    const told = room.timeline.events.at(-1) as unknown as RoomEvent;
    const expected = { replaces_state: first, prev_content: { topic: 'First' }, prev_sender: alice.userId };
    expect(told.unsigned).toMatchObject(expected);
    expect((await event(alice, second)).unsigned).toMatchObject(expected);
  });

  it('is shown without what a redaction took, before it or after it', async () => {
    const first = await setTopic('Rude');
    const second = await setTopic('Second');
    await bob.sees(roomId, second);
    const redaction = await redact(first);
    await Promise.all([bob.sees(roomId, redaction), alice.sees(roomId, redaction)]);
    const third = await setTopic('Rude as well');
    await bob.sees(roomId, await redact(third));
    const fourth = await setTopic('Fourth');
    await Promise.all([bob.sees(roomId, fourth), alice.sees(roomId, fourth)]);
    for (const person of [alice, bob, alice.with({ url: replicas[1].url, deviceId: 'NEW' })]) {
      for (const [eventId, replaced] of [
        [second, first],
        [fourth, third],
      ] as const) {
        expect((await event(person, eventId)).unsigned).toMatchObject({ replaces_state: replaced, prev_content: {} });
      }
      expect(JSON.stringify(await everything(person, [first, second, third, fourth]))).not.toContain('Rude');
    }
  });

  it('is shown of an event that is redacted itself', async () => {
    const first = await setTopic('First');
    const second = await setTopic('Rude');
    const redaction = await redact(second);
    await bob.sees(roomId, redaction);
    expect(await event(bob, second)).toMatchObject({
      content: {},
      unsigned: {
        redacted_because: { event_id: redaction, room_id: roomId, content: { reason: 'rude' } },
        ...{ replaces_state: first, prev_content: { topic: 'First' } },
      },
    });
  });

  it('is not shown to who may not know it', async () => {
    const visibility = { type: 'm.room.history_visibility', content: { history_visibility: 'joined' } };
    await deployment.rooms.send(roomId, { ...visibility, stateKey: '', sender: alice.userId });
    const first = await setTopic('Secret');
    const second = await setTopic('Open');
    const carol = deployment.person('carol', replicas[1]);
    const joined = await deployment.rooms.setMembership(roomId, carol.userId, 'join');
    await carol.sees(roomId, joined);
    const third = await setTopic('For carol');
    await carol.sees(roomId, third);
    const hers = JSON.stringify(await everything(carol, [third]));
    expect(hers).not.toContain('Secret');
    expect(hers).toContain('Open');
    expect((await event(carol, third)).unsigned).toMatchObject({
      replaces_state: second,
      prev_content: { topic: 'Open' },
    });
    const since = JSON.stringify(await everything(bob, [second]));
    expect(since).toContain(`"replaces_state":"${first}","prev_content":{"topic":"Secret"}`);
  });
});

describe('why an event is redacted', () => {
  it('is shown with it, by a whole event', async () => {
    const said = await deployment.rooms.say(roomId, bob.userId, 'Rude');
    const redaction = await redact(said);
    const room = await bob.sees(roomId, redaction);
    const [shown] = room.timeline.events.filter(({ event_id }) => event_id === said) as unknown as RoomEvent[];
    const because = {
      ...{ event_id: redaction, type: 'm.room.redaction', sender: alice.userId, redacts: said },
      ...{ origin_server_ts: expect.any(Number), content: { reason: 'rude', redacts: said } },
    };
    expect(shown?.unsigned.redacted_because).toEqual(because);
    expect((await event(bob, said)).unsigned.redacted_because).toEqual({ ...because, room_id: roomId });
  });

  it('is shown without what the redaction of the redaction took', async () => {
    const said = await deployment.rooms.say(roomId, bob.userId, 'Hello');
    const redaction = await redact(said, 'Rude');
    await Promise.all([bob.sees(roomId, redaction), alice.sees(roomId, redaction)]);
    const last = await redact(redaction, 'never mind');
    await Promise.all([bob.sees(roomId, last), alice.sees(roomId, last)]);
    for (const person of [alice, bob, alice.with({ url: replicas[1].url })]) {
      expect(JSON.stringify(await everything(person, [said, redaction]))).not.toContain('Rude');
      expect((await event(person, said)).unsigned.redacted_because).toMatchObject({
        event_id: redaction,
        redacts: said,
      });
    }
  });
});

it('nothing that was redacted is found anywhere, however the events come together', async () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('topic' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('say' as const) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('redact' as const), back: fc.nat({ max: 3 }) }) },
  );
  const batches = fc.array(fc.array(step, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 6 });
  let counter = 0;
  const property = fc.asyncProperty(batches, async (runs) => {
    roomId = await deployment.rooms.create(alice.userId, bob.userId);
    const secrets = new Map<string, string>();
    const gone = new Set<string>();
    for (const run of runs) {
      // Redactions name what came before in the same run as well: ids are known once the events are logged.
      const logged = run.flatMap((taken) => {
        counter += 1;
        const secret = `secret-${counter}-`;
        const target = taken.kind === 'redact' ? [...secrets.keys()].at(-1 - taken.back) : undefined;
        if (taken.kind === 'redact' && target === undefined) return [];
        const say = { type: 'm.room.message', sender: bob.userId, content: { body: secret } };
        const made =
          target !== undefined ? redactionOf(target, secret) : taken.kind === 'topic' ? topicOf(secret) : say;
        if (target !== undefined) gone.add(target);
        const [event] = deployment.rooms.append(roomId, [made]);
        secrets.set(event!.eventId, secret);
        return event!;
      });
      if (logged.length > 0) await deployment.rooms.publish(roomId, logged);
      await alice.sync();
    }
    const last = await deployment.rooms.say(roomId, alice.userId, 'Last');
    await Promise.all([alice.sees(roomId, last), bob.sees(roomId, last)]);
    const answers = await Promise.all([alice, bob].map((person) => everything(person, [...secrets.keys()])));
    const text = JSON.stringify(answers);
    for (const [eventId, secret] of secrets) {
      if (gone.has(eventId)) expect(text).not.toContain(secret);
      else expect(text).toContain(secret);
    }
  });
  await fc.assert(property, { numRuns: 25 });
}, 60_000);

describe('whose request made an event', () => {
  it('is told to that device alone, wherever it asks', async () => {
    const transaction = { userId: alice.userId, deviceId: 'DEVICE', txnId: 'mine"1' };
    const message = { type: 'm.room.message', sender: alice.userId, content: { body: 'Hello' } };
    const said = await deployment.rooms.send(roomId, { ...message, transaction });
    await Promise.all([alice.sees(roomId, said), bob.sees(roomId, said)]);
    for (const { url } of replicas) {
      const mine = JSON.stringify(await everything(alice.with({ url }), [said]));
      expect(mine.split('"transaction_id":"mine\\"1"').length - 1).toBe(7);
      for (const other of [bob.with({ url }), alice.with({ url, deviceId: 'OTHER' })]) {
        expect(JSON.stringify(await everything(other, [said]))).not.toContain('transaction_id');
      }
    }
  });
});

describe("the reader's membership", () => {
  it('is what it was at each event, the event itself included', async () => {
    const carol = deployment.person('carol', replicas[0]);
    const before = await deployment.rooms.say(roomId, alice.userId, 'Before');
    const ids = [before];
    for (const membership of ['invite', 'join', 'leave', 'join']) {
      ids.push(await deployment.rooms.setMembership(roomId, carol.userId, membership, carol.userId));
    }
    await carol.sees(roomId, ids.at(-1)!);
    const { chunk } = await get(carol, `rooms/${encodeURIComponent(roomId)}/messages?dir=f&limit=100`);
    const memberships = ids.map((id) => chunk!.find(({ event_id }) => event_id === id)?.unsigned.membership);
    expect(memberships).toEqual(['leave', 'invite', 'join', 'leave', 'join']);
    for (const { unsigned } of chunk!) expect(unsigned['io.element.msc4115.membership']).toBe(unsigned.membership);
  });
});
