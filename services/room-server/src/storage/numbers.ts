import type { Queryable } from '@ganglion/database';

const BLOCK = 1000;

/**
 * Numbers for rooms, events and states, taken from one sequence in blocks, so that the hot path asks the database once in a
 * thousand. They say nothing about order: what is left of a block when the process dies is never used.
 */
export class Numbers {
  #next = 0;
  #end = 0;
  #refill: Promise<void> | undefined;

  constructor(private readonly db: Queryable) {}

  /** Makes sure that `count` numbers can be taken without waiting. */
  async reserve(count: number): Promise<void> {
    if (count > BLOCK) throw new RangeError(`${count} numbers are more than a block`);
    while (this.#end - this.#next < count) {
      this.#refill ??= this.#fill().finally(() => {
        this.#refill = undefined;
      });
      await this.#refill;
    }
  }

  /** @throws RangeError when not enough were reserved */
  take(): number {
    if (this.#next >= this.#end) throw new RangeError('no number is reserved');
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
