import { eventually } from '@ganglion/testing';
import { Homeserver, type Replica } from '../support/homeserver.js';
import { inRoom, Person } from '../support/person.js';

let homeserver: Homeserver;
let replica: Replica;
let other: Replica;
beforeAll(async () => {
  homeserver = await Homeserver.create();
  replica = await homeserver.start();
  other = await homeserver.start();
});
afterAll(() => homeserver.close());

interface PresenceEvent {
  readonly type: string;
  readonly sender: string;
  readonly content: { readonly presence: string; readonly status_msg?: string; readonly currently_active?: boolean };
}

const statusOf = ({ userId }: Person) => `presence/${encodeURIComponent(userId)}/status`;
const set = (person: Person, presence: string, status_msg?: string) =>
  person.must('PUT', statusOf(person), { presence, status_msg });

/** Two people in a room; the second one is served by the other replica. */
async function pair(): Promise<[Person, Person, string]> {
  const [alice, bob] = [await Person.register(replica.url), (await Person.register(replica.url)).at(other.url)];
  const roomId = await alice.createRoom({ preset: 'public_chat' });
  await bob.must('POST', `${inRoom(roomId)}/join`);
  return [alice, bob, roomId];
}

const quietly = (
  person: Person,
  since?: string,
): Promise<{ next_batch: string; presence?: { events: PresenceEvent[] } }> =>
  person.must('GET', `sync?set_presence=offline${since === undefined ? '' : `&since=${since}`}`);
const eventsOf = ({ presence }: { presence?: { events: PresenceEvent[] } }, { userId }: Person) =>
  (presence?.events ?? []).filter(({ sender }) => sender === userId);

it('what somebody says of themselves is seen by who shares a room, at any replica', async () => {
  const [alice, bob] = await pair();
  const { next_batch: since } = await quietly(bob);
  await set(alice, 'online', 'Testing');
  expect(await bob.must('GET', statusOf(alice))).toMatchObject({ presence: 'online', status_msg: 'Testing' });
  await eventually(async () => {
    const [event] = eventsOf(await quietly(bob, since), alice);
    expect(event).toMatchObject({
      ...{ type: 'm.presence', sender: alice.userId },
      content: {
        presence: 'online',
        status_msg: 'Testing',
        currently_active: true,
        last_active_ago: expect.any(Number),
      },
    });
  });
  await set(alice, 'unavailable');
  await eventually(async () => {
    const [event] = eventsOf(await quietly(bob, since), alice);
    expect([event?.content.presence, event?.content.status_msg]).toEqual(['unavailable', undefined]);
  });
});

it('a change is told once, and wakes who waits', async () => {
  const [alice, bob] = await pair();
  const waitFor = ({ next_batch: since }: { next_batch: string }) =>
    bob.must('GET', `sync?set_presence=offline&timeout=20000&since=${since}`);
  const waiting = waitFor(await quietly(bob));
  await set(alice, 'online');
  let told = await waiting;
  // Something else may have woken them first.
  while (eventsOf(told, alice).length === 0) told = await waitFor(told);
  expect(eventsOf(told, alice)).toHaveLength(1);
  expect(eventsOf(await quietly(bob, told.next_batch), alice)).toEqual([]);
});

it('who syncs is online, unless they say otherwise', async () => {
  const [alice, bob] = await pair();
  await alice.must('GET', 'sync');
  await eventually(async () => expect((await bob.must('GET', statusOf(alice))).presence).toBe('online'));
  await alice.must('GET', 'sync?set_presence=unavailable');
  await eventually(async () => expect((await bob.must('GET', statusOf(alice))).presence).toBe('unavailable'));
  await quietly(bob);
  expect((await alice.must('GET', statusOf(bob))).presence).toBe('offline');
});

it('who comes to a room sees who is there, and is seen', async () => {
  const [alice, bob] = [await Person.register(replica.url), (await Person.register(replica.url)).at(other.url)];
  for (const person of [alice, bob]) await set(person, 'online');
  const roomId = await alice.createRoom({ preset: 'public_chat' });
  const [before, bobs] = [await quietly(alice), await quietly(bob)];
  expect((await bob.get(statusOf(alice))).body.errcode).toBe('M_FORBIDDEN');
  await bob.must('POST', `${inRoom(roomId)}/join`);
  await eventually(async () => {
    expect(eventsOf(await quietly(alice, before.next_batch), bob)).toHaveLength(1);
    expect(eventsOf(await quietly(bob, bobs.next_batch), alice)).toHaveLength(1);
    expect(eventsOf(await quietly(bob), alice)).toHaveLength(1);
  });
});

it('strangers see nothing of each other', async () => {
  const [alice, bob] = [await Person.register(replica.url), (await Person.register(replica.url)).at(other.url)];
  const { next_batch: since } = await quietly(bob);
  await set(alice, 'online');
  expect(eventsOf(await quietly(bob, since), alice)).toEqual([]);
  expect(eventsOf(await quietly(bob), alice)).toEqual([]);
});

it('a filter leaves presence out, and nobody speaks for others', async () => {
  const [alice, bob] = await pair();
  const filter = encodeURIComponent('{"presence":{"not_types":["*"]}}');
  await set(alice, 'online');
  expect((await bob.must('GET', `sync?filter=${filter}`)).presence).toBeUndefined();
  const { status, body } = await bob.put(statusOf(alice), { presence: 'offline' });
  expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN']);
});

it('who logs out is offline', async () => {
  const [alice, bob] = await pair();
  await set(alice, 'online');
  await alice.must('POST', 'logout');
  await eventually(async () => expect((await bob.must('GET', statusOf(alice))).presence).toBe('offline'));
});

it('where it is switched off nobody is told anything', async () => {
  const own = await Homeserver.create();
  try {
    const { url } = await own.start({ presence: { enabled: false } });
    const alice = await Person.register(url);
    await set(alice, 'online', 'x');
    expect(await alice.must('GET', statusOf(alice))).toEqual({ presence: 'offline' });
    expect((await alice.must('GET', 'sync')).presence).toBeUndefined();
  } finally {
    await own.close();
  }
});

it('who was there stays so when the replica goes that puts everybody’s devices together', async () => {
  const own = await Homeserver.create();
  try {
    const first = await own.start();
    const alice = await Person.register(first.url);
    await set(alice, 'online', 'still here');
    const second = await own.start();
    await first.stop();
    const again = alice.at(second.url);
    expect(await again.must('GET', statusOf(alice))).toMatchObject({ presence: 'online', status_msg: 'still here' });
    await eventually(async () => {
      await set(again, 'unavailable', 'somewhere');
      const status = await again.must('GET', statusOf(alice));
      expect(status).toMatchObject({ presence: 'unavailable', status_msg: 'somewhere' });
    }, 20_000);
  } finally {
    await own.close();
  }
});
