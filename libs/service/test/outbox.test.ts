import {
  BusUnavailableError,
  createEmbeddedBus,
  jsonCodec,
  MessageTooLargeError,
  type OutgoingMessage,
} from '@ganglion/bus';
import { createLogger } from '@ganglion/telemetry';
import { OutboxPublisher, OutboxSweeper, type WholeOutbox } from '../src/index.js';

interface Change {
  readonly of: string;
  readonly seq: number;
}

const LOGGER = createLogger({ level: 'silent' });
const STREAM = { name: 'changes', shards: 4, codec: jsonCodec((input) => input as Change), maxAgeMs: 60_000 };

/** A table of changes, and a bus that may refuse some of them. */
class World {
  waiting: Change[] = [];
  readonly told: Change[] = [];
  /** What publishing a change fails with. */
  refuses: (change: Change) => Error | undefined = () => undefined;
  readonly bus = createEmbeddedBus();
  attempts = 0;

  constructor() {
    const publishAll = async (_: unknown, messages: readonly OutgoingMessage<Change>[]) => {
      this.attempts++;
      for (const { message } of messages) {
        const error = this.refuses(message);
        if (error) throw error;
      }
      this.told.push(...messages.map(({ message }) => message));
    };
    this.bus.publishAll = publishAll as typeof this.bus.publishAll;
    this.bus.publish = ((_, message, options) =>
      publishAll(_, [{ message, ...options }] as never)) as typeof this.bus.publish;
  }

  readonly outbox = {
    stream: STREAM,
    store: {
      leftBehind: async (_: number, limit: number, behind: Change | undefined) => {
        const start = behind === undefined ? 0 : this.waiting.findIndex((change) => isAfter(change, behind));
        return start < 0 ? [] : this.waiting.slice(start, start + limit);
      },
      remove: async (entries: readonly Change[]) => {
        this.waiting = this.waiting.filter((change) => !entries.some((told) => isSame(told, change)));
      },
    },
    keyOf: ({ of }) => of,
    seqOf: ({ seq }: Change) => seq,
    messagesOf: (change) => [{ key: change.of, id: `${change.of}/${change.seq}`, message: change }],
  } satisfies WholeOutbox<Change, Change>;

  leave(...keys: string[]): void {
    for (const of of keys) for (const seq of [1, 2, 3]) this.waiting.push({ of, seq });
  }

  toldOf(key: string): number[] {
    return this.told.filter(({ of }) => of === key).map(({ seq }) => seq);
  }
}

const isSame = (a: Change, b: Change) => a.of === b.of && a.seq === b.seq;
const isAfter = (a: Change, b: Change) => (a.of === b.of ? a.seq > b.seq : a.of > b.of);

describe('what was left behind in an outbox', () => {
  let world: World;
  const sweep = (page: number) => new OutboxSweeper(world.outbox, world.bus, LOGGER, { page }).sweep();
  beforeEach(() => {
    world = new World();
  });

  it.each([1, 2, 3, 100])('is told in order, %i entries at once, and forgotten', async (page) => {
    world.leave('a', 'b', 'c');
    await sweep(page);
    for (const key of ['a', 'b', 'c']) expect(world.toldOf(key)).toEqual([1, 2, 3]);
    expect(world.waiting).toEqual([]);
  });

  it.each([1, 2, 100])(
    'and cannot be told holds up what comes after it with its key, and nothing else, %i at once',
    async (page) => {
      world.leave('a', 'b', 'c');
      world.refuses = ({ of, seq }) => (of === 'b' && seq === 2 ? new Error('not this one') : undefined);
      await expect(sweep(page)).rejects.toThrow('1 keys of changes wait, as b');
      expect(['a', 'b', 'c'].map((key) => world.toldOf(key))).toEqual([[1, 2, 3], [1], [1, 2, 3]]);
      expect(world.waiting).toEqual([
        { of: 'b', seq: 2 },
        { of: 'b', seq: 3 },
      ]);
    },
  );

  it('and is too large for the bus is left to the log', async () => {
    world.leave('a');
    world.refuses = ({ seq }) => (seq === 2 ? new MessageTooLargeError(2_000_000, 1_000_000) : undefined);
    await sweep(100);
    expect(world.toldOf('a')).toEqual([1, 3]);
    expect(world.waiting).toEqual([]);
  });

  it('waits without a word for each while the bus is away', async () => {
    world.leave('a', 'b', 'c');
    world.refuses = ({ of }) => (of === 'b' ? new BusUnavailableError('away') : undefined);
    await expect(sweep(100)).rejects.toThrow('away');
    expect(world.attempts).toBe(4);
    expect(world.waiting[0]).toEqual({ of: 'b', seq: 1 });
    world.refuses = () => undefined;
    await sweep(100);
    for (const key of ['a', 'b', 'c']) expect(world.toldOf(key)).toEqual([1, 2, 3]);
  });
});

describe('changes that are told at once', () => {
  it('are told in their order, though those that came before are still under way', async () => {
    const world = new World();
    const publisher = new OutboxPublisher(world.outbox, world.bus, LOGGER);
    publisher.publish([{ of: 'a', seq: 1 }]);
    publisher.publish([{ of: 'a', seq: 3 }]);
    publisher.publish([{ of: 'a', seq: 2 }]);
    await publisher.drained();
    expect(world.toldOf('a')).toEqual([1, 2, 3]);
  });

  it('stay in the outbox when the bus is away, but for what is too large for any', async () => {
    const world = new World();
    world.leave('a');
    world.refuses = ({ seq }) =>
      seq === 1
        ? new MessageTooLargeError(2_000_000, 1_000_000)
        : seq === 3
          ? new BusUnavailableError('away')
          : undefined;
    const publisher = new OutboxPublisher(world.outbox, world.bus, LOGGER);
    for (const change of world.waiting) {
      publisher.publish([change]);
      await publisher.drained();
    }
    expect(world.waiting).toEqual([{ of: 'a', seq: 3 }]);
  });
});
