import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { type NatsServer, startNatsServer } from '../../../testing/src/nats-server.js';
import { type Bus, type BusLogger, jsonCodec, MessageTooLargeError, PoisonError } from '../../src/index.js';
import { connectJetStreamBus } from '../../src/jetstream/jetstream-bus.js';
import { Reading, type RoomEvent, reader, roomStream, until } from '../support.js';

describe('how large a message may be on JetStream', () => {
  let server: NatsServer;
  let operator: NatsConnection;
  let jsm: JetStreamManager;
  let bus: Bus;
  let said: object[];

  beforeEach(async () => {
    server = await startNatsServer();
    operator = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
    jsm = await jetstreamManager(operator);
    said = [];
    const logger = { info: () => {}, warn: () => {}, error: (fields: object) => said.push(fields) } as BusLogger;
    bus = await connectJetStreamBus({ servers: [server.url], namespace: 'g', logger });
  }, 300_000);

  afterEach(async () => {
    await operator.close();
    await bus.close();
    await server.close();
  });

  it('refuses a message that is larger than the server takes, saying the sizes, before anything is sent', async () => {
    const reading = new Reading();
    await bus.consume(reader(), reading.handler);
    expect(bus.maxMessageBytes).toBe(2 ** 20 - 2 ** 12);
    const [before, after] = [1, 3].map((seq) => ({ message: { room: '!a:x', seq }, key: '!a:x' }));
    const huge = { message: eventOf(bus.maxMessageBytes + 1), key: '!a:x' };
    const refusal: unknown = await bus
      .publishAll(roomStream(), [before!, huge, after!])
      .catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(MessageTooLargeError);
    expect(refusal).toMatchObject({ permanent: true, bytes: 2 ** 20 - 2 ** 12 + 1, limit: 2 ** 20 - 2 ** 12 });
    expect(String(refusal)).toMatch(/1044481 bytes.*1044480/);
    await expect(bus.publish(roomStream(), huge.message, { key: '' })).rejects.toThrow(MessageTooLargeError);
    await bus.publish(roomStream(), { room: '!a:x', seq: 4 }, { key: '!a:x' });
    await until('what fits is read', () => reading.total === 1);
    expect(reading.room('!a:x')).toEqual([4]);
  });

  it('carries a message of just the size that is allowed, to who reads at once and to who comes later', async () => {
    const largest = eventOf(bus.maxMessageBytes);
    const [now, later] = [new Reading(), new Reading()];
    await bus.consume(reader(), now.handler);
    await bus.publish(roomStream(), largest, { key: 'x', id: `$${'i'.repeat(254)}` });
    await bus.consume(reader({ durable: 'later' }), later.handler);
    await until('both have it', () => now.total === 1 && later.total === 1);
    for (const { batches } of [now, later]) expect(batches[0]?.[0]?.message).toEqual(largest);
  });

  it('parks a message of just that size, too, though the reasons no longer fit in beside it', async () => {
    await bus.consume(reader(), () => Promise.reject(new PoisonError('ü'.repeat(1_000))));
    await bus.publish(roomStream(), eventOf(bus.maxMessageBytes), { key: 'x' });
    await until('it is parked', async () => (await bus.parked()).length === 1);
    const [parked] = await bus.parked();
    expect(parked).toMatchObject({ reason: 'poison', detail: expect.stringMatching(/^PoisonError: ü+$/) });
  });

  it('learns how much another server takes, and refuses what it took on its way to it', async () => {
    await server.kill();
    const publishing = bus.publish(roomStream(), eventOf(100_000), { key: '' });
    await server.restart({ configuration: 'max_payload: 65536' });
    await expect(publishing).rejects.toThrow(MessageTooLargeError);
    expect(bus.maxMessageBytes).toBe(2 ** 16 - 2 ** 12);
  });

  it('refuses what is too large for a stream that an operator has limited', async () => {
    await bus.publish(roomStream(), { room: '', seq: 1 }, { key: '' });
    const { config } = await jsm.streams.info('g-room-events');
    await jsm.streams.update('g-room-events', { ...config, max_msg_size: 1_000 });
    const refusal = bus.publish(roomStream(), eventOf(1_500), { key: '' });
    await expect(refusal).rejects.toMatchObject({ name: 'MessageTooLargeError', bytes: 1_500, limit: undefined });
  });

  it('leaves out a broadcast that is too large, and says how large it was', async () => {
    const topic = { name: 'noise', codec: jsonCodec((input) => String(input)) };
    const heard: string[] = [];
    await bus.listen(topic, (message) => heard.push(message));
    bus.broadcast(topic, 'x'.repeat(2 ** 20));
    bus.broadcast(topic, 'short');
    await until('the next is heard', () => heard.length > 0);
    expect(heard).toEqual(['short']);
    expect(said).toMatchObject([{ topic: 'noise', err: { bytes: 2 ** 20 + 2, limit: 2 ** 20 - 2 ** 12 } }]);
  });
});

/** An event that takes just so many bytes. */
function eventOf(bytes: number): RoomEvent {
  const frame = roomStream().codec.encode({ room: '', seq: 1 }).length;
  return { room: 'x'.repeat(bytes - frame), seq: 1 };
}
