import type { Bus, Subscription } from '@ganglion/bus';
import { connectJetStreamBus } from '@ganglion/bus/jetstream';
import { ANNOUNCEMENTS, type Announcement, ROOM_EVENTS } from '@ganglion/contracts';
import type { RoomEvents } from '@ganglion/contracts/room';
import { BUSES, eventually, startNatsServer } from '@ganglion/testing';
import { ALICE, BOB, change, countOf, createRoom, send, storedEvents } from './support/room.js';
import { type Replica, RoomServers } from './support/room-servers.js';

/** Whatever a consumer has been handed, room by room, in the order in which it came. */
class Received {
  readonly runs: RoomEvents[] = [];

  async consume(bus: Bus): Promise<Subscription> {
    const consumer = {
      ...{ stream: ROOM_EVENTS, durable: 'test', maxBatch: 100, maxAttempts: 5 },
      ...{ backoffMs: [100], key: ({ roomId }: RoomEvents) => roomId },
    };
    return bus.consume(consumer, async (batch) => {
      this.runs.push(...batch.map(({ message }) => message));
    });
  }

  /** The room_seqs of a room as a consumer that drops what it has had would see them. */
  seqsOf(roomId: string): number[] {
    const seqs: number[] = [];
    for (const run of this.runs.filter((candidate) => candidate.roomId === roomId)) {
      for (const { roomSeq } of run.events) if (roomSeq > (seqs.at(-1) ?? 0)) seqs.push(roomSeq);
    }
    return seqs;
  }
}

