import { eventually } from '@ganglion/testing';
import fc from 'fast-check';
import { Deployment, type Replica } from './support/deployment.js';
import { Person } from './support/person.js';

interface ClientEvent {
  readonly event_id: string;
  readonly type: string;
  readonly sender: string;
  readonly state_key?: string;
  readonly content: Readonly<Record<string, unknown>>;
}

/** One thing that happens in the room. People are numbers; 0 is the one who made it and stays. */
type Step =
  | { readonly kind: 'say'; readonly who: number }
  | { readonly kind: 'member'; readonly who: number; readonly membership: string }
  | { readonly kind: 'state'; readonly key: string; readonly value: number }
  | { readonly kind: 'visibility'; readonly value: string }
  | { readonly kind: 'sync'; readonly who: number; readonly replica: number; readonly limit: number };

/** What a membership may become. */
const NEXT: Readonly<Record<string, readonly string[]>> = {
  never: ['invite', 'join', 'ban'],
  invite: ['join', 'leave', 'ban'],
  join: ['leave', 'ban'],
  leave: ['invite', 'join', 'ban'],
  ban: ['leave'],
};

const PEOPLE = 3;
const who = fc.integer({ min: 0, max: PEOPLE - 1 });
const guest = fc.integer({ min: 1, max: PEOPLE - 1 });

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('say' as const), who }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('member' as const),
      who: guest,
      membership: fc.constantFrom('join', 'join', 'leave', 'leave', 'invite', 'ban'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('state' as const),
      key: fc.constantFrom('a', 'b'),
      value: fc.integer({ min: 0, max: 9 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('visibility' as const),
      value: fc.constantFrom('shared', 'shared', 'joined', 'invited', 'world_readable'),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('sync' as const),
      who,
      replica: fc.integer({ min: 0, max: 1 }),
      limit: fc.integer({ min: 1, max: 6 }),
    }),
  },
);

let deployment: Deployment;
let replicas: Replica[];
beforeAll(async () => {
  deployment = await Deployment.create();
  replicas = [await deployment.start(), await deployment.start()];
});
afterAll(() => deployment.close());

/** What happened in the room, to tell by the rules of the specification what each person may see. */
class Story {
  readonly events: (ClientEvent & { readonly memberships: readonly string[]; readonly visibility: string })[] = [];
  readonly memberships: string[] = ['join', ...Array<string>(PEOPLE - 1).fill('never')];
  visibility = 'shared';

  constructor(
    readonly roomId: string,
    readonly userIds: readonly string[],
  ) {}

  note(event: ClientEvent): void {
    this.events.push({ ...event, memberships: [...this.memberships], visibility: this.visibility });
  }

  /** Whether a person sees an event, and whether it is certain: at the edges of a change two rules meet. */
  sees(person: number, index: number): boolean {
    const event = this.events[index]!;
    const before = this.events[index - 1];
    const own = event.type === 'm.room.member' && event.state_key === this.userIds[person];
    const now = event.memberships[person]!;
    const previously = own ? (before?.memberships[person] ?? 'never') : now;
    if (own && previously === 'invite') return true;
    const joinedLater = this.events.slice(index).some(({ memberships }) => memberships[person] === 'join');
    const visibilities = [event.visibility, before?.visibility ?? 'shared'];
    const relevant = event.type === 'm.room.history_visibility' ? visibilities : visibilities.slice(0, 1);
    return relevant.some((visibility) => {
      if (visibility === 'world_readable' || now === 'join' || previously === 'join') return true;
      if (visibility === 'shared') return joinedLater;
      return visibility === 'invited' && now === 'invite';
    });
  }

  isState(eventId: string): boolean {
    return this.events.some(({ event_id, state_key }) => event_id === eventId && state_key !== undefined);
  }

  /** Where a person's look into the room ends: nothing, when they are in it. */
  endsFor(person: number): number {
    if (this.memberships[person] === 'join') return this.events.length;
    const { userIds } = this;
    return (
      1 + this.events.findLastIndex((event) => event.type === 'm.room.member' && event.state_key === userIds[person])
    );
  }
}

/** A client that keeps what it gets, as a well-behaved one does. */
class Client {
  readonly timeline: string[] = [];
  readonly state = new Map<string, string>();
  /** Before which of its events the timeline is not known to be complete, and the token to go back from. */
  readonly gaps = new Map<number, string>();

  constructor(readonly person: Person) {}

  async sync(roomId: string, url: string, limit: number): Promise<void> {
    const elsewhere = this.person.with({ url });
    elsewhere.since = this.person.since;
    const { rooms } = await elsewhere.sync({ filter: { room: { timeline: { limit } } } });
    this.person.since = elsewhere.since;
    const room = rooms.join[roomId] ?? rooms.leave[roomId];
    if (room === undefined) return;
    // What was before the first that a client hears of a room, it does not know either.
    const gap = room.timeline.limited || this.timeline.length === 0;
    if (gap) this.gaps.set(this.timeline.length, room.timeline.prev_batch);
    for (const event of [...room.state.events, ...room.timeline.events] as ClientEvent[]) {
      if (event.state_key !== undefined) this.state.set(`${event.type} ${event.state_key}`, event.event_id);
    }
    this.timeline.push(...room.timeline.events.map(({ event_id }: ClientEvent) => event_id));
  }

