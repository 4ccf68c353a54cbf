import { LRUCache } from 'lru-cache';
import type { DeviceSighting, DeviceStore } from './ports.js';

const ONCE_IN_MS = 60_000;
const MAX_DEVICES = 100_000;
const MAX_USER_AGENT = 500;

/** Where a device was seen. */
export interface Whereabouts {
  readonly address?: string | undefined;
  readonly userAgent?: string | undefined;
}

/** Notes when devices were last seen: at most once a minute for each, and many in one write. */
export class LastSeen {
  readonly #recent = new LRUCache<string, true>({ maxSize: MAX_DEVICES, sizeCalculation: () => 1, ttl: ONCE_IN_MS });
  #sightings: DeviceSighting[] = [];

  constructor(private readonly store: DeviceStore) {}

  /** @param from where a request of the device came from, as far as it is known */
  record(userId: string, deviceId: string, from: Whereabouts = {}): void {
    const key = `${userId}\0${deviceId}`;
    if (this.#recent.has(key)) return;
    this.#recent.set(key, true);
    const userAgent = from.userAgent?.replaceAll('\0', '').slice(0, MAX_USER_AGENT);
    this.#sightings.push({ userId, deviceId, seenMs: Date.now(), address: from.address, userAgent });
  }

  /** Writes what was noted since the last time. */
  async flush(): Promise<void> {
    if (this.#sightings.length === 0) return;
    const sightings = this.#sightings;
    this.#sightings = [];
    await this.store.recordSeen(sightings);
  }
}
