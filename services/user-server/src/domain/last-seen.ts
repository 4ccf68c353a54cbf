import { LRUCache } from 'lru-cache';
import type { DeviceSighting, DeviceStore } from './ports.js';

const ONCE_IN_MS = 60_000;
const MAX_DEVICES = 100_000;

/** Notes when devices were last seen: at most once a minute for each, and many in one write. */
export class LastSeen {
  readonly #recent = new LRUCache<string, true>({ maxSize: MAX_DEVICES, sizeCalculation: () => 1, ttl: ONCE_IN_MS });
  #sightings: DeviceSighting[] = [];

  constructor(private readonly store: DeviceStore) {}

  record(userId: string, deviceId: string): void {
    const key = `${userId}\0${deviceId}`;
    if (this.#recent.has(key)) return;
    this.#recent.set(key, true);
    this.#sightings.push({ userId, deviceId, seenMs: Date.now() });
  }

  /** Writes what was noted since the last time. */
  async flush(): Promise<void> {
    if (this.#sightings.length === 0) return;
    const sightings = this.#sightings;
    this.#sightings = [];
    await this.store.recordSeen(sightings);
  }
}
