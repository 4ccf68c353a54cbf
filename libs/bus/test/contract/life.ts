import { BusClosedError, BusUnavailableError, jsonCodec, type Topic } from '../../src/index.js';
import { type BusPair, conversation, type OpenBuses, Reading, reader, roomStream, until } from '../support.js';

const topic: Topic<string> = { name: 'topic', codec: jsonCodec((input) => String(input)) };

/** From the first use to the last. */
export function describeLife(open: OpenBuses): void {
  let buses: BusPair;

  beforeEach(async () => {
    buses = await open();
  });
  afterEach(() => buses.close());

  it('is healthy until it is closed', async () => {
    await expect(buses.one.health()).resolves.toBeUndefined();
    await buses.one.close();
    await expect(buses.one.health()).rejects.toThrow(new BusUnavailableError('the bus is closed'));
  });

  it('reads and hears nothing after drain, but still publishes', async () => {
    const reading = new Reading();
    const heard: string[] = [];
    await buses.one.consume(reader(), reading.handler);
    await buses.one.listen(topic, (message) => heard.push(message));
    await buses.one.publishAll(roomStream(), conversation(['!a:x'], 1, 3));
    await until('the first part is read', () => reading.total === 3);
    await buses.one.drain();
    await buses.one.publishAll(roomStream(), conversation(['!a:x'], 4, 6));
    buses.one.broadcast(topic, 'anybody?');
    const later = new Reading();
    await buses.other.consume(reader(), later.handler);
    await until('the second part is read elsewhere', () => later.total === 3);
    expect(reading.total).toBe(3);
    expect(heard).toEqual([]);
  });

  it('takes nothing after close', async () => {
    await buses.one.close();
    await buses.one.close();
    const closed = new BusClosedError();
    await expect(buses.one.publish(roomStream(), { room: '', seq: 1 }, { key: '' })).rejects.toThrow(closed);
    await expect(buses.one.publishAll(roomStream(), conversation(['!a:x'], 1, 2))).rejects.toThrow(closed);
    await expect(buses.one.consume(reader(), async () => {})).rejects.toThrow(closed);
    await expect(buses.one.listen(topic, () => {})).rejects.toThrow(closed);
    expect(() => buses.one.broadcast(topic, 'anybody?')).not.toThrow();
  });

  it('says how large a message may be, which is large enough for any event', async () => {
    expect(buses.one.maxMessageBytes).toBeGreaterThan(500_000);
    const large = { room: 'x'.repeat(500_000), seq: 1 };
    await expect(buses.one.publish(roomStream(), large, { key: '' })).resolves.toBeUndefined();
  });

  it('publishes nothing gladly', async () => {
    await expect(buses.one.publishAll(roomStream(), [])).resolves.toBeUndefined();
  });

  it.each(['', 'room events', 'room.events', 'a*', '>', 'ü', 'x'.repeat(65)])('refuses %j as a name', async (name) => {
    const stream = roomStream({ name });
    await expect(buses.one.publish(stream, { room: '', seq: 1 }, { key: '' })).rejects.toThrow(RangeError);
    await expect(buses.one.consume(reader({ stream }), async () => {})).rejects.toThrow(RangeError);
    await expect(buses.one.consume(reader({ durable: name }), async () => {})).rejects.toThrow(RangeError);
    await expect(buses.one.listen({ ...topic, name }, () => {})).rejects.toThrow(RangeError);
  });

  it('refuses numbers that cannot work', async () => {
    for (const wrong of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      await expect(buses.one.consume(reader({ maxBatch: wrong }), async () => {})).rejects.toThrow(RangeError);
      const stream = roomStream({ shards: wrong });
      await expect(buses.one.consume(reader({ stream }), async () => {})).rejects.toThrow(RangeError);
    }
  });

  it('stops telling who no longer wants to hear of resets', () => {
    const stop = buses.one.onReset(() => {});
    expect(() => {
      stop();
      stop();
    }).not.toThrow();
  });
}