  /** Fills each gap from its end back to what is known already. */
  async fillGaps(roomId: string, pageSize: number): Promise<string[]> {
    const parts: string[][] = [];
    let done = 0;
    for (const [seen, from] of this.gaps) {
      parts.push(
        this.timeline.slice(done, seen),
        await this.#backwards(roomId, from, this.timeline[seen - 1], pageSize),
      );
      done = seen;
    }
    return [...parts.flat(), ...this.timeline.slice(done)];
  }

  async #backwards(roomId: string, start: string, known: string | undefined, pageSize: number): Promise<string[]> {
    const found: string[] = [];
    for (let from: string | undefined = start; from !== undefined; ) {
      const query = new URLSearchParams({ dir: 'b', from, limit: String(pageSize) });
      const { status, body } = await this.person.call('GET', `rooms/${encodeURIComponent(roomId)}/messages?${query}`);
      if (status !== 200) break;
      const page = body.chunk.map(({ event_id }: ClientEvent) => event_id);
      const overlap = known === undefined ? -1 : page.indexOf(known);
      if (overlap !== -1) return [...found, ...page.slice(0, overlap)].reverse();
      found.push(...page);
      from = body.end;
    }
    return found.reverse();
  }
}

let run = 0;

async function live(steps: readonly Step[], pageSize: number): Promise<void> {
  run += 1;
  const userIds = Array.from({ length: PEOPLE }, (_, index) => `@p${index}-of-${run}:one.test`);
  const people = userIds.map((userId) => new Client(new Person(userId, replicas[0]!.url)));
  const { rooms } = deployment;
  const story = new Story(await rooms.create(userIds[0]!), userIds);
  const { roomId } = story;
  for (const { eventId, pduJson } of (await rooms.getRoomEvents({ roomId, afterSeq: 0, limit: 9, backfilled: false }))
    .events!.events) {
    story.note({ ...JSON.parse(pduJson), event_id: eventId });
  }
  const send = async (type: string, sender: number, content: object, stateKey?: string) => {
    const event = { type, sender: userIds[sender]!, content, ...(stateKey !== undefined && { stateKey }) };
    const event_id = await rooms.send(roomId, event);
    const state = stateKey === undefined ? {} : { state_key: stateKey };
    story.note({ event_id, type, sender: event.sender, content: content as ClientEvent['content'], ...state });
  };
  for (const [index, taken] of steps.entries()) {
    if (taken.kind === 'say' && story.memberships[taken.who] === 'join')
      await send('m.room.message', taken.who, { index });
    if (taken.kind === 'state') await send('m.thing', 0, { value: taken.value }, taken.key);
    if (taken.kind === 'visibility') {
      story.visibility = taken.value;
      await send('m.room.history_visibility', 0, { history_visibility: taken.value }, '');
    }
    if (taken.kind === 'member' && NEXT[story.memberships[taken.who]!]?.includes(taken.membership)) {
      story.memberships[taken.who] = taken.membership;
      await send('m.room.member', 0, { membership: taken.membership }, userIds[taken.who]);
    }
    if (taken.kind === 'sync') await people[taken.who]!.sync(roomId, replicas[taken.replica]!.url, taken.limit);
  }
  await appended(roomId, story.events.length);
  for (const [index, client] of people.entries()) {
    await client.sync(roomId, replicas[index % 2]!.url, 3);
    await expectComplete(story, index, client, pageSize);
  }
}

async function appended(roomId: string, seq: number): Promise<void> {
  await eventually(async () => {
    const statement = { text: 'SELECT room_seq FROM sync.rooms WHERE room_id = $1', values: [roomId] };
    const { rows } = await deployment.db.query<{ room_seq: number }>(statement);
    expect(rows[0]?.room_seq).toBe(seq);
  });
}

async function expectComplete(story: Story, index: number, client: Client, pageSize: number): Promise<void> {
  const joined = story.memberships[index] === 'join';
  const everJoined = story.events.some(({ memberships }) => memberships[index] === 'join');
  if (!everJoined) return;
  const walked = await client.fillGaps(story.roomId, pageSize);
  const visible = story.events
    .slice(0, story.endsFor(index))
    .flatMap((event, at) => (story.sees(index, at) ? event.event_id : []));
  expect(new Set(walked).size).toBe(walked.length);
  // Of what they may not see as it happened, people are told what stands in the state when they come.
  const told = walked.filter((eventId) => visible.includes(eventId) || !story.isState(eventId));
  if (joined) {
    expect(told).toEqual(visible);
    const state = new Map<string, string>();
    for (const { type, state_key, event_id } of story.events)
      if (state_key !== undefined) state.set(`${type} ${state_key}`, event_id);
    expect(client.state).toEqual(state);
  } else {
    // Who has left may have been told less, but nothing that is not theirs, and in order.
    expect(visible.filter((eventId) => told.includes(eventId))).toEqual(told);
  }
}

it('walking a room by /sync, and back through its gaps by /messages, gives everything once and in order', async () => {
  const property = fc.asyncProperty(
    fc.array(step, { minLength: 5, maxLength: 80, size: 'max' }),
    fc.integer({ min: 1, max: 5 }),
    (steps, pageSize) => live(steps, pageSize),
  );
  await fc.assert(property, { numRuns: 30 });
}, 60_000);
