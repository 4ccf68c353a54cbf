import type { JsonObject } from '@ganglion/protocol';
import { badJson } from './failures.js';
import type { LocalUsers } from './local-users.js';
import type { CrossSigningKey, DeviceKeys, KeyStore, PublishedKeys, Section, SectionTexts, UserKeys } from './ports.js';
import type { RemoteDeviceLists } from './remote-lists.js';

export interface KeyQuery {
  /** Device ids by user; none for all. */
  readonly deviceKeys: Readonly<Record<string, readonly string[]>>;
  /** How long other servers are waited for, in milliseconds. */
  readonly timeoutMs: number;
}

type Sections = Record<Section, Map<string, string>>;

const SECTIONS: readonly Section[] = ['device_keys', 'master_keys', 'self_signing_keys', 'user_signing_keys'];

const MAX_USERS = 10_000;

/** The keys of users and their devices. @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysquery */
export class KeyQueries {
  constructor(
    private readonly keys: Pick<KeyStore, 'published' | 'sections'>,
    private readonly local: LocalUsers,
    private readonly remote: Pick<RemoteDeviceLists, 'find'>,
  ) {}

  /** The answer as JSON text. @throws MatrixError M_BAD_JSON for too many users */
  async query(asking: string, { deviceKeys, timeoutMs }: KeyQuery): Promise<string> {
    const asked = Object.entries(deviceKeys);
    if (asked.length > MAX_USERS) throw badJson(`device_keys may name at most ${MAX_USERS} users`);
    const { ours, others } = this.local.split(asked);
    const remote = await this.remote.find([...others.keys()], timeoutMs);
    const kept = remote.kept.map((userId) => ({ userId, deviceIds: others.get(userId) ?? [] }));
    const known = [...[...ours].map(([userId, deviceIds]) => ({ userId, deviceIds })), ...kept];
    const answered = new Map([...others].filter(([userId]) => remote.asked.has(userId)));
    const [here, there] = await Promise.all([
      this.keys.sections(known, asking),
      this.#sectionsOf(asking, answered, remote.asked),
    ]);
    return answerText([here, there], remote.failures);
  }

  /** Of users whose servers were asked just now. */
  async #sectionsOf(
    asking: string,
    asked: ReadonlyMap<string, readonly string[]>,
    users: ReadonlyMap<string, UserKeys>,
  ): Promise<SectionTexts> {
    const { userSignatures } = await this.keys.published([...asked.keys()], asking);
    const sections = sectionsOf(asking, asked, { users, userSignatures });
    return Object.fromEntries(
      Object.entries(sections).map(([section, texts]) => [section, propertiesText(texts)] as const),
    ) as Record<Section, string>;
  }
}

/** Of users without any keys, too, that they have none. */
function sectionsOf(asking: string, asked: ReadonlyMap<string, readonly string[]>, published: PublishedKeys): Sections {
  const sections: Sections = {
    device_keys: new Map(),
    master_keys: new Map(),
    self_signing_keys: new Map(),
    user_signing_keys: new Map(),
  };
  const ownSignatures = Map.groupBy(published.userSignatures, ({ signedUserId }) => signedUserId);
  for (const [userId, deviceIds] of asked) {
    const keys = published.users.get(userId);
    sections.device_keys.set(userId, devicesText(userId, deviceIds, keys));
    const master = keys?.crossSigning.get('master');
    if (master !== undefined) {
      const own = (ownSignatures.get(userId) ?? []).filter(({ signedKey }) => signedKey === master.publicKey);
      const byAsking = Object.fromEntries(own.map(({ keyId, signature }) => [keyId, signature]));
      sections.master_keys.set(userId, crossSigningText(userId, master, own.length > 0 ? { [asking]: byAsking } : {}));
    }
    const selfSigning = keys?.crossSigning.get('self_signing');
    if (selfSigning !== undefined) sections.self_signing_keys.set(userId, crossSigningText(userId, selfSigning));
    const userSigning = userId === asking ? keys?.crossSigning.get('user_signing') : undefined;
    if (userSigning !== undefined) sections.user_signing_keys.set(userId, crossSigningText(userId, userSigning));
  }
  return sections;
}

function devicesText(userId: string, deviceIds: readonly string[], keys: UserKeys | undefined): string {
  const wanted = new Set(deviceIds);
  const devices = [...(keys?.devices.values() ?? [])].filter(
    ({ deviceId }) => wanted.size === 0 || wanted.has(deviceId),
  );
  const entries = devices.map((device) => `${JSON.stringify(device.deviceId)}:${deviceText(userId, device)}`);
  return `{${entries.join(',')}}`;
}

/** A device's keys as everybody sees them, as JSON text. */
function deviceText(userId: string, { json, signatures, displayName }: DeviceKeys): string {
  const unsigned = displayName === undefined ? {} : { device_display_name: displayName };
  return withParts(json, [
    `"signatures":${JSON.stringify({ [userId]: signatures })}`,
    `"unsigned":${JSON.stringify(unsigned)}`,
  ]);
}

function crossSigningText(userId: string, { json, signatures }: CrossSigningKey, others: JsonObject = {}): string {
  const own = Object.keys(signatures).length > 0 ? { [userId]: signatures } : {};
  const all = { ...own, ...others };
  // Who gives none gets back none.
  return Object.keys(all).length === 0 ? json : withParts(json, [`"signatures":${JSON.stringify(all)}`]);
}

/** The text of an object, which is not empty, with more properties. */
function withParts(json: string, parts: readonly string[]): string {
  return `${json.slice(0, -1)},${parts.join(',')}}`;
}

function propertiesText(texts: ReadonlyMap<string, string>): string {
  return [...texts].map(([userId, text]) => `${JSON.stringify(userId)}:${text}`).join();
}

function answerText(parts: readonly SectionTexts[], failures: JsonObject): string {
  const texts = SECTIONS.map((section) => {
    const properties = parts.map((part) => part[section]).filter((text) => text !== '');
    return `"${section}":{${properties.join()}}`;
  });
  return `{${[`"failures":${JSON.stringify(failures)}`, ...texts].join()}}`;
}
