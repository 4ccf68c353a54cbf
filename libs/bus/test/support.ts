import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Bus,
  type BusMetrics,
  type BusOptions,
  type ConsumerDefinition,
  type Delivery,
  jsonCodec,
  type OutgoingMessage,
  type StreamDefinition,
} from '../src/index.js';

/** What the tests send: the nth event of a room. */
export interface RoomEvent {
  readonly room: string;
  readonly seq: number;
}

const eventCodec = jsonCodec<RoomEvent>((input) => {
  const { room, seq } = input as Partial<RoomEvent>;
  if (typeof room !== 'string' || typeof seq !== 'number') throw new TypeError('not an event of a room');
  return { room, seq };
});

export function roomStream(overrides: Partial<StreamDefinition<RoomEvent>> = {}): StreamDefinition<RoomEvent> {
  return { name: 'room-events', shards: 4, codec: eventCodec, maxAgeMs: 3_600_000, ...overrides };
}

export function reader(overrides: Partial<ConsumerDefinition<RoomEvent>> = {}): ConsumerDefinition<RoomEvent> {
  return {
    stream: roomStream(),
    durable: 'reader',
    maxBatch: 50,
    maxAttempts: 3,
    backoffMs: [10, 20],
    key: ({ room }) => room,
    ...overrides,
  };
}

/** Events `from` to `to` of some rooms, the rooms taking turns. */
export function conversation(rooms: readonly string[], from: number, to: number): OutgoingMessage<RoomEvent>[] {
  const events: OutgoingMessage<RoomEvent>[] = [];
  for (let seq = from; seq <= to; seq++) {
    for (const room of rooms) events.push({ message: { room, seq }, key: room });
  }
  return events;
}

/** Remembers what it was given, room by room. */
export class Reading {
  readonly #rooms = new Map<string, number[]>();
  readonly batches: (readonly Delivery<RoomEvent>[])[] = [];

  readonly handler = async (batch: readonly Delivery<RoomEvent>[]): Promise<void> => {
    this.batches.push(batch);
    for (const { message } of batch) this.add(message);
  };

  add({ room, seq }: RoomEvent): void {
    const seqs = this.#rooms.get(room) ?? [];
    seqs.push(seq);
    this.#rooms.set(room, seqs);
  }

  room(room: string): readonly number[] {
    return this.#rooms.get(room) ?? [];
  }

  get total(): number {
    return [...this.#rooms.values()].reduce((sum, seqs) => sum + seqs.length, 0);
  }
}

export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

const PATIENCE_MS = 20_000;

/** Looks again and again until it is true; says what never came about. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`never happened: ${what}`);
    await sleep(5);
  }
}

/** Counts what the bus says that it does. */
export class CountedMetrics implements BusMetrics {
  readonly counts: Record<string, number> = {};

  published = (stream: string, count: number) => this.#add(`published ${stream}`, count);
  refused = (stream: string) => this.#add(`refused ${stream}`, 1);
  delivered = (stream: string, durable: string, count: number) => this.#add(`delivered ${stream} ${durable}`, count);
  retried = (stream: string, durable: string) => this.#add(`retried ${stream} ${durable}`, 1);
  parked = (stream: string, durable: string, reason: string) => this.#add(`parked ${stream} ${durable} ${reason}`, 1);
  lag = (stream: string, durable: string, messages: number) => {
    this.counts[`lag ${stream} ${durable}`] = messages;
  };

  #add(name: string, count: number): void {
    this.counts[name] = (this.counts[name] ?? 0) + count;
  }
}

/** A bus as two processes see it; within one process both are the same. */
export interface BusPair {
  readonly one: Bus;
  readonly other: Bus;
  close(): Promise<void>;
}

export type OpenBuses = (options?: BusOptions) => Promise<BusPair>;
