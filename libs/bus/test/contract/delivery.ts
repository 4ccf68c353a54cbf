import { type BusPair, conversation, type OpenBuses, Reading, range, reader, roomStream, until } from '../support.js';

const ROOMS = ['!a:x', '!b:x', '!c:x', '!d:x', '!e:x'];

/** Everything arrives, in order, and readers share the work. */
export function describeDelivery(open: OpenBuses): void {
  let buses: BusPair;

  beforeEach(async () => {
    buses = await open();
  });
  afterEach(() => buses.close());

  it('delivers everything in order within each key', async () => {
    const reading = new Reading();
    await buses.other.consume(reader(), reading.handler);
    await buses.one.publishAll(roomStream(), conversation(ROOMS, 1, 200));
    await until('all is read', () => reading.total >= 1_000);
    for (const room of ROOMS) expect(reading.room(room)).toEqual(range(1, 200));
  });

  it('keeps the order of messages published one by one', async () => {
    const reading = new Reading();
    await buses.other.consume(reader(), reading.handler);
    const published = range(1, 300).map((seq) =>
      buses.one.publish(roomStream(), { room: '!a:x', seq }, { key: '!a:x' }),
    );
    await Promise.all(published);
    await until('all is read', () => reading.total >= 300);
    expect(reading.room('!a:x')).toEqual(range(1, 300));
  });

  it('hands over as one batch what came together, within the limit', async () => {
    const reading = new Reading();
    const held = Promise.withResolvers<void>();
    await buses.other.consume(reader({ maxBatch: 10 }), async (batch) => {
      await reading.handler(batch);
      await held.promise;
    });
    await buses.one.publishAll(roomStream({ shards: 4 }), conversation(['!a:x'], 1, 100));
    await until('the first batch is read', () => reading.batches.length === 1);
    held.resolve();
    await until('all is read', () => reading.total === 100);
    const sizes = reading.batches.map((batch) => batch.length);
    expect(Math.max(...sizes)).toBe(10);
    expect(reading.room('!a:x')).toEqual(range(1, 100));
  });

  it('never runs a handler while it runs', async () => {
    let running = 0;
    let most = 0;
    let total = 0;
    await buses.other.consume(reader({ maxBatch: 5 }), async (batch) => {
      most = Math.max(most, ++running);
      await new Promise(setImmediate);
      total += batch.length;
      running--;
    });
    await buses.one.publishAll(roomStream(), conversation(ROOMS, 1, 20));
    await until('all is read', () => total >= 100);
    expect(most).toBe(1);
  });

  it('gives every durable every message', async () => {
    const [push, appservice] = [new Reading(), new Reading()];
    await buses.one.consume(reader({ durable: 'push' }), push.handler);
    await buses.other.consume(reader({ durable: 'appservice' }), appservice.handler);
    await buses.one.publishAll(roomStream(), conversation(ROOMS, 1, 10));
    await until('both have read all', () => push.total >= 50 && appservice.total >= 50);
    for (const room of ROOMS) {
      expect(push.room(room)).toEqual(range(1, 10));
      expect(appservice.room(room)).toEqual(range(1, 10));
    }
  });

  it('keeps for a durable what is published while nobody reads it', async () => {
    const [before, after] = [new Reading(), new Reading()];
    const subscription = await buses.other.consume(reader(), before.handler);
    await buses.one.publishAll(roomStream(), conversation(ROOMS, 1, 10));
    await until('the first part is read', () => before.total === 50);
    await subscription.stop();
    await buses.one.publishAll(roomStream(), conversation(ROOMS, 11, 20));
    await buses.other.consume(reader(), after.handler);
    await until('the second part is read', () => after.total >= 50);
    expect(before.total).toBe(50);
    for (const room of ROOMS) expect(after.room(room)).toEqual(range(11, 20));
  });

  it('shares a durable: each message once and in order, though readers come and go', async () => {
    const all = new Reading();
    const handler = async (batch: Parameters<typeof all.handler>[0]) => {
      await new Promise(setImmediate);
      await all.handler(batch);
    };
    const first = await buses.one.consume(reader({ maxBatch: 5 }), handler);
    let published = buses.one.publishAll(roomStream(), conversation(ROOMS, 1, 100));
    await until('the first reader reads', () => all.total > 20);
    const second = await buses.other.consume(reader({ maxBatch: 5 }), handler);
    await published;
    await until('the first half is read', () => all.total >= 500);
    published = buses.one.publishAll(roomStream(), conversation(ROOMS, 101, 200));
    await until('the second half is being read', () => all.total > 520);
    await first.stop();
    await published;
    await until('all is read', () => all.total >= 1_000);
    for (const room of ROOMS) expect(all.room(room)).toEqual(range(1, 200));
    await second.stop();
  });

  it('waits, when stopped, for the handler and gives back the rest', async () => {
    const [before, after] = [new Reading(), new Reading()];
    const held = Promise.withResolvers<void>();
    let running = false;
    const subscription = await buses.other.consume(reader({ maxBatch: 5 }), async (batch) => {
      running = true;
      await held.promise;
      await before.handler(batch);
    });
    await buses.one.publishAll(roomStream(), conversation(['!a:x'], 1, 20));
    await until('the handler runs', () => running);
    let stopped = false;
    const stopping = subscription.stop().then(() => {
      stopped = true;
    });
    await buses.one.health();
    expect(stopped).toBe(false);
    held.resolve();
    await stopping;
    const handled = before.total;
    expect(handled).toBeGreaterThan(0);
    await buses.other.consume(reader(), after.handler);
    await until('the rest is read', () => after.total >= 20 - handled);
    expect([...before.room('!a:x'), ...after.room('!a:x')]).toEqual(range(1, 20));
  });

  it('can be stopped as soon as it has begun', async () => {
    const [before, after] = [new Reading(), new Reading()];
    await buses.one.publishAll(roomStream(), conversation(ROOMS, 1, 1));
    const subscription = await buses.other.consume(reader(), before.handler);
    await buses.one.publishAll(roomStream(), conversation(ROOMS, 2, 20));
    await subscription.stop();
    const handled = before.total;
    await buses.other.consume(reader(), after.handler);
    await until('the rest is read', () =>
      ROOMS.every((room) => [...before.room(room), ...after.room(room)].at(-1) === 20),
    );
    expect(before.total).toBe(handled);
  });

  it('stores a message once when it is published again with its id', async () => {
    const reading = new Reading();
    await buses.other.consume(reader(), reading.handler);
    const first = { message: { room: '!a:x', seq: 1 }, key: '!a:x', id: '$first' };
    await buses.one.publishAll(roomStream(), [first, first]);
    await buses.other.publishAll(roomStream(), [first]);
    await buses.one.publish(roomStream(), { room: '!a:x', seq: 2 }, { key: '!a:x', id: '$second' });
    await until('the last is read', () => reading.room('!a:x').includes(2));
    expect(reading.room('!a:x')).toEqual([1, 2]);
  });

  it('takes any text as a key', async () => {
    const keys = ['', ' ', '.', '>', '*', '!ü:x.y', '\u0000', '😀', 'k'.repeat(255), '\ud800'];
    const reading = new Reading();
    await buses.other.consume(reader(), reading.handler);
    await buses.one.publishAll(roomStream(), conversation(keys, 1, 3));
    await until('all is read', () => reading.total >= 3 * keys.length);
    for (const key of keys) expect(reading.room(JSON.parse(JSON.stringify(key)))).toEqual([1, 2, 3]);
  });
}
