import { type Bus, BusClosedError, BusUnavailableError, createEmbeddedBus, type ResetReason } from '../../src/index.js';
import { CountedMetrics, conversation, Reading, type RoomEvent, range, reader, roomStream, until } from '../support.js';

const ROOM = '!a:x';
const stream = roomStream();

describe('the embedded bus', () => {
  let bus: Bus;
  let metrics: CountedMetrics;
  let resets: ResetReason[];

  beforeEach(() => {
    metrics = new CountedMetrics();
    bus = createEmbeddedBus({ capacity: 10, publishDeadlineMs: 100, metrics });
    resets = [];
    bus.onReset((reason) => resets.push(reason));
  });
  afterEach(() => bus.close());

  const publish = (seq: number) => bus.publish(stream, { room: ROOM, seq }, { key: ROOM });

  it('passes messages by reference, without encoding them', async () => {
    const codec = { encode: () => fail(), decode: () => fail() };
    const message: RoomEvent = { room: ROOM, seq: 1 };
    const got: RoomEvent[] = [];
    await bus.consume(reader({ stream: { ...stream, codec } }), async (batch) => {
      for (const delivery of batch) got.push(delivery.message);
    });
    await bus.publish({ ...stream, codec }, message, { key: ROOM });
    await until('it is read', () => got.length === 1);
    expect(got[0]).toBe(message);
  });

  it('never runs a handler within publish', async () => {
    const reading = new Reading();
    await bus.consume(reader(), reading.handler);
    await publish(1);
    expect(reading.total).toBe(0);
    await until('it is read', () => reading.total === 1);
  });

  it('hands over as one batch all that accumulated while the handler ran', async () => {
    const reading = new Reading();
    const held = Promise.withResolvers<void>();
    await bus.consume(reader(), async (batch) => {
      await reading.handler(batch);
      await held.promise;
    });
    await publish(1);
    await until('the first is being read', () => reading.total === 1);
    for (const seq of range(2, 8)) await publish(seq);
    held.resolve();
    await until('all is read', () => reading.total === 8);
    expect(reading.batches.map((batch) => batch.length)).toEqual([1, 7]);
  });

  it('makes publishers wait for a reader that is behind, in their order', async () => {
    const reading = new Reading();
    const held = Promise.withResolvers<void>();
    await bus.consume(reader({ maxBatch: 2 }), async (batch) => {
      await held.promise;
      await reading.handler(batch);
    });
    const stored: number[] = [];
    const publishing = range(1, 25).map((seq) => publish(seq).then(() => stored.push(seq)));
    await until('the first are stored', () => stored.length === 10);
    expect(stored).toEqual(range(1, 10));
    held.resolve();
    await Promise.all(publishing);
    await until('all is read', () => reading.total === 25);
    expect(stored).toEqual(range(1, 25));
    expect(reading.room(ROOM)).toEqual(range(1, 25));
  });

  it('refuses what finds no room before the deadline', async () => {
    const held = Promise.withResolvers<void>();
    await bus.consume(reader(), () => held.promise);
    await bus.publishAll(stream, conversation([ROOM], 1, 10));
    await expect(publish(11)).rejects.toThrow(BusUnavailableError);
    expect(metrics.counts['refused room-events']).toBe(1);
    expect(metrics.counts['published room-events']).toBe(10);
    held.resolve();
    await until('there is room', () => metrics.counts['lag room-events reader'] === 0);
    await expect(publish(11)).resolves.toBeUndefined();
  });

  it('does not wait for a reader that went away, and tells it of what was lost when it is back', async () => {
    const gone = await bus.consume(reader(), async () => {});
    await gone.stop();
    await bus.publishAll(stream, conversation([ROOM], 1, 50));
    const reading = new Reading();
    await bus.consume(reader(), reading.handler);
    expect(resets).toEqual([{ kind: 'stream-lost', stream: 'room-events' }]);
    await publish(51);
    await until('the new is read', () => reading.total > 0);
    expect(reading.room(ROOM)).toEqual([51]);
  });

  it('keeps a place for as much as a reader that went away may miss', async () => {
    const gone = await bus.consume(reader(), async () => {});
    await gone.stop();
    await bus.publishAll(stream, conversation([ROOM], 1, 10));
    const reading = new Reading();
    await bus.consume(reader(), reading.handler);
    await until('all is read', () => reading.total === 10);
    expect(resets).toEqual([]);
  });

  it('ends the wait of publishers when it is closed', async () => {
    const held = Promise.withResolvers<void>();
    await bus.consume(reader(), () => held.promise);
    await bus.publishAll(stream, conversation([ROOM], 1, 10));
    const refusal = expect(publish(11)).rejects.toThrow(BusClosedError);
    const closing = bus.close();
    await refusal;
    held.resolve();
    await closing;
  });
});

function fail(): never {
  throw new Error('must not be called');
}
