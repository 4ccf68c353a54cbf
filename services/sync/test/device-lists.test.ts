import { BUSES, eventually } from '@ganglion/testing';
import { Deployment, type Replica } from './support/deployment.js';
import type { Person, SyncOptions } from './support/person.js';

interface Lists {
  readonly changed: readonly string[];
  readonly left: readonly string[];
}

const NONE: Lists = { changed: [], left: [] };

/** What the next answers say of device lists, until one says anything. */
async function listsOf(person: Person, options: SyncOptions = {}): Promise<Lists> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; ) {
    const { device_lists: lists } = await person.sync({ timeout: 2_000, ...options });
    if (lists !== undefined) return { changed: lists.changed.toSorted(), left: lists.left.toSorted() };
  }
  throw new Error('nothing was told of device lists');
}

describe.each(BUSES)('device lists, on the %s bus', (_, makeBus) => {
  let deployment: Deployment;
  let replicas: [Replica, Replica];
  let alice: Person;
  let bob: Person;
  let carol: Person;
  let roomId: string;

  beforeAll(async () => {
    deployment = await Deployment.create(makeBus);
    replicas = [await deployment.start(), await deployment.start()];
  });
  afterAll(() => deployment.close());

  const setMembership = (room: string, { userId }: Person, membership: string) =>
    deployment.rooms.setMembership(room, userId, membership);
  /** Alice is in one room with Bob, and has seen all of it. */
  beforeEach(async () => {
    [alice, bob, carol] = ['alice', 'bob', 'carol'].map((name, index) =>
      deployment.person(name, replicas[index % 2]!),
    ) as [Person, Person, Person];
    roomId = await deployment.rooms.create(alice.userId, bob.userId);
    const seen = await deployment.rooms.say(roomId, bob.userId, 'Hello');
    await Promise.all([alice.sees(roomId, seen), bob.sees(roomId, seen)]);
    await Promise.all([alice, bob, carol].map((person) => person.sync()));
  });

  it('that change wake who shares a room, the user too, and nobody else', async () => {
    const waiting = [alice, bob, carol].map((person) => person.sync({ timeout: 4_000 }));
    await eventually(async () => expect((await replicas[0].waiting()) + (await replicas[1].waiting())).toBe(3));
    await deployment.keys.change(bob.userId);
    const [toAlice, toBob, toCarol] = await Promise.all(waiting);
    expect([toAlice.device_lists, toBob.device_lists]).toEqual([
      { changed: [bob.userId], left: [] },
      { changed: [bob.userId], left: [] },
    ]);
    expect(toCarol.device_lists).toBeUndefined();
    expect((await alice.sync()).device_lists).toBeUndefined();
  });

  it('are told to who comes back later, at whichever replica, as often as their token is used', async () => {
    const { since } = alice;
    await deployment.keys.change(bob.userId);
    await listsOf(bob);
    for (const { url } of [...replicas, replicas[0]]) {
      const there = alice.with({ url });
      there.since = since;
      expect(await listsOf(there)).toEqual({ changed: [bob.userId], left: [] });
    }
  });

  it('tell of whom one has signed to one’s own devices alone', async () => {
    const phone = bob.with({ deviceId: 'PHONE' });
    await phone.sync();
    await deployment.keys.change(bob.userId, { signedUserIds: [carol.userId] });
    expect([await listsOf(bob), await listsOf(phone)]).toEqual([
      { changed: [carol.userId], left: [] },
      { changed: [carol.userId], left: [] },
    ]);
    await deployment.keys.change(bob.userId);
    expect(await listsOf(alice)).toEqual({ changed: [bob.userId], left: [] });
  });

  it('tell of who comes into a room, with whom one shares no other', async () => {
    await setMembership(roomId, carol, 'join');
    expect([await listsOf(alice), await listsOf(bob)]).toEqual([
      { changed: [carol.userId], left: [] },
      { changed: [carol.userId], left: [] },
    ]);
    const all = [alice, bob, carol].map(({ userId }) => userId).toSorted();
    expect(await listsOf(carol)).toEqual({ changed: all, left: [] });
    const other = await deployment.rooms.create(carol.userId, bob.userId);
    const said = await deployment.rooms.say(other, carol.userId, 'Here, too');
    await bob.sees(other, said);
    await deployment.keys.change(alice.userId);
    expect(await listsOf(bob)).toEqual({ changed: [alice.userId], left: [] });
  });

  it('tell of who leaves the last shared room, with lazy loading as without', async () => {
    const filter = { room: { state: { lazy_load_members: true } } };
    const other = await deployment.rooms.create(alice.userId, bob.userId);
    await alice.sees(other, await deployment.rooms.say(other, bob.userId, 'Another one'));
    const lazy = alice.with({ deviceId: 'LAZY' });
    await lazy.sync({ filter });
    await setMembership(other, bob, 'leave');
    await deployment.keys.change(alice.userId);
    expect(await listsOf(alice)).toEqual({ changed: [alice.userId], left: [] });
    expect(await listsOf(lazy, { filter })).toEqual({ changed: [alice.userId], left: [] });
    await setMembership(roomId, bob, 'ban');
    expect([await listsOf(alice), await listsOf(lazy, { filter })]).toEqual([
      { changed: [], left: [bob.userId] },
      { changed: [], left: [bob.userId] },
    ]);
    expect(await listsOf(bob)).toEqual({ changed: [], left: [alice.userId] });
  });

  it('tell of all members of the last shared room that one leaves oneself', async () => {
    await setMembership(roomId, carol, 'join');
    await listsOf(alice);
    await setMembership(roomId, alice, 'leave');
    expect(await listsOf(alice)).toEqual({ changed: [], left: [bob.userId, carol.userId].toSorted() });
  });

  it('tell of who went and came back, as their keys may have changed in between', async () => {
    const member = (membership: string) => ({
      ...{ type: 'm.room.member', sender: bob.userId, stateKey: bob.userId, content: { membership } },
    });
    await deployment.rooms.commit(roomId, [member('leave'), member('join')]);
    expect(await listsOf(alice)).toEqual({ changed: [bob.userId], left: [] });
  });

  it('do not tell of an invitation, nor of another name', async () => {
    await setMembership(roomId, carol, 'invite');
    await deployment.rooms.send(roomId, {
      ...{ type: 'm.room.member', sender: bob.userId, stateKey: bob.userId },
      content: { membership: 'join', displayname: 'Robert' },
    });
    await deployment.keys.change(carol.userId);
    await listsOf(carol);
    await deployment.keys.change(bob.userId);
    expect(await listsOf(alice)).toEqual({ changed: [bob.userId], left: [] });
  });

  it('can be asked for between any two tokens', async () => {
    const from = alice.since!;
    await setMembership(roomId, carol, 'join');
    await listsOf(alice);
    const between = alice.since!;
    await setMembership(roomId, bob, 'leave');
    await deployment.keys.change(carol.userId);
    await listsOf(alice);
    const ask = (query: string) => alice.call('GET', `keys/changes?${query}`);
    await eventually(async () =>
      expect((await ask(`from=${from}&to=${alice.since}`)).body).toEqual({
        changed: [carol.userId],
        left: [bob.userId],
      }),
    );
    expect((await ask(`from=${from}&to=${between}`)).body).toEqual({ changed: [carol.userId], left: [] });
    expect((await ask(`from=${alice.since}&to=${alice.since}`)).body).toEqual(NONE);
    for (const query of ['', `from=${from}`, `from=x&to=${from}`]) {
      expect([query, (await ask(query)).status]).toEqual([query, 400]);
    }
  });

  it('of which the bus has lost what changed come all the same', async () => {
    deployment.keys.store(bob.userId);
    await deployment.keys.change(bob.userId, { signedUserIds: [carol.userId] });
    expect(await listsOf(alice)).toEqual({ changed: [bob.userId], left: [] });
    deployment.keys.store(bob.userId);
    expect(await listsOf(alice)).toEqual({ changed: [bob.userId], left: [] });
  }, 60_000);
});
