import { jetstream } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { type NatsServer, startNatsServer } from '../../../testing/src/nats-server.js';
import { type Bus, PoisonError } from '../../src/index.js';
import { connectJetStreamBus } from '../../src/jetstream/jetstream-bus.js';
import { CountedMetrics, conversation, Reading, reader, roomStream, until } from '../support.js';

const stream = roomStream({ shards: 1 });

describe('the dead letters of JetStream', () => {
  let server: NatsServer;
  let other: NatsConnection;
  let bus: Bus;
  let metrics: CountedMetrics;

  beforeEach(async () => {
    server = await startNatsServer();
    other = await connect({ servers: server.url });
    metrics = new CountedMetrics();
    bus = await connectJetStreamBus({ servers: [server.url], metrics });
  }, 300_000);

  afterEach(async () => {
    await other.close();
    await bus.close();
    await server.close();
  });

  it('hold what nobody can decode, byte for byte', async () => {
    const reading = new Reading();
    await bus.consume(reader({ stream }), reading.handler);
    const js = jetstream(other);
    const rubbish = [Buffer.from('{"room":'), Buffer.from([0xff, 0x00]), Buffer.from(''), Buffer.from('{"room":1}')];
    for (const bytes of rubbish) await js.publish('ganglion.room-events.0', bytes);
    await bus.publishAll(stream, conversation(['!a:x'], 1, 1));
    await until('what follows is read', () => reading.total === 1);
    await until('all is parked', async () => (await bus.parked()).length === rubbish.length);
    const parked = await bus.parked();
    expect(parked.map(({ payload }) => Buffer.from(payload))).toEqual(rubbish);
    for (const { reason, subject } of parked) expect([reason, subject]).toEqual(['undecodable', 'room-events.0']);
    expect(metrics.counts['parked room-events reader undecodable']).toBe(rubbish.length);
  });

  it('hold what was handed out again and again without an end, and blame nothing behind it', async () => {
    const consumer = reader({ stream, maxAttempts: 1 });
    const declared = await bus.consume(consumer, async () => {});
    await declared.stop();
    await bus.publishAll(stream, conversation(['!a:x', '!b:x'], 1, 1));
    const durable = await jetstream(other).consumers.get('ganglion-room-events', 'reader-0');
    for (let delivery = 1; delivery <= 3; delivery++) {
      const messages = await durable.fetch({ max_messages: 2, expires: 5_000 });
      for await (const message of messages) message.nak();
      await other.flush();
    }
    const reading = new Reading();
    await bus.consume(consumer, reading.handler);
    await until('the second is read', () => reading.total === 1);
    expect(reading.room('!b:x')).toEqual([1]);
    await until('the first is parked', async () => (await bus.parked()).length === 1);
    expect(await bus.parked()).toMatchObject([{ reason: 'unsettled', detail: expect.stringMatching(/4 times/) }]);
  });

  it('outlive the process, and show the newest', async () => {
    await bus.consume(reader({ stream }), () => Promise.reject(new PoisonError('grüße, 世界\n: no \ud800 good')));
    await bus.publishAll(stream, conversation(['!a:x'], 1, 5));
    await until('all are parked', async () => (await bus.parked()).length === 5);
    await bus.close();
    bus = await connectJetStreamBus({ servers: [server.url] });
    const parked = await bus.parked(2);
    expect(parked.map(({ payload }) => stream.codec.decode(payload).seq)).toEqual([4, 5]);
    expect(parked[0]?.detail).toBe('PoisonError: grüße, 世界 : no \ufffd good');
  });

  it('are written before the message is done with, though the server is away', async () => {
    const reading = new Reading();
    const begun = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    await bus.consume(reader({ stream, maxBatch: 1 }), async (batch) => {
      begun.resolve();
      await held.promise;
      if (batch[0]?.message.seq === 1) throw new PoisonError('bad');
      await reading.handler(batch);
    });
    await bus.publishAll(stream, conversation(['!a:x'], 1, 2));
    await begun.promise;
    await server.kill();
    held.resolve();
    await server.restart();
    await until('what follows is read', () => reading.room('!a:x').includes(2));
    await until('it is parked', async () => (await bus.parked()).length > 0);
    expect((await bus.parked())[0]).toMatchObject({ reason: 'poison', detail: 'PoisonError: bad' });
  });
});
