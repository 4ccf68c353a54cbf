import { isMatrixError } from '@ganglion/contracts';
import type { JsonObject } from '@ganglion/protocol';
import { signingKeyOf } from './device-keys.js';
import { badJson, forbidden, invalidSignature, notFound } from './failures.js';
import type { LocalUsers } from './local-users.js';
import type {
  Announcements,
  CrossSigningKey,
  DeviceKeys,
  KeyEdit,
  KeyStore,
  UserKeys,
  UserSignature,
} from './ports.js';
import { isSignedBy, keyIdParts } from './public-keys.js';
import { isSameObject, signaturesOf } from './published-objects.js';
import type { RemoteDeviceLists } from './remote-lists.js';

/** Objects with new signatures, by whose they are and by device id or public key. */
export type SignedObjects = Readonly<Record<string, Readonly<Record<string, JsonObject>>>>;

/** Why objects were not taken, by whose and which they are. */
export type Failures = Record<string, Record<string, JsonObject>>;

const MAX_OBJECTS = 1_000;
/** How long other servers are waited for. */
const MOST_WAIT_MS = 10_000;

/** What users sign of their own and each other's keys. @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keyssignaturesupload */
export class SignatureUploads {
  constructor(
    private readonly keys: KeyStore,
    private readonly announcements: Announcements,
    private readonly local: LocalUsers,
    private readonly remote: Pick<RemoteDeviceLists, 'find'>,
  ) {}

  /**
   * Adds signatures that a user has made, those that are as they have to be.
   *
   * @throws MatrixError M_BAD_JSON for more objects than anybody signs at once
   */
  async upload(userId: string, signed: SignedObjects): Promise<Failures> {
    const objects = Object.entries(signed).flatMap(([owner, byKey]) =>
      Object.entries(byKey).map(([key, object]) => ({ owner, key, object })),
    );
    if (objects.length > MAX_OBJECTS) throw badJson(`There may be at most ${MAX_OBJECTS} signed objects in a request`);
    const others = Object.keys(signed).filter((owner) => owner !== userId);
    const users = await this.#mastersOf(others, signed);
    let failures: Failures = {};
    const change = await this.keys.edit(userId, (own) => {
      failures = {};
      const signing = new Signing(userId, own);
      for (const { owner, key, object } of objects) {
        const failure = failureOf(() => signing.add(owner, users.get(owner), key, object));
        if (failure !== undefined) failures[owner] = { ...failures[owner], [key]: failure };
      }
      return signing.edit;
    });
    if (change !== undefined) this.announcements.changed(change);
    return failures;
  }

  /** Those of users of other servers who are in no room with us, or have new ones, are nowhere but there. */
  async #mastersOf(owners: readonly string[], signed: SignedObjects): Promise<ReadonlyMap<string, UserKeys>> {
    const { users } = await this.keys.published(owners, '');
    const elsewhere = owners.filter((owner) => !this.local.has(owner) && !isKnown(users.get(owner), signed[owner]));
    const { asked } = await this.remote.find(elsewhere, MOST_WAIT_MS);
    return new Map([...users, ...asked]);
  }
}

/** Whether what is signed of a user may be the master key that is known of them. */
function isKnown(known: UserKeys | undefined, signed: SignedObjects[string] = {}): boolean {
  const master = known?.crossSigning.get('master')?.publicKey;
  return master !== undefined && Object.hasOwn(signed, master);
}

/** The signatures that one request adds. */
class Signing {
  readonly #devices = new Map<string, DeviceKeys>();
  readonly #crossSigning = new Map<string, CrossSigningKey>();
  readonly #userSignatures: UserSignature[] = [];

  constructor(
    private readonly userId: string,
    private readonly own: UserKeys,
  ) {}

