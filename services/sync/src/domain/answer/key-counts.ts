import type { DeviceKeyCounts, DeviceName, KeyCounts as KeyCountsRpc } from '@ganglion/contracts/keys';
import { LRUCache } from 'lru-cache';

const MAX_DEVICES = 50_000;
/** A broadcast may be lost: nobody is told a wrong number for longer. */
const BELIEVED_MS = 10_000;

/** The keys that devices have left, as every answer of /sync tells them; counted again when they may have changed. */
export class KeyCounts {
  readonly #counted = new LRUCache<string, { readonly text: Promise<string> }>({
    maxSize: MAX_DEVICES,
    sizeCalculation: () => 1,
    ttl: BELIEVED_MS,
  });

  constructor(private readonly keys: KeyCountsRpc) {}

  /** These devices have more or fewer keys than before. */
  changed(devices: readonly DeviceName[]): void {
    for (const device of devices) this.#counted.delete(nameOf(device));
  }

  /**
   * The answer with what the device has left; as it is when that cannot be counted now.
   *
   * @see https://spec.matrix.org/v1.19/client-server-api/#e2e-extensions-to-sync
   */
  async addTo(answer: string, device: DeviceName): Promise<string> {
    const text = await this.#textOf(device).catch(() => undefined);
    return text === undefined ? answer : `${answer.slice(0, -1)},${text}}`;
  }

  #textOf({ userId, deviceId }: DeviceName): Promise<string> {
    const name = nameOf({ userId, deviceId });
    const known = this.#counted.get(name);
    if (known !== undefined) return known.text;
    const counting = { text: this.keys.countKeys({ devices: [{ userId, deviceId }] }).then(countsText) };
    this.#counted.set(name, counting);
    counting.text.catch(() => this.#counted.get(name) === counting && this.#counted.delete(name));
    return counting.text;
  }
}

function nameOf({ userId, deviceId }: DeviceName): string {
  return `${userId} ${deviceId}`;
}

function countsText({ counts: [counts] }: { readonly counts: readonly DeviceKeyCounts[] }): string {
  const { oneTimeKeys = [], unusedFallbackAlgorithms = [] } = counts ?? {};
  const byAlgorithm = Object.fromEntries(oneTimeKeys.map(({ algorithm, count }) => [algorithm, count]));
  return [
    `"device_one_time_keys_count":${JSON.stringify(byAlgorithm)}`,
    `"device_unused_fallback_key_types":${JSON.stringify(unusedFallbackAlgorithms)}`,
  ].join();
}
