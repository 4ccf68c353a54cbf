import { ROOT_CONTEXT } from '@opentelemetry/api';
import type { BatchHandler } from '../src/bus.js';
import { Dispatcher } from '../src/dispatch/dispatcher.js';
import { Item } from '../src/dispatch/item.js';
import { environmentOf } from '../src/options.js';
import { type RoomEvent, range, reader, until } from './support.js';

type EventItem = Item<RoomEvent>;

/** A dispatcher whose dead letters can be out of order. */
class Bench {
  readonly settled: string[] = [];
  readonly parked: string[] = [];
  parkingFails = 0;
  readonly dispatcher: Dispatcher<RoomEvent, EventItem>;

  constructor(handler: BatchHandler<RoomEvent>) {
    this.dispatcher = new Dispatcher(reader({ maxAttempts: 2, backoffMs: [5] }), handler, this, environmentOf({}));
  }

  push(room: string, seq: number, change: (item: EventItem) => void = () => {}): void {
    const item = new Item({ room, seq }, ROOT_CONTEXT);
    change(item);
    this.dispatcher.push(item);
  }

  settle(items: readonly EventItem[]): void {
    for (const { message } of items) this.settled.push(`${message.room}${message.seq}`);
  }

  async park({ message }: EventItem, { reason }: { reason: string }): Promise<void> {
    if (this.parkingFails-- > 0) throw new Error('the dead letters are away');
    this.parked.push(`${message.room}${message.seq} ${reason}`);
  }
}

describe('Dispatcher', () => {
  it('tries to park again what could not be parked, while others go on', async () => {
    const bench = new Bench(async () => {});
    bench.parkingFails = 2;
    bench.push('a', 1, (item) => {
      item.defect = { reason: 'undecodable', detail: '' };
    });
    bench.push('b', 1);
    await until('all is settled', () => bench.settled.length === 2);
    expect(bench.settled).toEqual(['b1', 'a1']);
    expect(bench.parked).toEqual(['a1 undecodable']);
    expect(bench.dispatcher.size).toBe(0);
  });

  it('hands over alone what is under suspicion, in its place', async () => {
    const batches: number[][] = [];
    const bench = new Bench(async (batch) => {
      batches.push(batch.map(({ message }) => message.seq));
    });
    for (const seq of range(1, 6)) {
      bench.push('a', seq, (item) => {
        item.alone = seq === 3;
      });
    }
    await until('all is settled', () => bench.settled.length === 6);
    expect(batches).toEqual([[1, 2], [3], [4, 5, 6]]);
  });

  it('withdraws what the test picks and nothing else', async () => {
    const handled: string[] = [];
    const bench = new Bench(async (batch) => {
      for (const { message } of batch) handled.push(`${message.room}${message.seq}`);
    });
    for (const seq of range(1, 3)) {
      bench.push('keep', seq);
      bench.push('drop', seq);
    }
    await bench.dispatcher.withdraw(({ message }) => message.room === 'drop');
    await until('the rest is settled', () => bench.settled.length === 3);
    expect(handled).toEqual(['keep1', 'keep2', 'keep3']);
    expect(bench.dispatcher.size).toBe(0);
  });

  it('survives messages whose key cannot be told', async () => {
    const parked: string[] = [];
    const consumer = {
      ...reader({ maxAttempts: 2, backoffMs: [1] }),
      key: (): string => {
        throw new TypeError('no key');
      },
    };
    const settlement = {
      settle: () => {},
      park: async ({ message }: EventItem) => {
        parked.push(message.room);
      },
    };
    const handler = () => Promise.reject(new Error('never'));
    const dispatcher = new Dispatcher<RoomEvent, EventItem>(consumer, handler, settlement, environmentOf({}));
    for (const room of ['a', 'b', 'c']) dispatcher.push(new Item({ room, seq: 1 }, ROOT_CONTEXT));
    await until('all are parked', () => parked.length === 3);
    expect(parked).toEqual(['a', 'b', 'c']);
  });
});
