/** Reads rooms in a process of its own, which ends without a word at an event of a certain one. Arguments: the URL of the server, the room. */
import { connectJetStreamBus } from '../../src/jetstream/jetstream-bus.js';
import { reader, roomStream } from '../support.js';

const [url = '', deadly = ''] = process.argv.slice(2);
const bus = await connectJetStreamBus({ servers: [url] });
process.stdout.write('ready\n');
const consumer = reader({ stream: roomStream({ shards: 1 }), maxAttempts: 1, maxBatch: 10 });
await bus.consume(consumer, async (batch) => {
  if (batch.some(({ message }) => message.room === deadly)) process.exit(1);
  for (const { message } of batch) process.stdout.write(`${message.room} ${message.seq}\n`);
});
