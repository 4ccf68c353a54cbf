import { eventually } from '../../../testing/src/eventually.js';
import { freePorts } from '../../../testing/src/free-ports.js';
import { type NatsServer, startNatsServer } from '../../../testing/src/nats-server.js';
import type { Bus } from '../../src/index.js';
import { connectJetStreamBus } from '../../src/jetstream/jetstream-bus.js';
import { range, reader } from '../support.js';
import { Owner, Timeline } from './owner.js';

const ROOMS = range(1, 10).map((n) => `!room${n}:x`);
const PATIENCE_MS = 90_000;
const TIMEOUT_MS = 180_000;

describe('three NATS servers that keep three copies', () => {
  let servers: NatsServer[];
  let buses: Bus[];

  beforeEach(async () => {
    const ports = await freePorts(3);
    const routes = ports.map((port) => `nats://127.0.0.1:${port}`).join(', ');
    const configuration = (n: number) => `
      server_name: n${n}
      cluster { name: three, listen: "127.0.0.1:${ports[n]}", routes: [${routes}] }`;
    servers = await Promise.all([0, 1, 2].map((n) => startNatsServer({ configuration: configuration(n) })));
    const options = { servers: servers.map(({ url }) => url), replicas: 3 };
    buses = await Promise.all(range(1, 3).map(() => connectJetStreamBus(options)));
  });
  afterEach(async () => {
    await Promise.all(buses.map((bus) => bus.close()));
    await Promise.all(servers.map((server) => server.close()));
  });

  it(
    'deliver everything once and in order, when one of them dies and comes back',
    async () => {
      const owner = new Owner(buses[0] as Bus, ROOMS);
      const timeline = new Timeline(owner);
      for (const bus of buses.slice(1)) {
        await bus.consume(reader({ durable: 'appender', maxBatch: 20 }), timeline.handler);
        bus.onReset(() => timeline.catchUp());
      }
      const turns = async (count: number) => {
        for (let n = 0; n < count; n++) await owner.turn();
      };
      await turns(5);
      await servers[0]?.kill();
      await turns(5);
      await servers[0]?.restart();
      await turns(5);
      // The servers take some seconds to agree on who leads what.
      await eventually(() => {
        for (const room of ROOMS) expect(timeline.applied.get(room)).toEqual(range(1, owner.last(room)));
      }, PATIENCE_MS);
    },
    TIMEOUT_MS,
  );
});
