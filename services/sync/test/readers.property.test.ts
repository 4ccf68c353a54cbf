import { BUSES, eventually } from '@ganglion/testing';
import fc from 'fast-check';
import { Deployment, type Replica } from './support/deployment.js';
import { Person } from './support/person.js';
import type { NewEvent } from './support/rooms.js';

const READERS = 3;
const ROOMS = 2;
const KEYS = ['a', 'b'];

/** What a reader leaves out, and what that makes of a room's events. */
const FILTERS: readonly [object, (type: string) => boolean][] = [
  [{}, () => true],
  [{ types: ['m.room.message'] }, (type) => type === 'm.room.message'],
  [{ not_types: ['m.room.m*'] }, (type) => !type.startsWith('m.room.m')],
];

const room = fc.nat({ max: ROOMS - 1 });
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('say' as const), room, count: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('state' as const), room, key: fc.constantFrom(...KEYS) }) },
  // The state goes back to an earlier event, as state resolution may decide.
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('reset' as const),
      room,
      key: fc.constantFrom(...KEYS),
      back: fc.nat({ max: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('deaf' as const), replica: fc.nat({ max: 1 }), deaf: fc.boolean() }),
  },
);
/** How what is committed together reaches the bus. */
const round = fc.record({
  steps: fc.array(step, { minLength: 1, maxLength: 5, size: 'max' }),
  telling: fc.constantFrom('once', 'once', 'once', 'twice', 'backwards', 'last'),
  /** Whether it is waited for before more happens. */
  settles: fc.boolean(),
});

/** A client that keeps the timelines and the state after them. */
class Client {
  readonly timelines = new Map<string, string[]>();
  readonly state = new Map<string, string>();
  since: string | undefined;
  answers = 0;

  constructor(
    private readonly userId: string,
    private readonly filter: object,
  ) {}

  async sync({ url }: Replica, timeout = 0): Promise<void> {
    const person = new Person(this.userId, url);
    person.since = this.since;
    const filter = { room: { timeline: { limit: 500, ...this.filter } } };
    const { rooms } = await person.sync({ timeout, filter, stateAfter: true });
    this.since = person.since;
    this.answers += 1;
    for (const [roomId, { timeline, state_after }] of Object.entries(rooms.join as Record<string, JoinedRoom>)) {
      const known = this.timelines.get(roomId) ?? [];
      this.timelines.set(roomId, [...known, ...timeline.events.map(({ event_id }) => event_id)]);
      for (const { type, state_key, event_id } of state_after.events) {
        this.state.set(`${roomId} ${type} ${state_key}`, event_id);
      }
    }
  }
}

interface JoinedRoom {
  readonly timeline: { readonly events: readonly { readonly event_id: string }[] };
  readonly state_after: {
    readonly events: readonly { readonly type: string; readonly state_key: string; readonly event_id: string }[];
  };
}

