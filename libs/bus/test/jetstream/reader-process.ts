/** Reads rooms in a process of its own and writes a line for each event. Arguments: the URL of the server. */
import { connectJetStreamBus } from '../../src/jetstream/jetstream-bus.js';
import { reader } from '../support.js';

const [url = ''] = process.argv.slice(2);
const bus = await connectJetStreamBus({ servers: [url] });
await bus.consume(reader({ durable: 'push', maxBatch: 10 }), async (batch) => {
  await new Promise(setImmediate);
  for (const { message } of batch) process.stdout.write(`${message.room} ${message.seq}\n`);
});
process.stdout.write('ready\n');
