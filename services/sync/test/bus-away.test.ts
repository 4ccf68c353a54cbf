import { connectJetStreamBus } from '@ganglion/bus/jetstream';
import { eventually, type NatsServer, startNatsServer } from '@ganglion/testing';
import { Deployment, type Replica } from './support/deployment.js';
import type { Person } from './support/person.js';

/** Well below the fifteen seconds after which the appender looks by itself. */
const SOON_MS = 5_000;

describe('while the bus is away', () => {
  let nats: NatsServer;
  let deployment: Deployment;
  let replicas: Replica[];
  let alice: Person;
  let bob: Person;
  let roomId: string;
  const heard: string[] = [];

  beforeAll(async () => {
    nats = await startNatsServer();
    deployment = await Deployment.create(async () => {
      const bus = await connectJetStreamBus({ servers: [nats.url] });
      return { bus, close: () => bus.close() };
    });
    replicas = [];
    for (let index = 0; index < 2; index++) replicas.push(await deployment.start({ asOneOfMany: true }));
    alice = deployment.person('alice', replicas[0]!);
    bob = deployment.person('bob', replicas[1]!);
    roomId = await deployment.rooms.create(alice.userId, bob.userId);
    await bob.roomUntil(roomId, () => true);
  }, 60_000);
  afterAll(async () => {
    await deployment.close();
    await nats.close();
  });

  /** Says something, which cannot be published now, and returns how long it takes until Bob has heard it. */
  async function saidAndHeard(body: string): Promise<number> {
    const start = performance.now();
    deployment.rooms.say(roomId, alice.userId, body).catch(() => {});
    while (!heard.includes(body)) await listen();
    return performance.now() - start;
  }

  async function listen(timeout = 20_000): Promise<void> {
    const { timeline } = (await bob.room(roomId, { timeout })) ?? { timeline: { events: [] } };
    heard.push(...timeline.events.map((event) => (event as unknown as { content: { body: string } }).content.body));
  }

  it('messages are delivered all the same, also when another replica becomes the appender', async () => {
    await nats.kill();
    for (const body of ['one', 'two', 'three', 'four']) expect(await saidAndHeard(body)).toBeLessThan(SOON_MS);
    await replicas[0]!.stop();
    expect(await saidAndHeard('five')).toBeLessThan(2 * SOON_MS);
    for (const body of ['six', 'seven', 'eight']) expect(await saidAndHeard(body)).toBeLessThan(SOON_MS);
  }, 90_000);

  it('who has just joined finds the room at once', async () => {
    const carol = deployment.person('carol', replicas[1]!);
    deployment.rooms.setMembership(roomId, carol.userId, 'join').catch(() => {});
    expect(Object.keys((await carol.sync()).rooms.join)).toEqual([roomId]);
  });

  it('and when it is back, nothing comes twice', async () => {
    await nats.restart({ wipe: true });
    await eventually(() => deployment.testBus.bus.health());
    expect(await saidAndHeard('nine')).toBeLessThan(2 * SOON_MS);
    await listen(0);
    expect(heard.filter((body) => body !== undefined)).toEqual([
      'one',
      'two',
      'three',
      'four',
      'five',
      'six',
      'seven',
      'eight',
      'nine',
    ]);
  }, 60_000);
});
