import { setTimeout as sleep } from 'node:timers/promises';
import { type Bus, BusUnavailableError, type Delivery } from '../../src/index.js';
import { type RoomEvent, roomStream } from '../support.js';

/** The owner's truth: which events each room has. Commits first and publishes then, as often as it takes. */
export class Owner {
  readonly #rooms = new Map<string, number>();
  readonly #bus: Bus;

  constructor(bus: Bus, rooms: readonly string[]) {
    this.#bus = bus;
    for (const room of rooms) this.#rooms.set(room, 0);
  }

  get rooms(): string[] {
    return [...this.#rooms.keys()];
  }

  last(room: string): number {
    return this.#rooms.get(room) ?? 0;
  }

  /** Commits one event to each room. */
  async turn(): Promise<void> {
    const messages = this.rooms.map((room) => {
      const seq = this.last(room) + 1;
      this.#rooms.set(room, seq);
      return { message: { room, seq }, key: room, id: `${room}#${seq}` };
    });
    while (true) {
      try {
        return await this.#bus.publishAll(roomStream(), messages);
      } catch (error) {
        if (!(error instanceof BusUnavailableError)) throw error;
        await sleep(20);
      }
    }
  }
}

/** An idempotent consumer: knows where it is in each room, drops repetitions and fills gaps from the owner's log. */
export class Timeline {
  readonly #owner: Owner;
  readonly applied = new Map<string, number[]>();
  /** Every first delivery, gaps included. */
  readonly heard = new Map<string, number[]>();
  repeated = 0;
  filled = 0;

  constructor(owner: Owner) {
    this.#owner = owner;
    for (const room of owner.rooms) {
      this.applied.set(room, []);
      this.heard.set(room, []);
    }
  }

  readonly handler = async (batch: readonly Delivery<RoomEvent>[]): Promise<void> => {
    await new Promise(setImmediate);
    for (const { message } of batch) this.#hear(message);
  };

  /** After a reset: everything that the owner knows. */
  catchUp(): void {
    for (const [room, events] of this.applied) this.#fill(room, events, this.#owner.last(room));
  }

  get complete(): boolean {
    return this.#owner.rooms.every((room) => this.applied.get(room)?.length === this.#owner.last(room));
  }

  #hear({ room, seq }: RoomEvent): void {
    const heard = this.heard.get(room) ?? [];
    if (heard.includes(seq)) this.repeated++;
    else heard.push(seq);
    const events = this.applied.get(room) ?? [];
    this.#fill(room, events, seq - 1);
    if (events.length === seq - 1) events.push(seq);
  }

  #fill(_room: string, events: number[], upTo: number): void {
    while (events.length < upTo) {
      events.push(events.length + 1);
      this.filled++;
    }
  }
}
