import { eventually } from '@ganglion/testing';
import type { NewReceipt } from '../src/domain/ports/receipt-model.js';
import { ReceiptStore } from '../src/storage/receipt-store.js';
import { Deployment, type Replica } from './support/deployment.js';
import type { JoinedRoom, Person } from './support/person.js';

describe('receipts that a replica has handed over', () => {
  let deployment: Deployment;
  let replica: Replica;
  let store: ReceiptStore;
  let alice: Person;
  let bob: Person;
  let roomId: string;
  let events: string[];

  beforeAll(async () => {
    deployment = await Deployment.create();
    replica = await deployment.start();
    store = new ReceiptStore(deployment.db);
  });
  afterAll(() => deployment.close());

  beforeEach(async () => {
    [alice, bob] = ['alice', 'bob'].map((name) => deployment.person(name, replica)) as [Person, Person];
    roomId = await deployment.rooms.create(alice.userId, bob.userId);
    events = [];
    for (const body of ['one', 'two', 'three']) events.push(await deployment.rooms.say(roomId, bob.userId, body));
    await Promise.all([alice, bob].map((person) => person.sees(roomId, events[2]!)));
  });

  const receipt = (index: number, userId = alice.userId): NewReceipt => ({
    ...{ roomNid: deployment.rooms.room(roomId).roomNid, userId, type: 'm.read', threadId: '', ts: 1 },
    ...{ eventId: events[index]!, eventPosition: index + 1 },
  });
  const readers = (room: JoinedRoom | undefined) =>
    room?.ephemeral.events.flatMap(({ content }) =>
      Object.entries(content as Record<string, Record<string, Record<string, unknown>>>).flatMap(([eventId, types]) =>
        Object.keys(types['m.read'] ?? {}).map((userId) => `${userId} ${events.indexOf(eventId)}`),
      ),
    ) ?? [];
  const waiting = async () => (await store.handedOver(100)).length;

  it('are placed by the next appender when there was none, and when the last one has died with them', async () => {
    await store.handOver([receipt(1)]);
    await bob.roomUntil(roomId, (room) => readers(room).includes(`${alice.userId} 1`));
    await eventually(async () => expect(await waiting()).toBe(0));
    await replica.stop();
    await store.handOver([receipt(2)]);
    // One that it has placed and not forgotten yet.
    await store.handOver([receipt(1)]);
    replica = await deployment.start();
    const there = bob.with({ url: replica.url });
    there.since = bob.since;
    expect(readers(await there.roomUntil(roomId, (room) => readers(room).length > 0))).toEqual([`${alice.userId} 2`]);
    await eventually(async () => expect(await waiting()).toBe(0));
    expect(await there.room(roomId)).toBeUndefined();
  });

  it('count as the furthest, in whatever order they come, and only once', async () => {
    await store.handOver([receipt(2), receipt(0)]);
    await store.handOver([receipt(1), receipt(2), receipt(0, bob.userId)]);
    const told: string[] = [];
    await bob.roomUntil(roomId, (room) => {
      told.push(...readers(room));
      return told.includes(`${bob.userId} 0`) && told.includes(`${alice.userId} 2`);
    });
    expect(told.sort()).toEqual([`${alice.userId} 2`, `${bob.userId} 0`]);
    await eventually(async () => expect(await waiting()).toBe(0));
  });

  it('that the database refuses do not keep the others waiting', async () => {
    const poison = { ...receipt(1), threadId: 'a\0b' };
    await store.handOver([poison, receipt(1)]);
    await store.handOver([receipt(1, bob.userId), poison]);
    const told = new Set<string>();
    await bob.roomUntil(roomId, (room) => {
      for (const reader of readers(room)) told.add(reader);
      return told.size === 2;
    });
    await eventually(async () => expect(await waiting()).toBe(0));
  });

  it('are all placed when there are more than one append takes', async () => {
    const many = Array.from({ length: 900 }, (_, index) => receipt(index % 3, `@reader-${index}:one.test`));
    for (let first = 0; first < many.length; first += 7) await store.handOver(many.slice(first, first + 7));
    const told = new Set<string>();
    await bob.roomUntil(roomId, (room) => {
      for (const reader of readers(room)) told.add(reader);
      return told.size === many.length;
    });
    await eventually(async () => expect(await waiting()).toBe(0));
  });
});
