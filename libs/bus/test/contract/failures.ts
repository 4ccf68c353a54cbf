import { type Delivery, PoisonError } from '../../src/index.js';
import {
  type BusPair,
  CountedMetrics,
  conversation,
  type OpenBuses,
  Reading,
  type RoomEvent,
  range,
  reader,
  roomStream,
  until,
} from '../support.js';

/** Temporary failures are tried again, poison is set aside. */
export function describeFailures(open: OpenBuses): void {
  let buses: BusPair;
  let metrics: CountedMetrics;

  beforeEach(async () => {
    metrics = new CountedMetrics();
    buses = await open({ metrics });
  });
  afterEach(() => buses.close());

  /** A handler that fails for one event as told. */
  function failing(reading: Reading, room: string, seq: number, failure: (attempt: number) => unknown) {
    return async (batch: readonly Delivery<RoomEvent>[]) => {
      for (const { message, attempt } of batch) {
        if (message.room !== room || message.seq !== seq) continue;
        const error = failure(attempt);
        if (error) throw error;
      }
      await reading.handler(batch);
    };
  }

  it('tries again after a temporary failure, while its key waits and others go on', async () => {
    const reading = new Reading();
    const attempts: number[] = [];
    let repaired = false;
    const handler = failing(reading, '!a:x', 3, (attempt) => {
      attempts.push(attempt);
      return repaired ? undefined : new Error('the database is away');
    });
    await buses.other.consume(reader({ maxAttempts: 1_000, backoffMs: [1, 5] }), handler);
    await buses.one.publishAll(roomStream(), conversation(['!a:x', '!b:x'], 1, 10));
    await until('the other room is read', () => reading.room('!b:x').length >= 10);
    await until('it was tried some times', () => attempts.length > 5);
    expect(reading.room('!a:x')).toEqual([1, 2]);
    repaired = true;
    await until('the room is read', () => reading.room('!a:x').length >= 10);
    expect(reading.room('!a:x')).toEqual(range(1, 10));
    expect(reading.room('!b:x')).toEqual(range(1, 10));
    expect(attempts.slice(-3)).toEqual(
      [attempts.length - 2, attempts.length - 1, attempts.length].map((n) => n - extra(attempts)),
    );
    expect(metrics.counts['retried room-events reader']).toBe(attempts.at(-1)! - 1);
    expect(await buses.one.parked()).toEqual([]);
  });

  /** The time in a batch does not count as the message's own attempt. */
  function extra(attempts: readonly number[]): number {
    return attempts.length - attempts.at(-1)!;
  }

  it('parks poison at once, with its reason, and handles the rest', async () => {
    const reading = new Reading();
    let attempts = 0;
    const handler = failing(reading, '!a:x', 3, () => {
      attempts++;
      return new PoisonError('no such event type');
    });
    await buses.other.consume(reader({ durable: 'push', maxBatch: 1 }), handler);
    await buses.one.publishAll(roomStream(), conversation(['!a:x'], 1, 5));
    await until('the rest is read', () => reading.total >= 4);
    expect(reading.room('!a:x')).toEqual([1, 2, 4, 5]);
    expect(attempts).toBe(1);
    await until('it is parked', async () => (await buses.one.parked()).length > 0);
    const [parked, ...others] = await buses.one.parked();
    expect(others).toEqual([]);
    expect(parked).toMatchObject({
      stream: 'room-events',
      durable: 'push',
      subject: expect.stringMatching(/^room-events\.[0-3]$/),
      reason: 'poison',
      detail: 'PoisonError: no such event type',
      attempts: 1,
    });
    expect(roomStream().codec.decode(parked!.payload)).toEqual({ room: '!a:x', seq: 3 });
    expect(metrics.counts['parked room-events push poison']).toBe(1);
    expect(metrics.counts['retried room-events push']).toBeUndefined();
  });

  it('parks what any error calls permanent', async () => {
    const reading = new Reading();
    const permanent = Object.assign(new Error('refused'), { permanent: true });
    await buses.other.consume(
      reader(),
      failing(reading, '!a:x', 1, () => permanent),
    );
    await buses.one.publishAll(roomStream(), conversation(['!a:x'], 1, 2));
    await until('the next is read', () => reading.total === 1);
    await until('it is parked', () => metrics.counts['parked room-events reader poison'] === 1);
  });

  it('parks what failed temporarily too often, with a reason of its own', async () => {
    const reading = new Reading();
    const attempts: number[] = [];
    const handler = failing(reading, '!a:x', 1, (attempt) => {
      attempts.push(attempt);
      return new Error('still away\n    at secret/path.js:1');
    });
    await buses.other.consume(reader({ maxBatch: 1, maxAttempts: 3 }), handler);
    await buses.one.publishAll(roomStream(), conversation(['!a:x'], 1, 3));
    await until('the rest is read', () => reading.total >= 2);
    expect(attempts).toEqual([1, 2, 3]);
    expect(reading.room('!a:x')).toEqual([2, 3]);
    await until('it is parked', async () => (await buses.one.parked()).length > 0);
    expect(await buses.one.parked()).toMatchObject([{ reason: 'exhausted', attempts: 3 }]);
    expect(metrics.counts['retried room-events reader']).toBe(2);
    expect(metrics.counts['parked room-events reader exhausted']).toBe(1);
  });

  it('keeps stacks out of the reason', async () => {
    const failure = new PoisonError('bad');
    await buses.other.consume(reader(), () => Promise.reject(failure));
    await buses.one.publishAll(roomStream(), conversation(['!a:x'], 1, 1));
    await until('it is parked', async () => (await buses.one.parked()).length > 0);
    const [parked] = await buses.one.parked();
    expect(parked?.detail).toBe('PoisonError: bad');
  });

  it('does not let one bad message spoil its batch', async () => {
    const reading = new Reading();
    const held = Promise.withResolvers<void>();
    const handler = failing(reading, '!b:x', 7, () => new PoisonError('bad'));
    await buses.other.consume(reader(), async (batch) => {
      await held.promise;
      await handler(batch);
    });
    const rooms = ['!a:x', '!b:x', '!c:x'];
    await buses.one.publishAll(roomStream(), conversation(rooms, 1, 10));
    held.resolve();
    await until('the rest is read', () => reading.total >= 29);
    expect(reading.room('!a:x')).toEqual(range(1, 10));
    expect(reading.room('!b:x')).toEqual(range(1, 10).filter((seq) => seq !== 7));
    expect(reading.room('!c:x')).toEqual(range(1, 10));
    expect(metrics.counts['parked room-events reader poison']).toBe(1);
  });

  it('survives a handler that throws at once and one that throws nothing in particular', async () => {
    const reading = new Reading();
    let failures = 0;
    await buses.other.consume(reader({ maxBatch: 1 }), (batch) => {
      if (failures++ === 0) throw undefined;
      return reading.handler(batch);
    });
    await buses.one.publishAll(roomStream(), conversation(['!a:x'], 1, 3));
    await until('all is read', () => reading.total >= 3);
    expect(reading.room('!a:x')).toEqual([1, 2, 3]);
  });

  it('counts what it does', async () => {
    const reading = new Reading();
    await buses.other.consume(reader(), reading.handler);
    await buses.one.publishAll(roomStream(), conversation(['!a:x', '!b:x'], 1, 25));
    await until('all is read', () => metrics.counts['delivered room-events reader'] === 50);
    await until('nothing is left', () => metrics.counts['lag room-events reader'] === 0);
    expect(metrics.counts['published room-events']).toBe(50);
  });
}
