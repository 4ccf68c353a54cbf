import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@ganglion/testing';
import type { TypingChanges, TypingLists, TypingRow } from '../src/domain/typing-lists.js';
import { TypingNow } from '../src/domain/views/typing-now.js';
import { NOTHING } from './support/batches.js';

const row = (roomNid: number, position: number, ...users: string[]): TypingRow => ({
  ...{ roomNid, position },
  typing: users.map((userId) => ({ userId, untilMs: 1 })),
});

/** An appender that answers what the test says, and a feed that has come as far as it was told. */
class World {
  connected = true;
  asked = 0;
  answer: { position: number; lists: TypingLists } | undefined = { position: 10, lists: { from: 3, rows: [] } };
  gate: Promise<void> = Promise.resolve();
  readonly told: TypingRow[] = [];
  readonly typing: TypingNow;

  constructor() {
    const world = this;
    const source = {
      get connected() {
        return world.connected;
      },
      ask: async () => {
        this.asked += 1;
        await this.gate;
        return this.answer;
      },
      reach: async () => {},
    };
    this.typing = new TypingNow(source, (rows) => this.told.push(...rows));
  }

  batch(position: number, typing: TypingChanges | undefined): void {
    this.typing.apply({ ...NOTHING, previousPosition: position - 1, position, typing });
  }

  knows(position: number, ...rows: TypingRow[]): void {
    this.answer = { position, lists: { from: 3, rows } };
  }
}

describe('who is typing, at a replica', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });
  afterEach(() => world.typing.begin(undefined));

  it('is what the appender says when it begins to listen, and what it hears from then on', async () => {
    world.knows(10, row(1, 8, '@a'));
    world.typing.begin(10);
    await world.typing.settled();
    expect([world.typing.of(1), world.typing.from, world.told]).toEqual([row(1, 8, '@a'), 3, [row(1, 8, '@a')]]);
    world.batch(11, { rows: [row(1, 11, '@a', '@b')] });
    expect([world.typing.of(1), world.asked]).toEqual([row(1, 11, '@a', '@b'), 1]);
  });

  it('is asked for again after what the database told, which knows nothing of it', async () => {
    world.typing.begin(10);
    await world.typing.settled();
    world.batch(11, { rows: [row(1, 11, '@a'), row(2, 11, '@b')] });
    world.knows(20, row(2, 11, '@b'), row(3, 15, '@c'));
    world.batch(20, undefined);
    await world.typing.settled();
    expect([world.typing.of(1), world.typing.of(2), world.typing.of(3)]).toEqual([
      row(1, 20),
      row(2, 11, '@b'),
      row(3, 15, '@c'),
    ]);
    expect(world.asked).toBe(2);
  });

  it('is not what an appender says whose term is over', async () => {
    world.knows(9, row(1, 8, '@a'));
    world.typing.begin(10);
    await eventually(() => expect(world.asked).toBeGreaterThan(1));
    expect(world.typing.of(1)).toBeUndefined();
    world.knows(12, row(1, 11, '@b'));
    await world.typing.settled();
    expect(world.typing.of(1)).toEqual(row(1, 11, '@b'));
  });

  it('is asked for once more when something was missed while it was answered', async () => {
    const gate = Promise.withResolvers<void>();
    world.gate = gate.promise;
    world.typing.begin(10);
    world.batch(11, undefined);
    world.knows(11, row(1, 11, '@a'));
    gate.resolve();
    await world.typing.settled();
    expect([world.asked, world.typing.of(1)]).toEqual([2, row(1, 11, '@a')]);
  });

  it('is not waited for for long, and then told to who was answered without it', async () => {
    world.answer = undefined;
    world.typing.begin(10);
    await world.typing.settled();
    // It is not waited for again.
    const first = await Promise.race([world.typing.settled().then(() => 'settled'), sleep(400).then(() => 'slept')]);
    expect([first, world.typing.of(1)]).toEqual(['settled', undefined]);
    world.knows(10, row(1, 8, '@a'));
    await eventually(() => expect(world.typing.of(1)).toEqual(row(1, 11, '@a')));
  });

  it('is not waited for while nobody can be asked, and asked for when somebody can', async () => {
    world.connected = false;
    world.answer = undefined;
    world.typing.begin(10);
    await world.typing.settled();
    await sleep(300);
    expect(world.asked).toBe(1);
    world.connected = true;
    world.knows(10, row(1, 8, '@a'));
    world.typing.missed();
    await world.typing.settled();
    expect(world.typing.of(1)).toEqual(row(1, 8, '@a'));
  });

  it('is not asked for by a replica that sleeps', async () => {
    world.answer = undefined;
    world.typing.begin(10);
    await eventually(() => expect(world.asked).toBeGreaterThan(0));
    world.typing.begin(undefined);
    const { asked } = world;
    await sleep(300);
    expect(world.asked).toBe(asked);
  });
});
