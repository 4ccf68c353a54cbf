import { LRUCache } from 'lru-cache';

import { type Command, RoomActor, type RoomActorDependencies } from './room-actor.js';

/** Bytes that a usual room takes. */
const USUAL_WEIGHT = 40_000;

/** The rooms this process has in memory. A busy one is never dropped: its commands must stay in one line. */
export class RoomActors {
  readonly #idle: LRUCache<string, RoomActor>;
  readonly #busy = new Map<string, { actor: RoomActor; commands: number }>();

  constructor(
    private readonly deps: RoomActorDependencies,
    maxLoaded: number,
  ) {
    const maxSize = maxLoaded * USUAL_WEIGHT;
    this.#idle = new LRUCache({ maxSize, sizeCalculation: ({ weight }) => Math.min(weight, maxSize) });
  }

  async run<T>(roomId: string, command: Command<T>): Promise<T> {
    const busy = this.#enter(roomId);
    try {
      return await busy.actor.run(command);
    } finally {
      this.#leave(roomId, busy);
    }
  }

  #enter(roomId: string): { actor: RoomActor; commands: number } {
    const known = this.#busy.get(roomId);
    const busy = known ?? { actor: this.#idle.get(roomId) ?? new RoomActor(roomId, this.deps), commands: 0 };
    if (known === undefined) this.#busy.set(roomId, busy);
    busy.commands += 1;
    return busy;
  }

  #leave(roomId: string, busy: { actor: RoomActor; commands: number }): void {
    busy.commands -= 1;
    if (busy.commands > 0) return;
    this.#busy.delete(roomId);
    this.#idle.set(roomId, busy.actor);
  }
}
