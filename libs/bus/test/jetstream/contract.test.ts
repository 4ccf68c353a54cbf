import { type NatsServer, startNatsServer } from '../../../testing/src/nats-server.js';
import { connectJetStreamBus } from '../../src/jetstream/jetstream-bus.js';
import { describeBusContract } from '../contract/bus-contract.js';

let server: NatsServer;
let opened = 0;

beforeAll(async () => {
  server = await startNatsServer();
}, 300_000);
afterAll(() => server.close());

describeBusContract('the bus on JetStream', async (options) => {
  const settings = { ...options, servers: [server.url], namespace: `test${++opened}` };
  const [one, other] = await Promise.all([connectJetStreamBus(settings), connectJetStreamBus(settings)]);
  const close = async () => {
    await Promise.all([one.close(), other.close()]);
  };
  return { one, other, close };
});
