import type {
  ClaimKeysForServerRequest,
  GetListUpdatesRequest,
  GetUserDevicesRequest,
  KeysForServers,
  NoteChangedListsRequest,
  QueryKeysForServerRequest,
} from '@ganglion/contracts/keys';
import type { KeyClaims } from '../domain/key-claims.js';
import type { KeyQueries } from '../domain/key-queries.js';
import type { LocalUsers } from '../domain/local-users.js';
import type { Announcements, KeyStore, RemoteListStore, SharedRooms } from '../domain/ports.js';
import type { KeyLogStore } from '../storage/key-log-store.js';

/** Nobody: what only one user may see of their own is nobody's here. */
const NOBODY = '';

interface PublishedSections {
  readonly device_keys: Readonly<Record<string, Readonly<Record<string, DeviceKeys>>>>;
  readonly master_keys: Readonly<Record<string, object>>;
  readonly self_signing_keys: Readonly<Record<string, object>>;
}

interface DeviceKeys {
  readonly unsigned?: { readonly device_display_name?: string };
}

/** The keys of our users, as other servers may have them. What they ask of users of others is left out. */
export class KeysForServersRpc implements KeysForServers {
  constructor(
    private readonly queries: KeyQueries,
    private readonly claims: KeyClaims,
    private readonly local: LocalUsers,
    private readonly log: KeyLogStore,
    private readonly keys: KeyStore,
    private readonly announcements: Announcements,
    private readonly rooms: SharedRooms,
    private readonly lists: Pick<RemoteListStore, 'askedFor'>,
  ) {}

  async queryKeys({ users }: QueryKeysForServerRequest) {
    const asked = users.map(({ userId, deviceIds }) => [userId, deviceIds] as const);
    const { device_keys, master_keys, self_signing_keys } = await this.#published(asked);
    return { answerJson: JSON.stringify({ device_keys, master_keys, self_signing_keys }) };
  }

  async claimKeys({ devices }: ClaimKeysForServerRequest) {
    const wanted: Record<string, Record<string, string>> = {};
    for (const { userId, deviceId, algorithm } of devices) {
      if (this.local.has(userId)) wanted[userId] = { ...wanted[userId], [deviceId]: algorithm };
    }
    const { oneTimeKeys } = await this.claims.claim({ oneTimeKeys: wanted, timeoutMs: 0 });
    return { oneTimeKeysJson: oneTimeKeys };
  }

  /**
   * One after the other: nobody waits for a change of keys. Of users who are in no room of ours nobody needs to know, and
   * servers may make up as many as they like.
   */
  async noteChangedLists({ userIds, introducedUserIds }: NoteChangedListsRequest) {
    // Whoever sees them for the first time has been told so by their coming, and asks.
    const askedFor = introducedUserIds.length === 0 ? [] : await this.lists.askedFor(introducedUserIds);
    const others = [...new Set([...userIds, ...askedFor])].filter((userId) => !this.local.has(userId));
    const sharing = await this.rooms.evidence(others.map((userId) => ({ userId, evidence: '' })));
    for (const userId of sharing.keys()) {
      const change = await this.keys.edit(userId, () => ({ isChangedElsewhere: true }));
      if (change !== undefined) this.announcements.changed(change);
    }
    return {};
  }

  async getListUpdates({ userId, afterSeq }: GetListUpdatesRequest) {
    if (!this.local.has(userId)) return { seq: 0, devices: [], signingKeysJson: undefined };
    const { seq, devices, haveSigningKeysChanged } = await this.log.listUpdates(userId, afterSeq);
    const { device_keys, master_keys, self_signing_keys } = await this.#published([[userId, []]]);
    const updates = devices.map(({ seq: streamId, deviceId, state, displayName }) => {
      if (state === 'keyless') return { streamId, deviceId, keyless: true, displayName };
      const keys = state === 'gone' ? undefined : device_keys[userId]?.[deviceId];
      if (keys === undefined) return { streamId, deviceId };
      return { streamId, deviceId, keysJson: JSON.stringify(keys), displayName: keys.unsigned?.device_display_name };
    });
    const signingKeys = { master_key: master_keys[userId], self_signing_key: self_signing_keys[userId] };
    const signingKeysJson = haveSigningKeysChanged ? JSON.stringify(signingKeys) : undefined;
    return { seq, devices: updates, signingKeysJson };
  }

  async getUserDevices({ userId }: GetUserDevicesRequest) {
    // Read first: what is told may be newer than it says, never older.
    const stream_id = this.local.has(userId) ? await this.log.lastOfDevices(userId) : 0;
    const { device_keys, master_keys, self_signing_keys } = await this.#published([[userId, []]]);
    const devices = Object.entries(device_keys[userId] ?? {}).map(([device_id, keys]) => {
      const device_display_name = keys.unsigned?.device_display_name;
      return { device_id, keys, ...(device_display_name !== undefined && { device_display_name }) };
    });
    const answer = {
      ...{ user_id: userId, stream_id, devices },
      ...(master_keys[userId] !== undefined && { master_key: master_keys[userId] }),
      ...(self_signing_keys[userId] !== undefined && { self_signing_key: self_signing_keys[userId] }),
    };
    return { answerJson: JSON.stringify(answer) };
  }

  async #published(asked: readonly (readonly [string, readonly string[]])[]): Promise<PublishedSections> {
    const deviceKeys = Object.fromEntries(asked.filter(([userId]) => this.local.has(userId)));
    return JSON.parse(await this.queries.query(NOBODY, { deviceKeys, timeoutMs: 0 })) as PublishedSections;
  }
}
