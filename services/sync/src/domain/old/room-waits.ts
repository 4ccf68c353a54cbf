import type { AppendBatch } from '../append-batch.js';

/** Who waits for something to be said in a room that they need not be in. */
export class RoomWaits {
  readonly #waiting = new Map<number, Set<() => void>>();

  /** Everything may be otherwise now. */
  begin(): void {
    for (const nid of [...this.#waiting.keys()]) this.#wake(nid);
  }

  apply({ events }: Pick<AppendBatch, 'events'>): void {
    for (const { roomNid } of events) this.#wake(roomNid);
  }

  /** What `wait` is to be called on is begun before it is looked whether there is something. */
  watch(roomNid: number) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const ofRoom = this.#waiting.get(roomNid) ?? new Set();
    this.#waiting.set(roomNid, ofRoom.add(resolve));
    const forget = () => {
      ofRoom.delete(resolve);
      if (ofRoom.size === 0 && this.#waiting.get(roomNid) === ofRoom) this.#waiting.delete(roomNid);
    };
    return {
      forget,
      /** Resolves when something has happened since, after a while, or when the signal is aborted. */
      async wait(milliseconds: number, signal: AbortSignal): Promise<void> {
        const timer = setTimeout(resolve, milliseconds);
        const end = () => resolve();
        signal.addEventListener('abort', end, { once: true });
        if (signal.aborted) resolve();
        await promise;
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        forget();
      },
    };
  }

  #wake(roomNid: number): void {
    const waiting = this.#waiting.get(roomNid);
    this.#waiting.delete(roomNid);
    for (const resolve of waiting ?? []) resolve();
  }
}
