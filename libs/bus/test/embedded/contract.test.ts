import { createEmbeddedBus } from '../../src/index.js';
import { describeBusContract } from '../contract/bus-contract.js';

describeBusContract('the embedded bus', async (options) => {
  const bus = createEmbeddedBus(options);
  return { one: bus, other: bus, close: () => bus.close() };
});
