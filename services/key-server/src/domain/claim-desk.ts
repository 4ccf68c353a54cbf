import { Gatherer } from '@ganglion/service';
import type { Announcements, ClaimedKey, OneTimeKeyStore, WantedKey, WantedKeys } from './ports.js';

/** What comes while a statement is on its way goes with the next one. */
const GATHER_MS = 0;

/** What one round has brought. */
type Given = ReadonlyMap<readonly WantedKey[], ClaimedKey[]>;

/** Gives out keys of our users: what is asked for at the same time is taken by one statement, and dealt out in the order of the asking. */
export class ClaimDesk {
  readonly #gathered = new Gatherer<readonly WantedKey[], Given>(GATHER_MS, (requests) => this.#claim(requests));

  constructor(
    private readonly store: Pick<OneTimeKeyStore, 'claim'>,
    private readonly announcements: Pick<Announcements, 'countsChanged'>,
  ) {}

  /** A key of each, as far as there are any. */
  async claim(wanted: readonly WantedKey[]): Promise<ClaimedKey[]> {
    if (wanted.length === 0) return [];
    return (await this.#gathered.add(wanted)).get(wanted) ?? [];
  }

  async #claim(requests: readonly (readonly WantedKey[])[]): Promise<Given> {
    const claimed = await this.store.claim(together(requests));
    if (claimed.length > 0) this.announcements.countsChanged(devicesOf(claimed));
    const left = Map.groupBy(claimed, nameOf);
    const next = (wanted: WantedKey): ClaimedKey[] => {
      const keys = left.get(nameOf(wanted));
      // One-time keys come first; the fallback key is for all who are left.
      const key = keys?.[0]?.isFallback ? keys[0] : keys?.shift();
      return key === undefined ? [] : [key];
    };
    return new Map(requests.map((wanted) => [wanted, wanted.flatMap(next)]));
  }
}

function together(requests: readonly (readonly WantedKey[])[]): WantedKeys[] {
  const counted = Map.groupBy(requests.flat(), nameOf);
  return [...counted.values()].map((same) => ({ ...same[0]!, count: same.length }));
}

/** Each once. */
function devicesOf(claimed: readonly ClaimedKey[]): ClaimedKey[] {
  const byName = new Map(claimed.map((key) => [JSON.stringify([key.userId, key.deviceId]), key]));
  return [...byName.values()];
}

function nameOf({ userId, deviceId, algorithm }: WantedKey): string {
  return JSON.stringify([userId, deviceId, algorithm]);
}
