import { setImmediate } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { Gatherer } from '../src/gatherer.js';

const EVERY_MS = 250;

describe('what is gathered', () => {
  let rounds: (readonly number[])[];
  let deliver: (items: readonly number[]) => Promise<void>;
  let gatherer: Gatherer<number>;
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    rounds = [];
    deliver = async (items) => {
      rounds.push(items);
    };
    gatherer = new Gatherer(EVERY_MS, (items) => deliver(items));
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  async function pass(ms: number): Promise<void> {
    jest.advanceTimersByTime(ms);
    await setImmediate();
  }

  it('is delivered at once after a pause, and then together, in its order', async () => {
    const all = [gatherer.add(1), gatherer.add(2)];
    await pass(0);
    expect(rounds).toEqual([[1, 2]]);
    all.push(gatherer.add(3));
    await pass(100);
    all.push(gatherer.add(4));
    await pass(149);
    expect(rounds).toEqual([[1, 2]]);
    await pass(1);
    expect(rounds).toEqual([
      [1, 2],
      [3, 4],
    ]);
    await Promise.all(all);
    await pass(10 * EVERY_MS);
    await Promise.all([gatherer.add(5), pass(0)]);
    expect(rounds).toHaveLength(3);
  });

  it('waits for what is being delivered, however long that takes', async () => {
    const slow = Promise.withResolvers<void>();
    deliver = async (items) => {
      rounds.push(items);
      await slow.promise;
    };
    const first = gatherer.add(1);
    await pass(0);
    const second = gatherer.add(2);
    await pass(10 * EVERY_MS);
    expect(rounds).toEqual([[1]]);
    slow.resolve();
    await first;
    for (let turn = 0; turn < 3; turn++) await pass(0);
    await second;
    expect(rounds).toEqual([[1], [2]]);
  });

  it('goes in rounds of no more than may be in one, in its order', async () => {
    gatherer = new Gatherer(EVERY_MS, (items) => deliver(items), 2);
    const all = [1, 2, 3, 4, 5].map((item) => gatherer.add(item));
    await pass(0);
    expect(rounds).toEqual([[1, 2]]);
    await pass(EVERY_MS);
    all.push(gatherer.add(6));
    await pass(EVERY_MS);
    await Promise.all(all);
    expect(rounds).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
  });

  it('fails for those whose round failed, and goes on for the others', async () => {
    deliver = async ([item]) => {
      if (item === 1) throw new Error('away');
    };
    const failed = gatherer.add(1);
    const expected = expect(failed).rejects.toThrow('away');
    await pass(0);
    await expected;
    const next = gatherer.add(2);
    await pass(EVERY_MS);
    await next;
  });
});
