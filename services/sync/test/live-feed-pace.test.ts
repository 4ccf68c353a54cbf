import { setImmediate } from 'node:timers/promises';
import { jest } from '@jest/globals';
import type { AppendBatch } from '../src/domain/append-batch.js';
import { Announcements } from '../src/domain/feed/announcements.js';
import { type FeedSource, LiveFeed } from '../src/domain/feed/live-feed.js';
import type { Head, ReadModel } from '../src/domain/ports/read-model.js';
import { NOTHING } from './support/batches.js';

/** A database and a bus, which tell a feed what the test says. */
class World {
  head: Head = { position: 100, epoch: 1 };
  connected = true;
  /** How often what was missed was read. */
  reads = 0;
  /** The positions up to which the views were told, or at which they began anew, as `=`. */
  readonly told: string[] = [];
  hear: (batch: AppendBatch) => void = () => {};
  /** Resolves when what was missed has been read. */
  reading = async () => {};
  readonly feed: LiveFeed;

  constructor() {
    const model: Partial<ReadModel> = {
      head: async () => this.head,
      batchesAbove: async (above) => {
        this.reads += 1;
        const { position } = this.head;
        await this.reading();
        return above < position ? this.batch(above, position) : undefined;
      },
    };
    const follower = {
      begin: (position: number | undefined) => this.told.push(`=${position}`),
      apply: ({ position }: AppendBatch) => this.told.push(`${position}`),
    };
    const announcements = new Announcements({ heard: true, unread: async () => [] });
    this.feed = new LiveFeed(this.#source(), model as ReadModel, [announcements, follower], Infinity);
  }

  #source(): FeedSource {
    const world = this;
    return {
      get connected() {
        return world.connected;
      },
      listen: async (onBatch) => {
        this.hear = onBatch;
        return async () => {};
      },
      onReset: () => () => {},
    };
  }

  batch(previousPosition: number, position: number, epoch = 1): AppendBatch {
    return { ...NOTHING, previousPosition, position, epoch };
  }

  /** Commits some positions; what is answered tells of them on the bus. */
  append(positions = 1): () => void {
    const { position, epoch } = this.head;
    this.head = { position: position + positions, epoch };
    return () => this.hear(this.batch(position, position + positions, epoch));
  }

  async seconds(count: number): Promise<void> {
    for (let second = 0; second < count * 4; second++) {
      jest.advanceTimersByTime(250);
      await setImmediate();
    }
  }
}

describe('a replica that follows what is appended', () => {
  let world: World;
  beforeEach(async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    world = new World();
    await world.feed.use(async () => {});
  });
  afterEach(async () => {
    jest.useRealTimers();
    await world.feed.stop();
  });

  it('reads nothing of it while it hears everything, although the database is ahead at each look', async () => {
    for (let round = 0; round < 10; round++) {
      const broadcast = world.append();
      await world.seconds(1);
      broadcast();
    }
    expect([world.reads, world.feed.position]).toEqual([0, 110]);
  });

  it('reads what it has not heard by the next look', async () => {
    world.append(3);
    await world.seconds(1);
    expect(world.reads).toBe(0);
    await world.seconds(1);
    expect([world.reads, world.feed.position]).toEqual([1, 103]);
  });

  it('reads at the first look while it hears nothing', async () => {
    world.connected = false;
    world.append(3);
    await world.seconds(1);
    expect([world.reads, world.feed.position]).toEqual([1, 103]);
  });

  it('reads at once what is missing before something that it hears, and goes on with what comes meanwhile', async () => {
    const read = Promise.withResolvers<void>();
    world.reading = () => read.promise;
    world.append();
    world.append()();
    await setImmediate();
    for (const broadcast of [world.append(), world.append()]) broadcast();
    read.resolve();
    await setImmediate();
    expect([world.reads, world.feed.position]).toEqual([1, 104]);
    world.append()();
    expect([world.reads, world.feed.position]).toEqual([1, 105]);
  });

  it('reads once more when a gap remains', async () => {
    world.append();
    const first = world.append();
    world.reading = async () => {
      world.reading = async () => {};
      world.append();
      world.append()();
    };
    first();
    await setImmediate();
    expect([world.reads, world.feed.position]).toEqual([2, 104]);
  });

  it('waits a moment for a position that is on its way, before it reads', async () => {
    const broadcast = world.append();
    const reached = world.feed.reach(101);
    await setImmediate();
    broadcast();
    await reached;
    expect([world.reads, world.feed.position]).toEqual([0, 101]);
    world.append();
    const read = world.feed.reach(102);
    await setImmediate();
    jest.advanceTimersByTime(100);
    await read;
    expect([world.reads, world.feed.position]).toEqual([1, 102]);
  });

  describe('begins anew when the database was taken back to an earlier state', () => {
    beforeEach(() => {
      world.append(10)();
      world.told.splice(0);
    });

    it('which it sees at a look', async () => {
      world.head = { position: 105, epoch: 2 };
      await world.seconds(1);
      expect([world.told, world.feed.position]).toEqual([['=105'], 105]);
    });

    it('which it hears, also when what comes next has gone further already', () => {
      world.head = { position: 120, epoch: 2 };
      world.hear(world.batch(105, 120, 2));
      expect([world.told, world.feed.position]).toEqual([['=120'], 120]);
      world.append()();
      expect(world.told).toEqual(['=120', '121']);
    });

    it('and not when an appender takes over, nor when it hears again what it has read', async () => {
      world.head = { position: 110, epoch: 2 };
      const broadcast = world.append();
      const read = world.feed.reach(111);
      await setImmediate();
      jest.advanceTimersByTime(100);
      await read;
      broadcast();
      world.append()();
      expect(world.told).toEqual(['111', '112']);
    });
  });
});
