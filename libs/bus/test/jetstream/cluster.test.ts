import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from '../../../testing/src/free-ports.js';
import { type NatsServer, startNatsServer } from '../../../testing/src/nats-server.js';
import type { Bus } from '../../src/index.js';
import { connectJetStreamBus } from '../../src/jetstream/jetstream-bus.js';
import { range, reader } from '../support.js';
import { Owner, Timeline } from './owner.js';

const ROOMS = range(1, 20).map((n) => `!room${n}:x`);
const DURABLES = ['appender', 'push'];
const TIMEOUT_MS = 300_000;
/**
 * NATS 2.9 takes four to nine seconds to elect another leader, now and then twice as long. Nothing may stand still much
 * longer than that; readers that waited for something else were seen to stand still for ninety.
 */
const STANDSTILL_MS = 45_000;

/** Two services of two replicas each read what an owner publishes without a pause, while servers come and go. */
describe('three NATS servers that keep three copies', () => {
  let servers: NatsServer[];
  let buses: Bus[];
  let owner: Owner;
  let timelines: Timeline[];

  beforeEach(async () => {
    const ports = await freePorts(3);
    const routes = ports.map((port) => `nats://127.0.0.1:${port}`).join(', ');
    const configuration = (n: number) => `
      server_name: n${n}
      cluster { name: three, listen: "127.0.0.1:${ports[n]}", routes: [${routes}] }`;
    servers = await Promise.all([0, 1, 2].map((n) => startNatsServer({ configuration: configuration(n) })));
    const options = { servers: servers.map(({ url }) => url), replicas: 3, publishDeadlineMs: 60_000 };
    buses = await Promise.all(range(0, 4).map(() => connectJetStreamBus(options)));
    owner = new Owner(buses[0] as Bus, ROOMS);
    timelines = DURABLES.map(() => new Timeline(owner));
    for (const [index, bus] of buses.slice(1).entries()) {
      const durable = DURABLES[index % 2] as string;
      await bus.consume(reader({ durable, maxBatch: 20 }), (timelines[index % 2] as Timeline).handler);
    }
  }, TIMEOUT_MS);

  afterEach(async () => {
    await Promise.all(buses.map((bus) => bus.close()));
    await Promise.all(servers.map((server) => server.close()));
  }, TIMEOUT_MS);

  /** How many rooms of a timeline have everything up to what had been published of them. */
  const complete = (timeline: Timeline, last: number) =>
    ROOMS.every((room) => (timeline.heard.get(room)?.length ?? 0) >= last);

  /** Waits until everybody has read what there is now, of the servers alone: no owner is asked. */
  async function everybodyReads(what: string): Promise<number> {
    const last = Math.min(...ROOMS.map((room) => owner.last(room)));
    const start = performance.now();
    while (!timelines.every((timeline) => complete(timeline, last))) {
      if (performance.now() - start > STANDSTILL_MS) throw new Error(`a reader stands still: ${what}`);
      await sleep(20);
    }
    return performance.now() - start;
  }

  /** Publishes until told to end. */
  function load(): { end(): Promise<void> } {
    let going = true;
    const running = (async () => {
      while (going) await owner.turn();
    })();
    return {
      async end() {
        going = false;
        await running;
      },
    };
  }

  it(
    'lose nothing, keep the order, and let nobody stand still, when one is killed and another restarted under load',
    async () => {
      const publishing = load();
      const beforehand = await everybodyReads('before anything happens');
      for (const [round, victim] of [0, 1, 2].entries()) {
        await servers[victim]?.kill();
        await everybodyReads(`round ${round}: a server was killed`);
        await servers[victim]?.restart();
        await everybodyReads(`round ${round}: it was started again`);
        await servers[(victim + 1) % 3]?.stop();
        await servers[(victim + 1) % 3]?.restart();
        await everybodyReads(`round ${round}: another one was restarted`);
      }
      await publishing.end();
      await everybodyReads('at the end');
      expect(beforehand).toBeGreaterThan(0);
      for (const timeline of timelines) {
        for (const room of ROOMS) expect(timeline.heard.get(room)).toEqual(range(1, owner.last(room)));
      }
    },
    TIMEOUT_MS,
  );
});
