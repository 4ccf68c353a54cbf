import type { TimelineEvent } from '../timeline-event.js';
import type { Hole } from './earlier-history.js';
import { type HistoryToken, isLive } from './history-token.js';
import type { Walk } from './room-walk.js';

const CREATE = 'm.room.create';

/** Notes where something may be missing on a walk backwards: each event is one deeper than what it follows. */
export class Holes {
  readonly #matters: boolean;
  #depth: number | undefined;
  #isAtBeginning = false;
  #first: Hole | undefined;

  constructor({ access, direction, to }: Walk, start: HistoryToken) {
    this.#matters = direction === 'backwards' && access.goesOn && !isLive(start) && to === undefined;
    // Of the end of the room it is not known how deep it is.
    if (!isLive(start) && start.key.depth < Number.MAX_SAFE_INTEGER) this.#depth = start.key.depth;
  }

  /** The first of those between events that were passed. */
  get first(): Hole | undefined {
    return this.#first;
  }

  pass({ place: { depth }, text }: TimelineEvent): void {
    if (this.#matters && this.#depth !== undefined && this.#depth - depth > 1) {
      this.#first ??= { above: this.#depth, below: depth };
    }
    this.#depth = depth;
    this.#isAtBeginning = text.type === CREATE;
  }

  /** When nothing comes any more: unless that is because the room begins here. */
  atEnd(): Hole | undefined {
    if (!this.#matters || this.#isAtBeginning) return undefined;
    return { above: this.#depth ?? Number.MAX_SAFE_INTEGER, below: -1 };
  }
}