/** The same bus, but for how it publishes. */
function publishing(bus: Bus, publish: Bus['publish']): Bus {
  const publishAll: Bus['publishAll'] = async (stream, messages) => {
    await Promise.all(messages.map(({ message, ...options }) => publish(stream, message, options)));
  };
  return new Proxy(bus, {
    get(target, key) {
      if (key === 'publish') return publish;
      if (key === 'publishAll') return publishAll;
      const value = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

const never = () => new Promise<never>(() => {});

const consecutive = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

/** Rows that are old enough for whoever sweeps. */
const age = (replica: Replica) =>
  replica.db.query({ text: `UPDATE room_server.outbox SET created_at = created_at - interval '1 minute'` });

const outboxOf = (replica: Replica, roomId: string) =>
  countOf(replica.db, 'room_server.outbox JOIN room_server.rooms USING (room_nid) WHERE room_id = $1', [roomId]);

describe.each(BUSES)('events that are committed, on the %s bus', (_, makeBus) => {
  let servers: RoomServers;
  let received: Received;
  beforeAll(async () => {
    servers = await RoomServers.create(makeBus);
    received = new Received();
    await received.consume(servers.testBus.bus);
  });
  afterAll(() => servers.close());

  it('are published in the order of their room, and leave the outbox', async () => {
    const replica = await servers.start();
    replica.start();
    const roomId = await createRoom(replica);
    await Promise.all(Array.from({ length: 100 }, () => send(replica, roomId, ALICE)));
    await eventually(() => expect(received.seqsOf(roomId)).toEqual(consecutive(105)));
    await eventually(async () => expect(await outboxOf(replica, roomId)).toBe(0));
    const run = received.runs.find((candidate) => candidate.roomId === roomId);
    expect(run?.roomVersion).toBe('12');
    expect(run?.events[0]).toMatchObject({ roomSeq: 1, stateChanges: [{ type: 'm.room.create', stateKey: '' }] });
    const stored = await storedEvents(replica.db, roomId);
    const published = received.runs.filter((candidate) => candidate.roomId === roomId).flatMap(({ events }) => events);
    expect(published.map(({ pduJson }) => JSON.parse(pduJson))).toEqual(stored.map(({ pdu }) => pdu));
  });

  it('are announced to those who wrote them, and to those whose membership they change', async () => {
    const replica = await servers.start();
    replica.start();
    const announced: Announcement[] = [];
    const listening = await servers.testBus.bus.listen(ANNOUNCEMENTS, (announcement) => announced.push(announcement));
    const roomId = await createRoom(replica);
    await send(replica, roomId, ALICE);
    await change(replica, roomId, ALICE, 'invite', BOB);
    const users = () => announced.filter(({ id }) => id === roomId).map((announcement) => announcement.users);
    await eventually(() => expect(users()).toEqual([[ALICE], [ALICE], [ALICE, BOB]]));
    await listening.stop();
  });

  it('are published by another process when theirs has died before it could', async () => {
    const dead = await servers.start({ bus: publishing(servers.testBus.bus, never) });
    const roomId = await createRoom(dead);
    for (let index = 0; index < 3; index++) await send(dead, roomId, ALICE, { txnId: `${index}` });
    expect(received.seqsOf(roomId)).toEqual([]);
    const survivor = await servers.start();
    survivor.start();
    await age(survivor);
    await eventually(() => expect(received.seqsOf(roomId)).toEqual(consecutive(8)));
    await eventually(async () => expect(await outboxOf(survivor, roomId)).toBe(0));
    const logged = received.runs.find(({ roomId: other, events }) => other === roomId && events[0]?.roomSeq === 6);
    expect(logged?.events[0]?.transaction).toMatchObject({ userId: ALICE, txnId: '0' });
  });

  it('are answered and kept while they cannot be published', async () => {
    let away = true;
    const { bus } = servers.testBus;
    const publish = ((...args: Parameters<Bus['publish']>) =>
      away ? Promise.reject(new Error('away')) : bus.publish(...args)) as Bus['publish'];
    const replica = await servers.start({ bus: publishing(bus, publish) });
    replica.start();
    const roomId = await createRoom(replica);
    await Promise.all(Array.from({ length: 20 }, () => send(replica, roomId, ALICE)));
    await age(replica);
    expect(received.seqsOf(roomId)).toEqual([]);
    away = false;
    await eventually(() => expect(received.seqsOf(roomId)).toEqual(consecutive(25)));
    await eventually(async () => expect(await outboxOf(replica, roomId)).toBe(0));
  });

  it('that two processes sweep at once arrive, and nobody waits for them', async () => {
    const dead = await servers.start({ bus: publishing(servers.testBus.bus, never) });
    const rooms = await Promise.all(Array.from({ length: 10 }, () => createRoom(dead)));
    const sweepers = [await servers.start(), await servers.start()];
    await age(sweepers[0]!);
    for (const sweeper of sweepers) sweeper.start();
    await Promise.all(rooms.map((roomId) => send(sweepers[0]!, roomId, ALICE)));
    await eventually(() => {
      for (const roomId of rooms) expect(received.seqsOf(roomId).length).toBeGreaterThanOrEqual(1);
    });
    await eventually(async () => {
      for (const roomId of rooms) expect(await outboxOf(sweepers[0]!, roomId)).toBe(0);
    });
  });
});

it('a room whose events cannot be published holds up no other', async () => {
  const servers = await RoomServers.create();
  const { bus } = servers.testBus;
  const received = new Received();
  await received.consume(bus);
  const dead = await servers.start({ bus: publishing(bus, never) });
  const [stuck = '', ...rooms] = [await createRoom(dead), await createRoom(dead), await createRoom(dead)];
  const publish = ((...args: Parameters<Bus['publish']>) => {
    const isStuck = (args[1] as RoomEvents).roomId === stuck;
    return isStuck ? Promise.reject(new Error('not this one')) : bus.publish(...args);
  }) as Bus['publish'];
  const sweeper = await servers.start({ bus: publishing(bus, publish) });
  await age(sweeper);
  sweeper.start();
  await eventually(() => {
    for (const roomId of rooms) expect(received.seqsOf(roomId)).toEqual(consecutive(5));
  });
  expect(await outboxOf(sweeper, stuck)).toBeGreaterThan(0);
  await servers.close();
});

it('commits go on while another process sweeps what they want to forget, and its bus is slow', async () => {
  const servers = await RoomServers.create();
  const gate = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const publish = async () => {
    begun.resolve();
    await gate.promise;
  };
  const sweeping = await servers.start({ bus: publishing(servers.testBus.bus, publish) });
  const writing = await servers.start();
  const roomId = await createRoom(writing);
  await age(writing);
  sweeping.start();
  await begun.promise;
  // No transaction stays open meanwhile: it would hold back the cursor of the log, and vacuum.
  const open = `pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()`;
  await eventually(async () => expect(await countOf(writing.db, open)).toBe(0));
  for (let index = 0; index < 5; index++) await send(writing, roomId, ALICE);
  gate.resolve();
  writing.start();
  await eventually(async () => expect(await countOf(writing.db, 'room_server.outbox')).toBe(0));
  await servers.close();
});

it('a NATS server that is killed delays what is published and loses nothing', async () => {
  const nats = await startNatsServer();
  const bus = await connectJetStreamBus({ servers: [nats.url] });
  const close = async () => {
    await bus.close();
    await nats.close();
  };
  const servers = await RoomServers.create(async () => ({ bus, close }));
  const received = new Received();
  await received.consume(bus);
  const replica = await servers.start();
  replica.start();
  const roomId = await createRoom(replica);
  await nats.kill();
  await Promise.all(Array.from({ length: 30 }, () => send(replica, roomId, ALICE)));
  expect((await storedEvents(replica.db, roomId)).length).toBe(35);
  await nats.restart();
  await age(replica);
  await eventually(() => expect(received.seqsOf(roomId)).toEqual(consecutive(35)), 20_000);
  await servers.close();
});
