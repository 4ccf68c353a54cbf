import { randomBytes } from 'node:crypto';
import { encodeBase64, generateSigningKey, type SigningKey, signJson } from '@ganglion/protocol';

type Signable = object;

const newKey = () => generateSigningKey('any');
const publicKeyOf = ({ publicKey }: SigningKey) => encodeBase64(publicKey);

/** A copy of an object with a signature by a key under some id. */
function signed<T extends Signable>(object: T, userId: string, keyId: string, key: SigningKey) {
  return signJson(object, userId, { ...key, keyId });
}

/** The keys of one device, with which it signs as a client does. */
export class CryptoDevice {
  readonly #key = newKey();
  readonly #curve25519 = encodeBase64(randomBytes(32));
  #next = 0;

  constructor(
    readonly userId: string,
    readonly deviceId: string,
  ) {}

  get keyId(): string {
    return `ed25519:${this.deviceId}`;
  }

  /** What it signs with. */
  get key(): SigningKey {
    return this.#key;
  }

  sign<T extends Signable>(object: T) {
    return signed(object, this.userId, this.keyId, this.#key);
  }

  unsignedKeys(changes: Signable = {}) {
    return {
      user_id: this.userId,
      device_id: this.deviceId,
      algorithms: ['m.olm.v1.curve25519-aes-sha2', 'm.megolm.v1.aes-sha2'],
      keys: { [this.keyId]: publicKeyOf(this.#key), [`curve25519:${this.deviceId}`]: this.#curve25519 },
      ...changes,
    };
  }

  keys(changes: Signable = {}) {
    return this.sign(this.unsignedKeys(changes));
  }

  /** New one-time keys by their ids. */
  oneTimeKeys(count: number, changes: Signable = {}): Record<string, object> {
    const keys = Array.from({ length: count }, () => {
      this.#next += 1;
      const key = this.sign({ key: encodeBase64(randomBytes(32)), ...changes });
      return [`signed_curve25519:${this.deviceId}-${this.#next}`, key] as const;
    });
    return Object.fromEntries(keys);
  }

  fallbackKey() {
    return this.oneTimeKeys(1, { fallback: true });
  }
}

/** The cross-signing keys of a user. */
export class CrossSigner {
  readonly master = newKey();
  readonly selfSigning = newKey();
  readonly userSigning = newKey();

  constructor(readonly userId: string) {}

  get masterId(): string {
    return publicKeyOf(this.master);
  }

  masterKey() {
    return this.#object('master', this.master);
  }

  selfSigningKey() {
    return this.#signedByMaster(this.#object('self_signing', this.selfSigning));
  }

  userSigningKey() {
    return this.#signedByMaster(this.#object('user_signing', this.userSigning));
  }

  upload(): Signable {
    return {
      master_key: this.masterKey(),
      self_signing_key: this.selfSigningKey(),
      user_signing_key: this.userSigningKey(),
    };
  }

  /** Signs an own device. */
  signDevice<T extends Signable>(keys: T) {
    return signed(keys, this.userId, `ed25519:${publicKeyOf(this.selfSigning)}`, this.selfSigning);
  }

  /** Signs somebody else's master key. */
  signUser<T extends Signable>(masterKey: T) {
    return signed(masterKey, this.userId, `ed25519:${publicKeyOf(this.userSigning)}`, this.userSigning);
  }

  #object(usage: string, key: SigningKey) {
    const publicKey = publicKeyOf(key);
    return { user_id: this.userId, usage: [usage], keys: { [`ed25519:${publicKey}`]: publicKey } };
  }

  #signedByMaster<T extends Signable>(object: T) {
    return signed(object, this.userId, `ed25519:${this.masterId}`, this.master);
  }
}
