import { type Bus, createEmbeddedBus, type ParkedMessage, prometheusBusMetrics } from '@ganglion/bus';
import { connectJetStreamBus } from '@ganglion/bus/jetstream';
import { ROOM_EVENTS } from '@ganglion/contracts';
import { Metrics } from '@ganglion/telemetry';
import { eventually, startNatsServer, type TestBus } from '@ganglion/testing';
import { Deployment, type Replica } from './support/deployment.js';
import type { Person } from './support/person.js';
import { overriding } from './support/trouble.js';

const ATTEMPTS = 3;

let metrics: Metrics;

async function embedded(): Promise<TestBus> {
  const bus = createEmbeddedBus({ metrics: prometheusBusMetrics(metrics) });
  return { bus: impatient(bus), close: () => bus.close() };
}

async function jetstream(): Promise<TestBus> {
  const nats = await startNatsServer();
  const bus = await connectJetStreamBus({ servers: [nats.url], metrics: prometheusBusMetrics(metrics) });
  const close = async () => {
    await bus.close();
    await nats.close();
  };
  return { bus: impatient(bus), close };
}

/** The same bus, which gives up sooner. */
function impatient(bus: Bus): Bus {
  const consume: Bus['consume'] = (consumer, handler) =>
    bus.consume({ ...consumer, maxAttempts: ATTEMPTS, backoffMs: [20] }, handler);
  return overriding(bus, { consume });
}

describe.each([
  ['embedded', embedded],
  ['jetstream', jetstream],
] as const)('a message that can never be appended, on the %s bus', (_, makeBus) => {
  let deployment: Deployment;
  let replica: Replica;
  let alice: Person;
  let rooms: string[];

  beforeAll(async () => {
    metrics = new Metrics();
    deployment = await Deployment.create(makeBus);
    replica = await deployment.start();
    alice = deployment.person('alice', replica);
    rooms = await Promise.all(Array.from({ length: 16 }, () => deployment.rooms.create(alice.userId)));
    for (const roomId of rooms) await alice.with({ deviceId: roomId }).roomUntil(roomId, () => true);
  });
  afterAll(() => deployment.close());

  const countOf = async (reason: string): Promise<number> => {
    const lines = (await metrics.render()).split('\n').filter((line) => line.startsWith('ganglion_bus_parked'));
    const counted = lines.filter((line) => line.includes(`reason="${reason}"`) && line.includes('durable="sync"'));
    return counted.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  };

  const parkedBecause = async (reason: string): Promise<ParkedMessage[]> =>
    (await deployment.testBus.bus.parked()).filter((message) => message.reason === reason);

  /** Of a room that its owner knows nothing of, so that what is missing before it is found nowhere. */
  const impossible = (index: number) => ({
    key: `!impossible-${index}:one.test`,
    message: {
      ...{ roomId: `!impossible-${index}:one.test`, roomVersion: '11', roomNid: 7_000_000 + index },
      events: [
        {
          ...{ roomSeq: 7, eventId: `$impossible-${index}`, eventNid: 7_000_000 + index, pduJson: '{}' },
          ...{ stateChanges: [], visibility: 'shared', memberships: [], hasMoreStateChanges: false },
        },
      ],
    },
  });

  it('is tried a few times and set aside, with the reason and a count, and stops nobody', async () => {
    const { bus } = deployment.testBus;
    // As keys are spread over shards, there is one in front of every room.
    await bus.publishAll(
      ROOM_EVENTS,
      Array.from({ length: 24 }, (__, index) => impossible(index)),
    );
    const said = await Promise.all(rooms.map((roomId) => deployment.rooms.say(roomId, alice.userId, 'antidote')));
    for (const [index, roomId] of rooms.entries()) {
      await alice.with({ deviceId: roomId }).sees(roomId, said[index]!);
    }
    await eventually(async () => expect(await parkedBecause('exhausted')).toHaveLength(24));
    for (const { attempts, detail, durable, stream } of await parkedBecause('exhausted')) {
      expect({ attempts, durable, stream }).toEqual({ attempts: ATTEMPTS, durable: 'sync', stream: 'room-events' });
      expect(detail).toMatch(/the log of !impossible-\d+:one.test ends at 0/);
    }
    expect(await countOf('exhausted')).toBe(24);
  });
});
