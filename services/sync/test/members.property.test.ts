import fc from 'fast-check';
import { Deployment, type Replica } from './support/deployment.js';
import { Person } from './support/person.js';
import type { NewEvent } from './support/rooms.js';

const PEOPLE = 9;
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('member' as const),
      who: fc.integer({ min: 1, max: PEOPLE }),
      membership: fc.constantFrom('join', 'join', 'invite', 'leave', 'ban', 'knock'),
    }),
  },
  // The state loses a member, or goes back to what they were, or to something that was never in the room.
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('reset' as const),
      who: fc.integer({ min: 1, max: PEOPLE }),
      to: fc.constantFrom('nothing', 'earlier', 'unknown'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('jump' as const), memberships: fc.array(fc.nat({ max: 3 })) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('say' as const), count: fc.integer({ min: 1, max: 30 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('sync' as const), replica: fc.nat({ max: 1 }) }) },
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

class Story {
  readonly roomId: string;
  readonly #earlier = new Map<string, string[]>();
  readonly #events = new Map<string, string>();

  constructor(
    roomId: string,
    readonly userIds: readonly string[],
  ) {
    this.roomId = roomId;
  }

  get #room() {
    return deployment.rooms.room(this.roomId);
  }

  async happen(taken: Exclude<Step, { kind: 'sync' }>): Promise<void> {
    const { rooms } = deployment;
    if (taken.kind === 'member') await this.#send(this.#member(taken.who, taken.membership));
    else if (taken.kind === 'reset') await this.#reset(taken.who, taken.to);
    else if (taken.kind === 'jump') await this.#jump(taken.memberships);
    else await rooms.commit(this.roomId, Array(taken.count).fill(this.#message()));
  }

  /** Who is what, by the room's state. */
  memberships(): Map<string, string> {
    const found = new Map<string, string>();
    for (const [key, { pdu }] of this.#room.state) {
      const [type, userId] = JSON.parse(key) as [string, string];
      if (type === 'm.room.member') found.set(userId, String(pdu.content.membership));
    }
    return found;
  }

  /** The number of each event is in its content, so that it shows which one a client has. */
  #member(who: number, membership: string): NewEvent {
    const userId = this.userIds[who]!;
    const content = { membership, displayname: `${this.#events.size}` };
    this.#events.set(content.displayname, membership);
    return { type: 'm.room.member', stateKey: userId, sender: userId, content };
  }

  #message(more: Partial<NewEvent> = {}): NewEvent {
    return { type: 'm.room.message', sender: this.userIds[0]!, content: { body: 'Hello' }, ...more };
  }

  async #send(event: NewEvent): Promise<void> {
    const eventId = await deployment.rooms.send(this.roomId, event);
    const { stateKey = '' } = event;
    this.#earlier.set(stateKey, [...(this.#earlier.get(stateKey) ?? []), eventId]);
  }

  async #reset(who: number, to: string): Promise<void> {
    const stateKey = this.userIds[who]!;
    const earlier = this.#earlier.get(stateKey)?.at(-2) ?? '';
    const unknown = () => this.#room.outlier(this.#member(who, who % 2 === 0 ? 'join' : 'leave')).eventId;
    const eventId = to === 'nothing' ? '' : to === 'earlier' ? earlier : unknown();
    await deployment.rooms.send(this.roomId, this.#message({ stateChanges: [{ ...MEMBER, stateKey, eventId }] }));
  }

  async #jump(memberships: readonly number[]): Promise<void> {
    const jump = memberships.map((kind, index) => {
      const who = 1 + (index % PEOPLE);
      const stateKey = this.userIds[who]!;
      if (kind === 0) return { ...MEMBER, stateKey, eventId: '' };
      const membership = ['join', 'invite', 'leave'][kind - 1]!;
      return { ...MEMBER, stateKey, eventId: this.#room.outlier(this.#member(who, membership)).eventId };
    });
    const last = new Map(jump.map((change) => [change.stateKey, change]));
    await deployment.rooms.send(this.roomId, this.#message({ jump: [...last.values()] }));
  }
}

const MEMBER = { type: 'm.room.member' };

class Client {
  readonly members = new Map<string, string>();
  summary: { 'm.joined_member_count'?: number; 'm.invited_member_count'?: number; 'm.heroes'?: string[] } = {};

  constructor(private readonly person: Person) {}

  async sync(roomId: string, { url }: Replica): Promise<void> {
    const elsewhere = this.person.with({ url });
    elsewhere.since = this.person.since;
    const { rooms } = await elsewhere.sync({ stateAfter: true });
    this.person.since = elsewhere.since;
    const room = rooms.join[roomId];
    if (room === undefined) return;
    for (const { type, state_key, content } of room.state_after.events) {
      if (type === 'm.room.member') this.members.set(state_key, content.membership);
    }
    this.summary = { ...this.summary, ...room.summary };
  }

  async list(roomId: string): Promise<Map<string, string>> {
    const { body } = await this.person.call('GET', `rooms/${encodeURIComponent(roomId)}/members`);
    const events: { state_key: string; content: { membership: string } }[] = body.chunk;
    return new Map(events.map(({ state_key, content }) => [state_key, content.membership]));
  }
}

async function live(steps: readonly Step[]): Promise<void> {
  run += 1;
  const userIds = Array.from(
    { length: PEOPLE + 1 },
    (_, index) => `@m${index}-of-${run}:${index % 2 ? 'two' : 'one'}.test`,
  );
  const [reader = ''] = userIds;
  const story = new Story(await deployment.rooms.create(reader), userIds);
  const client = new Client(new Person(reader, replicas[0].url));
  for (const taken of [...steps, { kind: 'say' as const, count: 1 }]) {
    if (taken.kind === 'sync') await client.sync(story.roomId, replicas[taken.replica]!);
    else await story.happen(taken);
  }
  await client.sync(story.roomId, replicas[run % 2]!);
  const truth = story.memberships();
  const count = (membership: string) => [...truth.values()].filter((is) => is === membership).length;
  expect(client.summary).toMatchObject({
    ...{ 'm.joined_member_count': count('join'), 'm.invited_member_count': count('invite') },
  });
  expect(await client.list(story.roomId)).toEqual(truth);
  // What vanished cannot be told: a client keeps what it had.
  for (const [userId, membership] of truth) expect([userId, client.members.get(userId)]).toEqual([userId, membership]);
  const present = [...truth].filter(([userId, is]) => userId !== reader && (is === 'join' || is === 'invite'));
  const heroes = client.summary['m.heroes'] ?? [];
  if (present.length > 0) {
    expect(heroes).toHaveLength(Math.min(5, present.length));
    expect(present.map(([userId]) => userId)).toEqual(expect.arrayContaining(heroes));
  }
}

it('however memberships come and go, members are counted and listed as they are', async () => {
  const steps = fc.array(step, { minLength: 5, maxLength: 40, size: 'max' });
  await fc.assert(fc.asyncProperty(steps, live), { numRuns: 40 });
}, 120_000);
