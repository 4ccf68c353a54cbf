import { isJsonObject, type JsonObject } from '@ganglion/protocol';
import { badJson } from './failures.js';
import type { LocalUsers } from './local-users.js';
import type { Announcements, ClaimedKey, OneTimeKeyStore, RemoteServers, WantedKey } from './ports.js';
import { askServers, byServer, type ServerFailures } from './remote-answers.js';

export interface KeyClaim {
  /** Algorithms by user and device. */
  readonly oneTimeKeys: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** How long other servers are waited for, in milliseconds. */
  readonly timeoutMs: number;
}

export interface ClaimedKeys {
  readonly failures: ServerFailures;
  readonly one_time_keys: JsonObject;
}

const MAX_DEVICES = 20_000;

/** One-time keys are given out once each. @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysclaim */
export class KeyClaims {
  constructor(
    private readonly store: OneTimeKeyStore,
    private readonly local: LocalUsers,
    private readonly remote: RemoteServers,
    private readonly announcements: Announcements,
  ) {}

  /** @throws MatrixError M_BAD_JSON for too many devices */
  async claim({ oneTimeKeys, timeoutMs }: KeyClaim): Promise<ClaimedKeys> {
    const { ours, others } = this.local.split(Object.entries(oneTimeKeys));
    const wanted = wantedKeys(ours);
    if (wanted.length > MAX_DEVICES) throw badJson(`one_time_keys may name at most ${MAX_DEVICES} devices`);
    const [claimed, remote] = await Promise.all([
      this.#claimOurs(wanted),
      askServers(byServer(others), (serverName, request) => this.remote.claimKeys(serverName, request, timeoutMs)),
    ]);
    const keys = claimedKeys(claimed);
    for (const { serverName, answer } of remote.answers) {
      for (const [userId, devices] of Object.entries(answer)) {
        if (isJsonObject(devices) && others.has(userId) && userId.endsWith(`:${serverName}`)) keys[userId] = devices;
      }
    }
    return { failures: remote.failures, one_time_keys: keys };
  }

  async #claimOurs(wanted: readonly WantedKey[]): Promise<ClaimedKey[]> {
    if (wanted.length === 0) return [];
    const claimed = await this.store.claim(wanted);
    if (claimed.length > 0) this.announcements.countsChanged(claimed);
    return claimed;
  }
}

function wantedKeys(ours: ReadonlyMap<string, Readonly<Record<string, string>>>): WantedKey[] {
  return [...ours].flatMap(([userId, devices]) =>
    Object.entries(devices).map(([deviceId, algorithm]) => ({ userId, deviceId, algorithm })),
  );
}

function claimedKeys(claimed: readonly ClaimedKey[]): Record<string, JsonObject> {
  const ofUsers = [...Map.groupBy(claimed, ({ userId }) => userId)].map(([userId, keys]) => {
    const ofDevices = keys.map(({ deviceId, algorithm, keyId, json }) => {
      return [deviceId, { [`${algorithm}:${keyId}`]: JSON.parse(json) }] as const;
    });
    return [userId, Object.fromEntries(ofDevices)] as const;
  });
  return Object.fromEntries(ofUsers);
}
