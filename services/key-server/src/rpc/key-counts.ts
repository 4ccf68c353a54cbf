import type { CountKeysRequest, CountKeysResponse, KeyCounts as KeyCountsRpc } from '@ganglion/contracts/keys';
import type { OneTimeKeyStore } from '../domain/ports.js';

/** What devices have left, as whoever tells them asks. */
export class KeyCountsService implements KeyCountsRpc {
  constructor(private readonly keys: OneTimeKeyStore) {}

  async countKeys({ devices }: CountKeysRequest): Promise<CountKeysResponse> {
    const counts = devices.length === 0 ? [] : await this.keys.counts(devices);
    return {
      counts: counts.map(({ oneTimeKeys, unusedFallbackAlgorithms }) => ({
        oneTimeKeys: Object.entries(oneTimeKeys).map(([algorithm, count]) => ({ algorithm, count })),
        unusedFallbackAlgorithms: [...unusedFallbackAlgorithms],
      })),
    };
  }
}
