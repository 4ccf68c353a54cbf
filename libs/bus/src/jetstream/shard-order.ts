import type { LiveMessage, StoredMessage } from './stored-message.js';

const AHEAD_BYTES = 2 ** 21;

/**
 * Puts what is heard live and what is read from the store into the one order that the shard has: each message names the
 * one before it, so a gap shows, and is filled from the store.
 */
export class ShardOrder {
  /** Everything of the shard up to this place was accepted. */
  #read = 0;
  /** The stream is known to reach up to here. */
  #known = 0;
  /** What was heard and comes after what is missing, or waits for room; sorted. */
  #ahead: LiveMessage[] = [];
  #aheadBytes = 0;

  get read(): number {
    return this.#read;
  }

  get known(): number {
    return this.#known;
  }

  /** Whether the store may have messages that were not accepted. */
  get behind(): boolean {
    return this.#read < this.#known;
  }

  /** Begins behind a place, with nothing known of what follows. */
  startAt(read: number): void {
    this.#read = read;
    this.#known = 0;
    this.#ahead = [];
    this.#aheadBytes = 0;
  }

  /** The stream reaches up to that place. */
  reaches(sequence: number): void {
    this.#known = Math.max(this.#known, sequence);
  }

  /** @returns false when it belongs to what was accepted already, which a stream says only once */
  hear(message: LiveMessage): boolean {
    if (message.sequence <= this.#read) return false;
    this.reaches(message.sequence);
    // What there is no room for is read from the store later.
    if (this.#aheadBytes + message.data.length > AHEAD_BYTES && this.#ahead.length > 0) return true;
    const last = this.#ahead.at(-1);
    if (last && last.sequence >= message.sequence) return true;
    this.#ahead.push(message);
    this.#aheadBytes += message.data.length;
    return true;
  }

  /** Takes the next message, if it is here and nothing is missing before it. */
  takeHeard(): StoredMessage | undefined {
    this.#dropAccepted();
    const [next] = this.#ahead;
    if (!next || next.previous > this.#read) return undefined;
    this.#read = next.sequence;
    this.#dropAccepted();
    return next;
  }

  /** Accepts what the store has next. @returns false when it was accepted meanwhile */
  takeStored(message: StoredMessage): boolean {
    if (message.sequence <= this.#read) return false;
    this.#read = message.sequence;
    this.reaches(message.sequence);
    return true;
  }

  /** The store has nothing of the shard up to that place that was not accepted. */
  nothingUpTo(sequence: number): void {
    this.#read = Math.max(this.#read, sequence);
  }

  #dropAccepted(): void {
    let accepted = 0;
    for (const { sequence, data } of this.#ahead) {
      if (sequence > this.#read) break;
      this.#aheadBytes -= data.length;
      accepted++;
    }
    if (accepted > 0) this.#ahead.splice(0, accepted);
  }
}
