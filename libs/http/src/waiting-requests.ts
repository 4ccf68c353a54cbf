import type { Requester } from './authentication.js';

/** One request that waits. */
export interface Waiting {
  readonly token: string;
  /** Settles it with an error. */
  end(error: Error): void;
}

/** A device, by whom and by which name it is known. */
type DeviceKey = Pick<Requester, 'userId' | 'deviceId'>;

/** The requests of this process that wait, by device. */
export class WaitingRequests {
  readonly #waiting = new Map<string, Set<Waiting>>();

  get all(): Waiting[] {
    return [...this.#waiting.values()].flatMap((requests) => [...requests]);
  }

  of(device: DeviceKey): Waiting[] {
    return [...(this.#waiting.get(nameOf(device)) ?? [])];
  }

  /** Settles as the work does, or with the error that it is ended with. `begun` is called as soon as it can be. */
  async until<T>(device: DeviceKey, token: string, work: Promise<T>, begun: (waiting: Waiting) => void): Promise<T> {
    const { promise: ended, reject } = Promise.withResolvers<never>();
    const waiting = { token, end: reject };
    this.#add(nameOf(device), waiting);
    begun(waiting);
    try {
      return await Promise.race([ended, work]);
    } finally {
      this.#remove(nameOf(device), waiting);
    }
  }

  #add(device: string, waiting: Waiting): void {
    const known = this.#waiting.get(device);
    if (known) known.add(waiting);
    else this.#waiting.set(device, new Set([waiting]));
  }

  #remove(device: string, waiting: Waiting): void {
    const known = this.#waiting.get(device);
    known?.delete(waiting);
    if (known?.size === 0) this.#waiting.delete(device);
  }
}

function nameOf({ userId, deviceId }: DeviceKey): string {
  return `${userId} ${deviceId}`;
}
