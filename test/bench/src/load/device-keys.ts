import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import type { Account } from './account.ts';

type Json = string | number | readonly string[] | { readonly [key: string]: Json };

const base64 = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '');

/** A device as apps that encrypt make one: it signs its keys and those that it gives away. */
export class DeviceKeys {
  readonly #owner: Account;
  readonly #privateKey = createPrivateKey(
    generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }),
  );
  #made = 0;

  constructor(owner: Account) {
    this.#owner = owner;
  }

  /** What it uploads first. */
  identity(): object {
    const { userId, deviceId } = this.#owner;
    const publicKey = createPublicKey(this.#privateKey).export({ type: 'spki', format: 'der' }).subarray(-32);
    return this.#signed({
      ...{ user_id: userId, device_id: deviceId },
      algorithms: ['m.olm.v1.curve25519-aes-sha2', 'm.megolm.v1.aes-sha2'],
      keys: { [`ed25519:${deviceId}`]: base64(publicKey), [`curve25519:${deviceId}`]: base64(randomBytes(32)) },
    });
  }

  /** Keys for others to begin to encrypt with. */
  oneTimeKeys(count: number): Record<string, object> {
    const keys = Array.from({ length: count }, () => {
      return [`signed_curve25519:K${this.#made++}`, this.#signed({ key: base64(randomBytes(32)) })] as const;
    });
    return Object.fromEntries(keys);
  }

  #signed(object: Record<string, Json>): object {
    const { userId, deviceId } = this.#owner;
    const signature = base64(sign(null, Buffer.from(sorted(object)), this.#privateKey));
    return { ...object, signatures: { [userId]: { [`ed25519:${deviceId}`]: signature } } };
  }
}

/** JSON with its keys in order, as it is signed: https://spec.matrix.org/v1.19/appendices/#canonical-json */
function sorted(value: Json): string {
  if (typeof value !== 'object' || Array.isArray(value)) return JSON.stringify(value);
  const entries = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return `{${entries.map(([key, part]) => `${JSON.stringify(key)}:${sorted(part)}`).join(',')}}`;
}