  get edit(): KeyEdit {
    return {
      devices: [...this.#devices.values()],
      crossSigning: [...this.#crossSigning.values()],
      userSignatures: this.#userSignatures,
    };
  }

  /** @throws MatrixError M_NOT_FOUND, M_INVALID_SIGNATURE, M_FORBIDDEN */
  add(owner: string, theirs: UserKeys | undefined, key: string, object: JsonObject): void {
    const device = this.own.devices.get(key);
    if (owner !== this.userId) this.#addOfOther(owner, theirs, key, object);
    else if (device !== undefined) this.#addToDevice(device, object);
    else this.#addToMaster(this.#masterKey(key), object);
  }

  #masterKey(key: string): CrossSigningKey {
    const known = [...this.own.crossSigning.values()].find(({ publicKey }) => publicKey === key);
    if (known === undefined) throw notFound('There is no such device or cross-signing key');
    if (known.usage !== 'master') throw forbidden('Of the cross-signing keys only the master key is signed by others');
    return known;
  }

  #addToDevice(device: DeviceKeys, object: JsonObject): void {
    const signer = this.own.crossSigning.get('self_signing');
    const added = this.#verified(device, object, (keyId) =>
      keyId === `ed25519:${signer?.publicKey}` ? signer?.publicKey : undefined,
    );
    // Those of cross-signing keys that were replaced mean nothing any more.
    const ownKeyId = `ed25519:${device.deviceId}`;
    const kept = Object.entries(device.signatures).filter(([keyId]) => keyId === ownKeyId);
    const signatures = { ...Object.fromEntries(kept), ...added };
    if (!isIn(device.signatures, added)) this.#devices.set(device.deviceId, { ...device, signatures });
  }

  #addToMaster(master: CrossSigningKey, object: JsonObject): void {
    const added = this.#verified(master, object, (keyId) => {
      const device = this.own.devices.get(keyIdParts(keyId)?.identifier ?? '');
      return device && keyId === `ed25519:${device.deviceId}` ? signingKeyOf(device) : undefined;
    });
    const signatures = { ...master.signatures, ...added };
    if (!isIn(master.signatures, added)) this.#crossSigning.set(master.usage, { ...master, signatures });
  }

  #addOfOther(owner: string, theirs: UserKeys | undefined, key: string, object: JsonObject): void {
    const master = theirs?.crossSigning.get('master');
    if (master?.publicKey !== key) throw notFound('The user has no such master key');
    const signer = this.own.crossSigning.get('user_signing');
    const added = this.#verified(master, object, (keyId) =>
      keyId === `ed25519:${signer?.publicKey}` ? signer?.publicKey : undefined,
    );
    for (const [keyId, signature] of Object.entries(added)) {
      this.#userSignatures.push({ signedUserId: owner, signedKey: key, keyId, signature });
    }
  }

  /**
   * The new signatures of an object by keys that may sign it.
   *
   * @throws MatrixError M_INVALID_SIGNATURE when there are none, or one is not valid
   */
  #verified(
    known: DeviceKeys | CrossSigningKey,
    object: JsonObject,
    signerOf: (keyId: string) => string | undefined,
  ): Record<string, string> {
    if (!isSameObject(known, object)) throw invalidSignature('What is signed is not the key that was published');
    const signatures = Object.entries(signaturesOf(object, this.userId));
    const added: Record<string, string> = {};
    for (const [keyId, signature] of signatures) {
      const publicKey = signerOf(keyId);
      if (publicKey === undefined) continue;
      if (!isSignedBy(object, this.userId, keyId, publicKey)) {
        throw invalidSignature(`The signature with ${keyId} is not valid`);
      }
      added[keyId] = signature;
    }
    if (Object.keys(added).length === 0) throw invalidSignature('There is no signature by a key that may sign it');
    return added;
  }
}

function isIn(known: Readonly<Record<string, string>>, added: Record<string, string>): boolean {
  return Object.entries(added).every(([keyId, signature]) => known[keyId] === signature);
}

function failureOf(run: () => void): JsonObject | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (!isMatrixError(error)) throw error;
    return error.toJSON() as JsonObject;
  }
}
