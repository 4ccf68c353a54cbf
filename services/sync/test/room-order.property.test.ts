import { eventually } from '@ganglion/testing';
import fc from 'fast-check';
import { Deployment, type Replica } from './support/deployment.js';
import { Person } from './support/person.js';
import type { NewEvent } from './support/rooms.js';

/** One thing that happens in a room that forks. */
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('say' as const), count: fc.integer({ min: 1, max: 25 }) }) },
  // It comes late, on a branch that the room had long left.
  {
    weight: 4,
    arbitrary: fc.record({
      ...{ kind: fc.constant('late' as const), back: fc.nat({ max: 90 }), count: fc.integer({ min: 1, max: 4 }) },
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('backfill' as const), count: fc.integer({ min: 1, max: 9 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('redact' as const), back: fc.nat({ max: 20 }) }) },
  // The redaction comes before what it redacts.
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('early' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('sync' as const),
      replica: fc.nat({ max: 1 }),
      limit: fc.integer({ min: 1, max: 5 }),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

let deployment: Deployment;
let replicas: [Replica, Replica];
let run = 0;

beforeAll(async () => {
  deployment = await Deployment.create();
  replicas = [await deployment.start(), await deployment.start()];
});
afterAll(() => deployment.close());

/** A client that takes what /sync brings and fills the gaps as their tokens say. */
class Client {
  readonly seen: string[] = [];
  #first: string | undefined;

  constructor(
    private readonly person: Person,
    private readonly roomId: string,
    private readonly pageSize: number,
  ) {}

  async sync({ url }: Replica, limit: number): Promise<void> {
    const elsewhere = this.person.with({ url });
    const { since } = this.person;
    elsewhere.since = since;
    const { rooms } = await elsewhere.sync({ filter: { room: { timeline: { limit } } } });
    this.person.since = elsewhere.since;
    const timeline = rooms.join[this.roomId]?.timeline;
    if (timeline === undefined) return;
    if (since === undefined) this.#first = timeline.prev_batch;
    else if (timeline.limited) this.seen.push(...(await this.pages('b', timeline.prev_batch, since)));
    this.seen.push(...idsOf(timeline.events));
  }

  /** Everything before what the first answer has brought. */
  async rest(): Promise<string[]> {
    return this.pages('b', this.#first);
  }

  async pages(dir: 'b' | 'f', from?: string, to?: string): Promise<string[]> {
    const found: string[] = [];
    for (let next = from, isFirst = true; isFirst || next !== undefined; isFirst = false) {
      const query = new URLSearchParams({ dir, limit: String(this.pageSize) });
      if (next !== undefined) query.set('from', next);
      if (to !== undefined) query.set('to', to);
      const path = `rooms/${encodeURIComponent(this.roomId)}/messages?${query}`;
      const { status, body } = await this.person.call('GET', path);
      expect(status).toBe(200);
      found.push(...idsOf(body.chunk));
      // At the live end the token stays what it is.
      next = body.end === next ? undefined : body.end;
    }
    return found;
  }
}

const idsOf = (events: readonly { event_id: string }[]) => events.map(({ event_id }) => event_id);

async function happen(roomId: string, sender: string, taken: Exclude<Step, { kind: 'sync' }>): Promise<void> {
  const { rooms } = deployment;
  const room = rooms.room(roomId);
  const say = (more: Partial<NewEvent> = {}): NewEvent => ({
    ...{ type: 'm.room.message', sender, content: { body: 'Hello' } },
    ...more,
  });
  if (taken.kind === 'say') await rooms.commit(roomId, Array(taken.count).fill(say()));
  if (taken.kind === 'late') {
    const depth = Math.max(1, room.live.length - taken.back);
    await rooms.commit(roomId, Array(taken.count).fill(say({ depth })));
  }
  if (taken.kind === 'backfill') {
    const events = rooms.backfill(roomId, Array(taken.count).fill(say({ depth: 1 + (room.backfilled.length % 7) })));
    await rooms.publish(roomId, events);
  }
  if (taken.kind === 'redact') {
    const redacts = room.live.at(-1 - taken.back)?.eventId;
    if (redacts !== undefined) await rooms.send(roomId, { ...say(), type: 'm.room.redaction', redacts });
  }
  if (taken.kind === 'early') {
    const eventId = `$early-${run}-${room.live.length}`;
    await rooms.send(roomId, { ...say(), type: 'm.room.redaction', redacts: eventId });
    await rooms.send(roomId, say({ eventId, content: { body: 'never seen' } }));
  }
}

async function appended(roomId: string): Promise<void> {
  const text = 'SELECT room_seq, back_seq FROM sync.rooms WHERE room_id = $1';
  const { live, backfilled } = deployment.rooms.room(roomId);
  await eventually(async () => {
    const { rows } = await deployment.db.query({ text, values: [roomId] });
    expect(rows).toEqual([{ room_seq: live.length, back_seq: 0 - backfilled.length }]);
  });
}

/** The events of a room in its own order. */
function inOrder(roomId: string): string[] {
  const { live, backfilled } = deployment.rooms.room(roomId);
  const keyed = [...live, ...backfilled].map(({ eventId, roomSeq, pduJson }) => {
    const { depth } = JSON.parse(pduJson) as { depth: number };
    return { eventId, roomSeq, depth };
  });
  return keyed
    .sort((one, other) => one.depth - other.depth || one.roomSeq - other.roomSeq)
    .map(({ eventId }) => eventId);
}

async function live(steps: readonly Step[], pageSize: number): Promise<void> {
  run += 1;
  const userId = `@walker-${run}:one.test`;
  const roomId = await deployment.rooms.create(userId);
  const client = new Client(new Person(userId, replicas[0].url), roomId, pageSize);
  await client.sync(replicas[0], 3);
  for (const taken of steps) {
    if (taken.kind === 'sync') await client.sync(replicas[taken.replica]!, taken.limit);
    else await happen(roomId, userId, taken);
  }
  await appended(roomId);
  await client.sync(replicas[1], 2);
  const order = inOrder(roomId);
  expect(await client.pages('f')).toEqual(order);
  expect((await client.pages('b')).reverse()).toEqual(order);
  const all = [...client.seen, ...(await client.rest())];
  expect(new Set(all).size).toBe(all.length);
  expect(all.toSorted()).toEqual(order.toSorted());
}

it('of a room that forks, each event is seen once, and its pages are the same from both ends', async () => {
  const property = fc.asyncProperty(
    fc.array(step, { minLength: 5, maxLength: 50, size: 'max' }),
    fc.integer({ min: 1, max: 30 }),
    live,
  );
  await fc.assert(property, { numRuns: 25 });
}, 120_000);
