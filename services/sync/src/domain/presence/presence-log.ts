import type { AppendBatch } from '../append-batch.js';
import type { PresenceRow } from './presence.js';

const MAX_ROWS = 20_000;

/** What a replica has heard lately of how reachable people are, so that telling what changed asks no database. */
export class PresenceLog {
  /** By position. */
  #rows: PresenceRow[] = [];
  /** Nothing is missing above this position. */
  #startsAfter = Number.POSITIVE_INFINITY;

  begin(position: number | undefined): void {
    this.#rows = [];
    this.#startsAfter = position ?? Number.POSITIVE_INFINITY;
  }

  apply({ presence }: Pick<AppendBatch, 'presence'>): void {
    this.#rows.push(...presence);
    if (this.#rows.length <= 2 * MAX_ROWS) return;
    const cut = this.#rows.length - MAX_ROWS;
    this.#startsAfter = this.#rows[cut - 1]!.position;
    this.#rows = this.#rows.slice(cut);
  }

  covers(position: number): boolean {
    return position >= this.#startsAfter;
  }

  /** Above one position and up to another. */
  between(above: number, upTo: number): PresenceRow[] {
    const first = this.#rows.findLastIndex(({ position }) => position <= above) + 1;
    return this.#rows.slice(first).filter(({ position }) => position <= upTo);
  }
}