describe.each(BUSES)('several readers at two replicas, on the %s bus', (_, makeBus) => {
  let deployment: Deployment;
  let replicas: [Replica, Replica];
  let run = 0;

  beforeAll(async () => {
    deployment = await Deployment.create(makeBus);
    replicas = [await deployment.start(), await deployment.start()];
  });
  afterAll(() => deployment.close());

  /** The state of a room by its log. */
  function stateOf(roomId: string): Map<string, string> {
    const state = new Map<string, string>();
    for (const { stateChanges } of deployment.rooms.log(roomId)) {
      for (const { type, stateKey, eventId } of stateChanges) state.set(`${roomId} ${type} ${stateKey}`, eventId);
    }
    return state;
  }

  function eventFor(
    taken: { kind: 'state' | 'reset'; key: string; back?: number },
    roomId: string,
    sender: string,
  ): NewEvent {
    if (taken.kind === 'state') return { type: 'm.thing', stateKey: taken.key, sender, content: {} };
    const isOfKey = ({ pduJson }: { pduJson: string }) => JSON.parse(pduJson).state_key === taken.key;
    const ofKey = deployment.rooms.log(roomId).filter(isOfKey);
    const earlier = ofKey[Math.max(0, ofKey.length - 2 - (taken.back ?? 0))];
    const change = { type: 'm.thing', stateKey: taken.key, eventId: earlier?.eventId ?? '' };
    const stateChanges = earlier === undefined ? [] : [change];
    return { type: 'm.room.message', sender, content: { body: 'fork' }, stateChanges };
  }

  async function tell(roomId: string, from: number, telling: string): Promise<void> {
    const news = deployment.rooms.log(roomId).slice(from);
    if (news.length === 0) return;
    if (telling === 'last') return deployment.rooms.publish(roomId, news.slice(-1));
    if (telling === 'backwards') for (const event of news.toReversed()) await deployment.rooms.publish(roomId, [event]);
    else await deployment.rooms.publish(roomId, news);
    if (telling === 'twice') await deployment.rooms.publish(roomId, news);
  }

  type Round = typeof round extends fc.Arbitrary<infer T> ? T : never;

  /** What happens in one round, told as it says, and waited for by everybody if it says so. */
  async function pass(
    { steps, telling, settles }: Round,
    clients: readonly Client[],
    roomIds: readonly string[],
    sender: string,
  ): Promise<void> {
    const before = roomIds.map((roomId) => deployment.rooms.log(roomId).length);
    for (const taken of steps) {
      if (taken.kind === 'deaf') {
        replicas[taken.replica]!.trouble.loses = (topic) => taken.deaf && topic === 'sync-appended';
        continue;
      }
      const roomId = roomIds[taken.room]!;
      const say = { type: 'm.room.message', sender, content: { body: 'Hello' } };
      const events = taken.kind === 'say' ? Array<NewEvent>(taken.count).fill(say) : [eventFor(taken, roomId, sender)];
      deployment.rooms.append(roomId, events);
    }
    await Promise.all(roomIds.map((roomId, index) => tell(roomId, before[index]!, telling)));
    if (!settles) return;
    await appended(roomIds);
    const answered = clients.map(({ answers }) => answers);
    const stale = () => clients.filter(({ answers }, index) => answers === answered[index]);
    await eventually(() => expect(stale()).toEqual([]));
  }

  async function live(rounds: readonly Round[]): Promise<void> {
    run += 1;
    const userIds = Array.from({ length: READERS }, (__, index) => `@reader-${index}-of-${run}:one.test`);
    const roomIds = await Promise.all(Array.from({ length: ROOMS }, () => deployment.rooms.create(...userIds)));
    const clients = userIds.map((userId, index) => new Client(userId, FILTERS[index]![0]));
    // They begin to listen, and then go on while the rooms do.
    const over = new AbortController();
    const following = clients.map(async (client, index) => {
      for (let turn = index; !over.signal.aborted; turn++)
        await client.sync(replicas[turn % 2]!, turn % 3 === 0 ? 50 : 0);
    });
    try {
      for (const taken of rounds) await pass(taken, clients, roomIds, userIds[0]!);
    } finally {
      over.abort();
      await Promise.all(following);
    }
    await Promise.all(clients.map((client, index) => expectAll(client, index, roomIds)));
    for (const { trouble } of replicas) trouble.loses = () => false;
  }

  async function appended(roomIds: readonly string[]): Promise<void> {
    const text = 'SELECT room_id, room_seq FROM sync.rooms WHERE room_id = ANY($1)';
    await eventually(async () => {
      const { rows } = await deployment.db.query<{ room_id: string; room_seq: number }>({ text, values: [roomIds] });
      for (const { room_id, room_seq } of rows) expect(room_seq).toBe(deployment.rooms.log(room_id).length);
    });
  }

  /** The reader soon has exactly what the rooms have, wherever they ask. */
  async function expectAll(client: Client, index: number, roomIds: readonly string[]): Promise<void> {
    const passes = FILTERS[index]![1];
    let turn = index;
    await eventually(async () => {
      await client.sync(replicas[turn++ % 2]!);
      for (const roomId of roomIds) {
        const expected = deployment.rooms.log(roomId).filter(({ pduJson }) => passes(JSON.parse(pduJson).type));
        expect(client.timelines.get(roomId) ?? []).toEqual(expected.map(({ eventId }) => eventId));
      }
      expect(client.state).toEqual(new Map(roomIds.flatMap((roomId) => [...stateOf(roomId)])));
    }, 20_000);
  }

  it('end with exactly the timeline of each room, and its state as it was resolved', async () => {
    const property = fc.asyncProperty(fc.array(round, { minLength: 10, maxLength: 25, size: 'max' }), live);
    await fc.assert(property, { numRuns: 6, endOnFailure: true });
  }, 180_000);
});
