import { Deployment, type Replica } from './support/deployment.js';
import type { JoinedRoom, Person } from './support/person.js';

describe('whom somebody ignores', () => {
  let deployment: Deployment;
  let replica: Replica;
  let alice: Person;
  let bob: Person;
  let carol: Person;
  let roomId: string;
  let hello: string;

  beforeAll(async () => {
    deployment = await Deployment.create();
    replica = await deployment.start();
  });
  afterAll(() => deployment.close());

  beforeEach(async () => {
    [alice, bob, carol] = ['alice', 'bob', 'carol'].map((name) => deployment.person(name, replica)) as [
      Person,
      Person,
      Person,
    ];
    roomId = await deployment.rooms.create(alice.userId, bob.userId, carol.userId);
    hello = await deployment.rooms.say(roomId, alice.userId, 'Hello');
    await Promise.all([alice, bob, carol].map((person) => person.sees(roomId, hello)));
  });

  async function ignore(...users: Person[]): Promise<void> {
    const ignored_users = Object.fromEntries(users.map(({ userId }) => [userId, {}]));
    await deployment.users.set(alice.userId, 'm.ignored_user_list', { ignored_users });
    await alice.sync({ timeout: 5_000 });
  }

  const readers = (room: JoinedRoom | undefined) =>
    room?.ephemeral.events.flatMap(({ content }) => Object.keys(content[hello]?.['m.read'] ?? {})) ?? [];

  it('leaves no receipts, neither as they come nor in an initial sync', async () => {
    await ignore(bob);
    await bob.read(roomId, hello);
    await carol.read(roomId, hello);
    const seen: string[] = [];
    await alice.roomUntil(roomId, (room) => {
      seen.push(...readers(room));
      return seen.includes(carol.userId);
    });
    expect(seen).toEqual([carol.userId]);
    expect(readers(await alice.with({ deviceId: 'NEW' }).room(roomId))).toEqual([carol.userId]);
  });

  it('wakes nobody with receipts', async () => {
    await ignore(bob);
    const { since } = alice;
    const waiting = alice.sync({ timeout: 700 });
    await bob.read(roomId, hello);
    expect((await waiting).rooms.join).toEqual({});
    const late = alice.with({});
    late.since = since;
    expect((await late.sync()).rooms.join).toEqual({});
  });

  it('is never oneself', async () => {
    await ignore(alice, bob);
    await deployment.rooms.say(roomId, bob.userId, 'Not this');
    const mine = await deployment.rooms.say(roomId, alice.userId, 'My own words');
    const room = await alice.sees(roomId, mine);
    expect(room.timeline.events.map(({ event_id }) => event_id)).toEqual([mine]);
    const { body } = await alice.call('GET', `rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=2`);
    expect(body.chunk.map(({ event_id }: { event_id: string }) => event_id)).toEqual([mine, hello]);
    await alice.read(roomId, hello);
    await alice.roomUntil(roomId, (told) => readers(told).includes(alice.userId));
    await alice.types(roomId, true);
    await alice.roomUntil(roomId, (told) =>
      told.ephemeral.events.some(({ type, content }) => type === 'm.typing' && content.user_ids[0] === alice.userId),
    );
  });
});
