import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { type NatsServer, startNatsServer } from '../../../testing/src/nats-server.js';
import { type Bus, BusClosedError, BusUnavailableError, type ResetReason } from '../../src/index.js';
import { connectJetStreamBus, type JetStreamOptions } from '../../src/jetstream/jetstream-bus.js';
import { CountedMetrics, conversation, Reading, range, reader, roomStream, until } from '../support.js';

/** What operators, and accidents, do to single parts of a server. */
describe('the bus on JetStream', () => {
  let server: NatsServer;
  let operator: NatsConnection;
  let jsm: JetStreamManager;
  let bus: Bus;
  let metrics: CountedMetrics;
  let resets: ResetReason[];
  let opened: Bus[];

  beforeEach(async () => {
    server = await startNatsServer();
    operator = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
    jsm = await jetstreamManager(operator);
    metrics = new CountedMetrics();
    opened = [];
    bus = await open({ publishDeadlineMs: 10_000 });
    resets = [];
    bus.onReset((reason) => resets.push(reason));
  }, 300_000);

  afterEach(async () => {
    await operator.close();
    await Promise.all(opened.map((one) => one.close()));
    await server.close();
  });

  async function open(options: Partial<JetStreamOptions>): Promise<Bus> {
    const one = await connectJetStreamBus({ servers: [server.url], namespace: 'g', metrics, ...options });
    opened.push(one);
    return one;
  }

  const publish = (from: number, to: number) => bus.publishAll(roomStream(), conversation(['!a:x', '!b:x'], from, to));

  it('creates a stream again that was deleted, reads on, and says what was lost', async () => {
    const reading = new Reading();
    await bus.consume(reader(), reading.handler);
    await publish(1, 10);
    await until('the first part is read', () => reading.total === 20);
    await jsm.streams.delete('g-room-events');
    await publish(11, 20);
    await until('the second part is read', () => reading.total >= 40);
    expect(reading.room('!a:x')).toEqual(range(1, 20));
    expect(reading.room('!b:x')).toEqual(range(1, 20));
    expect(resets).toEqual([{ kind: 'stream-lost', stream: 'room-events' }]);
  });

  it('reads on at once in every shard, however often the stream is deleted', async () => {
    // Now and then NATS 2.9 deletes a stream and leaves a reader waiting: the more shards, the more often.
    const stream = roomStream({ shards: 16 });
    const rooms = range(1, 40).map((n) => `!room${n}:x`);
    const reading = new Reading();
    await bus.consume(reader({ stream }), reading.handler);
    for (let round = 1; round <= 10; round++) {
      await bus.publishAll(stream, conversation(rooms, round, round));
      await until('the round is read', () => reading.total === round * rooms.length);
      await jsm.streams.delete('g-room-events');
    }
    for (const room of rooms) expect(reading.room(room)).toEqual(range(1, 10));
  });

  it('leaves nothing on the server that has to be looked after for each reader', async () => {
    const reading = new Reading();
    await bus.consume(reader(), reading.handler);
    await publish(1, 10);
    await until('all is read', () => reading.total === 20);
    expect((await jsm.streams.info('g-room-events')).state.consumer_count).toBe(0);
  });

  it('stores what is published while the server is away, once it is back', async () => {
    const reading = new Reading();
    await bus.consume(reader(), reading.handler);
    await server.kill();
    const published = publish(1, 50);
    await server.restart();
    await published;
    await until('all is read', () => reading.total >= 100);
    expect(reading.room('!a:x')).toEqual(range(1, 50));
  });

  it('gives up publishing at the deadline, and says why', async () => {
    const hasty = await open({ publishDeadlineMs: 300 });
    await server.kill();
    const refusal = hasty.publishAll(roomStream(), conversation(['!a:x'], 1, 3));
    await expect(refusal).rejects.toThrow(BusUnavailableError);
    await expect(refusal).rejects.toThrow(/room-events.*no connection to NATS/);
    expect(metrics.counts['refused room-events']).toBe(3);
    await server.restart();
    await until('publishing works again', () =>
      hasty.publish(roomStream(), { room: '!a:x', seq: 4 }, { key: '!a:x' }).then(
        () => true,
        () => false,
      ),
    );
  });

  it('says that it is not healthy while the server is away, and is healthy again after', async () => {
    await bus.health();
    await server.kill();
    await until('it is not healthy', () =>
      bus.health().then(
        () => false,
        () => true,
      ),
    );
    await expect(bus.health()).rejects.toThrow(/no connection to NATS/);
    await server.restart();
    await until('it is healthy', () =>
      bus.health().then(
        () => true,
        () => false,
      ),
    );
  });

  it('says so when a stream cannot have the copies that are asked for', async () => {
    const greedy = await open({ namespace: 'greedy', replicas: 3, publishDeadlineMs: 500 });
    await expect(greedy.publish(roomStream(), { room: '', seq: 1 }, { key: '' })).rejects.toThrow(/replicas > 1/);
  });

  it('connects to a server that comes up late, and names one that never does', async () => {
    await server.kill();
    const patient = open({ connectDeadlineMs: 30_000 });
    await expect(open({ connectDeadlineMs: 1 })).rejects.toThrow(`cannot connect to NATS at ${server.url}`);
    await server.restart();
    await (await patient).health();
  });

  it('can be closed while the server is away, and says so to who waits', async () => {
    await bus.consume(reader(), async () => {});
    await server.kill();
    await until('the loss is noticed', () =>
      bus.health().then(
        () => false,
        () => true,
      ),
    );
    const waiting = publish(1, 3);
    const closing = bus.close();
    await expect(waiting).rejects.toThrow(BusClosedError);
    await closing;
  });

  it('hears broadcasts again after the connection was lost', async () => {
    const heard: string[] = [];
    const topic = {
      name: 'typing',
      codec: { encode: (m: string) => Buffer.from(m), decode: (b: Uint8Array) => `${Buffer.from(b)}` },
    };
    await bus.listen(topic, (message) => heard.push(message));
    await server.kill();
    await server.restart();
    await until('it is heard', () => {
      bus.broadcast(topic, 'hello');
      return heard.includes('hello');
    });
    await until('the reset is told', () => resets.length > 1);
    expect(resets).toEqual([{ kind: 'disconnected' }, { kind: 'reconnected' }]);
    expect(bus.connected).toBe(true);
  });

  it('notices within seconds that the server answers nothing any more, and when it does again', async () => {
    const { promise: missed, resolve } = Promise.withResolvers<void>();
    bus.onReset(({ kind }) => kind === 'disconnected' && resolve());
    const start = performance.now();
    server.freeze();
    await missed;
    expect(performance.now() - start).toBeLessThan(10_000);
    expect(bus.connected).toBe(false);
    server.thaw();
    await until('it is connected', () => bus.connected);
    await bus.publishAll(roomStream(), conversation(['!a:x'], 1, 1));
  });

  it('takes over changed settings of streams', async () => {
    const first = await bus.consume(reader(), async () => {});
    await first.stop();
    const next = await open({});
    const stream = roomStream({ maxAgeMs: 60_000, maxBytes: 1_000_000 });
    await next.consume(reader({ stream, maxBatch: 7 }), async () => {});
    expect((await jsm.streams.info('g-room-events')).config).toMatchObject({ max_age: 60e9, max_bytes: 1_000_000 });
  });

  it('makes anew a stream of a release before it, which did not repeat what it stores', async () => {
    await jsm.streams.add({ name: 'g-room-events', subjects: ['g.room-events.*'], max_age: 3_600e9 });
    const reading = new Reading();
    await bus.consume(reader(), reading.handler);
    await publish(1, 10);
    await until('all is read', () => reading.total === 20);
    expect(reading.room('!a:x')).toEqual(range(1, 10));
  });
});
