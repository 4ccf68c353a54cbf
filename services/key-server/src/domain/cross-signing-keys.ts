import type { JsonObject } from '@ganglion/protocol';
import { signingKeyOf } from './device-keys.js';
import { badJson, forbidden, invalidSignature, missingParam } from './failures.js';
import type { CrossSigningKey, KeyEdit, Usage, UserKeys } from './ports.js';
import { isSignedBy, keyIdParts, publicKeyBytes } from './public-keys.js';
import { publishedObject } from './published-objects.js';

/** A cross-signing key in a request; its types have been looked at. */
export type UploadedCrossSigningKey = JsonObject & {
  readonly user_id: string;
  readonly usage: readonly string[];
  readonly keys: Readonly<Record<string, string>>;
};

export type UploadedCrossSigningKeys = Partial<Readonly<Record<Usage, UploadedCrossSigningKey>>>;

const USAGES: readonly Usage[] = ['master', 'self_signing', 'user_signing'];

/**
 * Reads the cross-signing keys that a user uploads, as far as they can be judged by themselves.
 *
 * @throws MatrixError M_BAD_JSON, M_FORBIDDEN
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysdevice_signingupload
 */
export function readCrossSigningKeys(userId: string, uploaded: UploadedCrossSigningKeys): CrossSigningKey[] {
  return USAGES.flatMap((usage) => {
    const key = uploaded[usage];
    return key === undefined ? [] : [readKey(userId, usage, key)];
  });
}

function readKey(userId: string, usage: Usage, uploaded: UploadedCrossSigningKey): CrossSigningKey {
  const where = `${usage}_key`;
  if (uploaded.user_id !== userId) throw forbidden(`${where}.user_id is not the user who uploads it`);
  if (!uploaded.usage.includes(usage)) throw badJson(`${where}.usage must be ["${usage}"]`);
  const [entry, ...others] = Object.entries(uploaded.keys);
  if (entry === undefined || others.length > 0) throw badJson(`${where}.keys must have exactly one key`);
  const [id, publicKey] = entry;
  const { algorithm, identifier } = keyIdParts(id) ?? {};
  if (algorithm !== 'ed25519' || identifier !== publicKey || publicKeyBytes(publicKey) === undefined) {
    throw badJson(`${where}.keys must be an Ed25519 public key by its own name`);
  }
  return { usage, publicKey, ...publishedObject(uploaded, userId) };
}

/** Whether the keys that are uploaded are the ones that are there: nobody has to show who they are for that. */
export function hasNothingNew({ crossSigning }: UserKeys, keys: readonly CrossSigningKey[]): boolean {
  return keys.every(({ usage, publicKey, json }) => {
    const known = crossSigning.get(usage);
    return known?.publicKey === publicKey && known.json === json;
  });
}

/**
 * The change that an upload makes. Keys that another master key had signed go with it.
 *
 * @throws MatrixError M_MISSING_PARAM without a master key, M_INVALID_SIGNATURE, M_FORBIDDEN for a key that is the id of a device
 */
export function crossSigningEdit(
  userId: string,
  known: UserKeys,
  uploaded: UploadedCrossSigningKeys,
  keys: readonly CrossSigningKey[],
): KeyEdit {
  const before = known.crossSigning.get('master');
  const master = keys.find(({ usage }) => usage === 'master') ?? before;
  if (master === undefined) throw missingParam('master_key is required: the user has none yet');
  for (const key of keys) check(userId, known, master, key, uploaded[key.usage]!);
  const changed = keys.filter((key) => !isUnchanged(known.crossSigning.get(key.usage), key));
  const isReplaced = before !== undefined && before.publicKey !== master.publicKey;
  const given = new Set(keys.map(({ usage }) => usage));
  const orphans = isReplaced ? USAGES.filter((usage) => known.crossSigning.has(usage) && !given.has(usage)) : [];
  return {
    crossSigning: changed.map((key) => withEarlierSignatures(known.crossSigning.get(key.usage), key)),
    removedUsages: orphans,
  };
}

function check(
  userId: string,
  known: UserKeys,
  master: CrossSigningKey,
  { usage, publicKey, signatures }: CrossSigningKey,
  object: UploadedCrossSigningKey,
): void {
  if (known.devices.has(publicKey)) throw forbidden(`${usage}_key is the id of one of the user's devices`);
  if (usage !== 'master' && !isSignedBy(object, userId, `ed25519:${master.publicKey}`, master.publicKey)) {
    throw invalidSignature(`${usage}_key is not signed by the master key`);
  }
  if (usage === 'master') checkDeviceSignatures(userId, known, Object.keys(signatures), object);
}

/** Signatures of devices that are not known are nobody's business here. */
function checkDeviceSignatures(userId: string, known: UserKeys, keyIds: readonly string[], object: JsonObject): void {
  for (const keyId of keyIds) {
    const device = known.devices.get(keyIdParts(keyId)?.identifier ?? '');
    const publicKey = device && signingKeyOf(device);
    if (publicKey !== undefined && !isSignedBy(object, userId, keyId, publicKey)) {
      throw invalidSignature(`The signature of master_key with ${keyId} is not valid`);
    }
  }
}

function isUnchanged(before: CrossSigningKey | undefined, { json, signatures }: CrossSigningKey): boolean {
  if (before?.json !== json) return false;
  return Object.entries(signatures).every(([keyId, signature]) => before.signatures[keyId] === signature);
}

function withEarlierSignatures(before: CrossSigningKey | undefined, key: CrossSigningKey): CrossSigningKey {
  return before?.json === key.json ? { ...key, signatures: { ...before.signatures, ...key.signatures } } : key;
}
