import type {
  DeviceUpdate,
  GetListUpdatesRequest,
  KeyLog,
  KeysForServers,
  ListKeyHeadsRequest,
} from '@ganglion/contracts/keys';

interface Kept {
  seq: number;
  changedAt: number;
  readonly devices: Map<string, DeviceUpdate>;
  signingKeys: { readonly seq: number; readonly json: string } | undefined;
}

/** The keys of users, as a test changes them. */
export class KeptKeys implements Pick<KeyLog, 'listKeyHeads'>, Pick<KeysForServers, 'getListUpdates'> {
  readonly #users = new Map<string, Kept>();
  #changes = 0;

  /** A device gets keys, or other ones, or goes. */
  change(userId: string, deviceId: string, keys?: object): void {
    const kept = this.#change(userId);
    const keysJson = keys && JSON.stringify(keys);
    kept.devices.set(deviceId, { streamId: kept.seq, deviceId, keysJson, displayName: undefined });
  }

  /** A device comes that has no keys. */
  addKeyless(userId: string, deviceId: string, displayName: string): void {
    const kept = this.#change(userId);
    kept.devices.set(deviceId, { streamId: kept.seq, deviceId, keyless: true, displayName, keysJson: undefined });
  }

  setSigningKeys(userId: string, keys: object): void {
    const kept = this.#change(userId);
    kept.signingKeys = { seq: kept.seq, json: JSON.stringify(keys) };
  }

  async listKeyHeads({ sinceCursor }: ListKeyHeadsRequest) {
    const changed = [...this.#users].filter(([, { changedAt }]) => changedAt > sinceCursor);
    return { heads: changed.map(([userId, { seq }]) => ({ userId, seq })), cursor: this.#changes };
  }

  async getListUpdates({ userId, afterSeq }: GetListUpdatesRequest) {
    const kept = this.#users.get(userId);
    if (kept === undefined) return { seq: 0, devices: [], signingKeysJson: undefined };
    const devices = [...kept.devices.values()].filter(({ streamId }) => streamId > afterSeq);
    const { seq = 0, json } = kept.signingKeys ?? {};
    return {
      ...{ seq: kept.seq, devices: devices.toSorted((one, other) => one.streamId - other.streamId) },
      signingKeysJson: seq > afterSeq ? json : undefined,
    };
  }

  #change(userId: string): Kept {
    const kept = this.#users.get(userId) ?? { seq: 0, changedAt: 0, devices: new Map(), signingKeys: undefined };
    this.#users.set(userId, kept);
    kept.seq += 1;
    kept.changedAt = ++this.#changes;
    return kept;
  }
}
