import type { Queryable } from '@ganglion/database';
import type { NumberSource } from '../domain/ports/rooms.js';

const BLOCK = 1000;

/**
 * Numbers for rooms, events and states, taken from one sequence in blocks, so that the hot path asks the database once in a
 * thousand. They say nothing about order: what is left of a block when the process dies is never used.
 */
export class Numbers implements NumberSource {
  #next = 0;
  #end = 0;
  #refill: Promise<void> | undefined;

  constructor(private readonly db: Queryable) {}

  async allocate(): Promise<number> {
    while (this.#next >= this.#end) {
      this.#refill ??= this.#fill().finally(() => {
        this.#refill = undefined;
      });
      await this.#refill;
    }
    return this.#next++;
  }

  async #fill(): Promise<void> {
    const { rows } = await this.db.query<{ first: number }>({
      name: 'next-nids',
      text: `SELECT nextval('room_server.nids') AS first`,
    });
    this.#next = rows[0]!.first;
    this.#end = this.#next + BLOCK;
  }
}
