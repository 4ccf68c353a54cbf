import { connectJetStreamBus } from '@ganglion/bus/jetstream';
import { type NatsServer, startNatsServer } from '@ganglion/testing';
import { Deployment } from './support/deployment.js';
import type { JoinedRoom } from './support/person.js';

const hasReceipt = (eventId: string) => (room: JoinedRoom) =>
  room.ephemeral.events.some(({ type, content }) => type === 'm.receipt' && eventId in content);

describe('receipts while the bus is away', () => {
  let nats: NatsServer;
  let deployment: Deployment;

  beforeAll(async () => {
    nats = await startNatsServer();
    deployment = await Deployment.create(async () => {
      const bus = await connectJetStreamBus({ servers: [nats.url] });
      return { bus, close: () => bus.close() };
    });
  });
  afterAll(async () => {
    await deployment.close();
    await nats.close();
  });

  it('are taken, and told when it comes back with none of its files', async () => {
    const replicas = [await deployment.start(), await deployment.start()] as const;
    const alice = deployment.person('alice', replicas[0]);
    const bob = deployment.person('bob', replicas[1]);
    const roomId = await deployment.rooms.create(alice.userId, bob.userId);
    const eventId = await deployment.rooms.say(roomId, bob.userId, 'Hello');
    await Promise.all([alice.sees(roomId, eventId), bob.sees(roomId, eventId)]);
    const waiting = bob.roomUntil(roomId, hasReceipt(eventId));
    await nats.kill();
    expect((await alice.read(roomId, eventId)).status).toBe(200);
    await waiting;
    await nats.restart({ wipe: true });
    const next = await deployment.rooms.say(roomId, bob.userId, 'Are you there?');
    await alice.sees(roomId, next);
    await alice.read(roomId, next);
    await bob.roomUntil(roomId, hasReceipt(next));
    expect(await bob.room(roomId)).toBeUndefined();
  }, 60_000);
});
