import { domainOf, isJsonObject, type JsonObject } from '@ganglion/protocol';
import { ClaimDesk } from './claim-desk.js';
import { readClaimed, type WantedOfUser } from './claimed-keys.js';
import { badJson } from './failures.js';
import type { LocalUsers } from './local-users.js';
import type {
  Announcements,
  ClaimedKey,
  KeyStore,
  OneTimeKeyStore,
  RemoteListStore,
  RemoteServers,
  UserKeys,
  WantedKey,
} from './ports.js';
import { askServers, type RemoteAnswers, type ServerFailures } from './remote-answers.js';

export interface KeyClaim {
  /** Algorithms by user and device. */
  readonly oneTimeKeys: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** How long other servers are waited for, in milliseconds. */
  readonly timeoutMs: number;
}

export interface ClaimedKeys {
  readonly failures: ServerFailures;
  /** By user, device and key id, as JSON text. */
  readonly oneTimeKeys: string;
}

const MAX_DEVICES = 20_000;

export interface KeyClaimsDependencies {
  readonly store: OneTimeKeyStore;
  readonly local: LocalUsers;
  readonly servers: RemoteServers;
  readonly keys: Pick<KeyStore, 'published'>;
  readonly lists: Pick<RemoteListStore, 'states'>;
  readonly announcements: Announcements;
}

/** One-time keys are given out once each. @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysclaim */
export class KeyClaims {
  readonly #desk: ClaimDesk;

  constructor(private readonly deps: KeyClaimsDependencies) {
    this.#desk = new ClaimDesk(deps.store, deps.announcements);
  }

  /** @throws MatrixError M_BAD_JSON for too many devices */
  async claim({ oneTimeKeys, timeoutMs }: KeyClaim): Promise<ClaimedKeys> {
    const { ours, others } = this.deps.local.split(Object.entries(oneTimeKeys));
    const wanted = wantedKeys(ours);
    if (wanted.length + wantedKeys(others).length > MAX_DEVICES) {
      throw badJson(`one_time_keys may name at most ${MAX_DEVICES} devices`);
    }
    const [claimed, { answers, failures }, known] = await Promise.all([
      this.#desk.claim(wanted),
      this.#askOthers(others, timeoutMs),
      this.#knownOthers([...others.keys()]),
    ]);
    const texts = claimedTexts(claimed);
    for (const { serverName, answer } of answers) {
      const given = isJsonObject(answer.one_time_keys) ? answer.one_time_keys : {};
      for (const [userId, devices] of others) {
        if (domainOf(userId) !== serverName) continue;
        const ofUser = readClaimed(userId, devices, given[userId], known.get(userId));
        if (Object.keys(ofUser).length > 0) texts.push(`${JSON.stringify(userId)}:${JSON.stringify(ofUser)}`);
      }
    }
    return { failures, oneTimeKeys: `{${texts.join()}}` };
  }

  #askOthers(others: ReadonlyMap<string, WantedOfUser>, timeoutMs: number): Promise<RemoteAnswers<JsonObject>> {
    const byServer = Map.groupBy(others, ([userId]) => domainOf(userId));
    return askServers(byServer, timeoutMs, (serverName, ofUsers) =>
      this.deps.servers.claimKeys(serverName, Object.fromEntries(ofUsers), timeoutMs),
    );
  }

  /** The devices of others whose lists are known to be as their servers have them. */
  async #knownOthers(userIds: readonly string[]): Promise<ReadonlyMap<string, UserKeys>> {
    if (userIds.length === 0) return new Map();
    const states = await this.deps.lists.states(userIds);
    const kept = states.filter(({ keptSeq, heardSeq }) => keptSeq === heardSeq);
    return (
      await this.deps.keys.published(
        kept.map(({ userId }) => userId),
        '',
      )
    ).users;
  }
}

function wantedKeys(ours: ReadonlyMap<string, Readonly<Record<string, string>>>): WantedKey[] {
  return [...ours].flatMap(([userId, devices]) =>
    Object.entries(devices).map(([deviceId, algorithm]) => ({ userId, deviceId, algorithm })),
  );
}

/** The keys of each user, as properties of a JSON object. */
function claimedTexts(claimed: readonly ClaimedKey[]): string[] {
  return [...Map.groupBy(claimed, ({ userId }) => userId)].map(([userId, keys]) => {
    const ofDevices = keys.map(({ deviceId, algorithm, keyId, json }) => {
      return `${JSON.stringify(deviceId)}:{${JSON.stringify(`${algorithm}:${keyId}`)}:${json}}`;
    });
    return `${JSON.stringify(userId)}:{${ofDevices.join()}}`;
  });
}
