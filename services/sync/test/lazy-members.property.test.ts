import { eventually } from '@ganglion/testing';
import fc from 'fast-check';
import { Deployment, type Replica } from './support/deployment.js';
import { Person } from './support/person.js';

const PEOPLE = 4;
const who = fc.integer({ min: 1, max: PEOPLE - 1 });

const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('say' as const), who }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('rename' as const), who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), who }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('sync' as const),
      replica: fc.nat({ max: 1 }),
      // An answer that gets lost on its way: the client asks again with its old token.
      isLost: fc.boolean(),
      fullState: fc.integer({ min: 0, max: 5 }).map((chance) => chance === 0),
    }),
  },
);

interface StateEvent {
  readonly event_id: string;
  readonly type: string;
  readonly sender: string;
  readonly state_key?: string;
}

let deployment: Deployment;
let replicas: [Replica, Replica];
let run = 0;

beforeAll(async () => {
  deployment = await Deployment.create();
  replicas = [await deployment.start(), await deployment.start()];
});
afterAll(() => deployment.close());

/** A client that has the members loaded as it needs them. */
class LazyClient {
  readonly members = new Map<string, string>();
  readonly #person: Person;

  constructor(
    userId: string,
    private readonly stateAfter: boolean,
    private readonly limit: number,
  ) {
    this.#person = new Person(userId, replicas[0].url, stateAfter ? 'AFTER' : 'BEFORE');
  }

  /** The timeline of the answer; everything that was told of members is kept. */
  async sync(roomId: string, asked: Extract<Step, { kind: 'sync' }>): Promise<readonly StateEvent[]> {
    const person = this.#person.with({ url: replicas[asked.replica]!.url });
    person.since = this.#person.since;
    const filter = { room: { timeline: { limit: this.limit }, state: { lazy_load_members: true } } };
    const { rooms } = await person.sync({ filter, stateAfter: this.stateAfter, fullState: asked.fullState });
    const room = rooms.join[roomId];
    if (asked.isLost || room === undefined) return [];
    this.#person.since = person.since;
    const told: StateEvent[] = this.stateAfter
      ? room.state_after.events
      : [...room.state.events, ...room.timeline.events];
    for (const { type, state_key, event_id } of told) {
      if (type === 'm.room.member') this.members.set(state_key ?? '', event_id);
    }
    return room.timeline.events;
  }
}

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

async function live(steps: readonly Step[], limit: number): Promise<void> {
  run += 1;
  const userIds = Array.from({ length: PEOPLE }, (_, index) => `@lazy-${index}-of-${run}:one.test`);
  const [reader = ''] = userIds;
  const roomId = await deployment.rooms.create(...userIds);
  // With a name it needs no heroes, whom everybody would know.
  await deployment.rooms.send(roomId, { type: 'm.room.name', stateKey: '', sender: reader, content: { name: 'Ours' } });
  const joined = new Set(userIds);
  const clients = [new LazyClient(reader, false, limit), new LazyClient(reader, true, limit)];
  for (const [index, taken] of steps.entries()) {
    if (taken.kind === 'sync') {
      await appended(roomId);
      for (const client of clients) await expectKnown(client, roomId, taken);
      continue;
    }
    const userId = userIds[taken.who]!;
    const member = (content: object) =>
      deployment.rooms.send(roomId, { type: 'm.room.member', stateKey: userId, sender: userId, content });
    if (taken.kind === 'leave' && joined.delete(userId)) await member({ membership: 'leave' });
    else if (taken.kind === 'say' && joined.has(userId)) await deployment.rooms.say(roomId, userId, `${index}`);
    else if (taken.kind === 'rename') {
      joined.add(userId);
      await member({ membership: 'join', displayname: `${index}` });
    }
  }
}

/** Of whomever the timeline shows, the client has the member event that holds at its end. */
async function expectKnown(client: LazyClient, roomId: string, asked: Extract<Step, { kind: 'sync' }>): Promise<void> {
  const timeline = await client.sync(roomId, asked);
  const log = deployment.rooms.log(roomId);
  const end = log.findIndex(({ eventId }) => eventId === timeline.at(-1)?.event_id) + 1;
  const truth = new Map<string, string>();
  for (const { eventId, stateChanges } of log.slice(0, end)) {
    for (const { type, stateKey } of stateChanges) if (type === 'm.room.member') truth.set(stateKey, eventId);
  }
  for (const { sender } of timeline) expect([sender, client.members.get(sender)]).toEqual([sender, truth.get(sender)]);
}

async function appended(roomId: string): Promise<void> {
  const text = 'SELECT room_seq FROM sync.rooms WHERE room_id = $1';
  await eventually(async () => {
    const { rows } = await deployment.db.query<{ room_seq: number }>({ text, values: [roomId] });
    expect(rows[0]?.room_seq).toBe(deployment.rooms.log(roomId).length);
  });
}

it('whoever is shown is known, whichever replica tells of them and whatever gets lost', async () => {
  const steps = fc.array(step, { minLength: 5, maxLength: 60, size: 'max' });
  await fc.assert(fc.asyncProperty(steps, fc.integer({ min: 1, max: 4 }), live), { numRuns: 40 });
}, 60_000);
