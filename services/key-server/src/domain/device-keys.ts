import type { JsonObject } from '@ganglion/protocol';
import { badJson, forbidden, invalidParam, invalidSignature } from './failures.js';
import type { DeviceKeys, DeviceName, UserKeys } from './ports.js';
import { isSignedBy, keyIdParts, publicKeyBytes } from './public-keys.js';
import { publishedObject, signedObject } from './published-objects.js';

/** The identity keys in an upload; their types have been looked at. */
export interface UploadedDeviceKeys {
  readonly user_id: string;
  readonly device_id: string;
  readonly algorithms: readonly string[];
  readonly keys: Readonly<Record<string, string>>;
}

/** What is told of a device elsewhere. */
export type DeviceFacts = Pick<DeviceKeys, 'displayName' | 'createdAtMs'>;

const MAX_KEYS = 20;

/** The id of a device's own signing key. */
export function signingKeyId(deviceId: string): string {
  return `ed25519:${deviceId}`;
}

/** A device's own signing key as it has published it. */
export function signingKeyOf({ json, deviceId }: Pick<DeviceKeys, 'json' | 'deviceId'>): string | undefined {
  const { keys } = JSON.parse(json) as { keys: Record<string, string> };
  return Object.hasOwn(keys, signingKeyId(deviceId)) ? keys[signingKeyId(deviceId)] : undefined;
}

/**
 * Looks at the identity keys that a device uploads: they have to be its own, keys, and not signed by anybody else in its name.
 *
 * @throws MatrixError M_INVALID_PARAM, M_BAD_JSON, M_INVALID_SIGNATURE
 * @see https://spec.matrix.org/v1.19/client-server-api/#device-keys
 */
export function checkDeviceKeys({ userId, deviceId }: DeviceName, uploaded: UploadedDeviceKeys & JsonObject): void {
  if (uploaded.user_id !== userId) throw invalidParam('device_keys.user_id is not the user who uploads them');
  if (uploaded.device_id !== deviceId) throw invalidParam('device_keys.device_id is not the device that uploads them');
  const entries = Object.entries(uploaded.keys);
  if (entries.length > MAX_KEYS) throw badJson(`device_keys.keys has more than ${MAX_KEYS} keys`);
  for (const [id, key] of entries) checkKey(deviceId, id, key);
  const keyId = signingKeyId(deviceId);
  const signingKey = uploaded.keys[keyId];
  if (signingKey === undefined) throw badJson(`device_keys.keys.${keyId} is required`);
  if (isSignedInName(uploaded, userId, keyId) && !isSignedBy(uploaded, userId, keyId, signingKey)) {
    throw invalidSignature(`The signature of device_keys with ${keyId} is not valid`);
  }
}

function checkKey(deviceId: string, id: string, key: string): void {
  const parts = keyIdParts(id);
  if (parts === undefined) throw badJson(`device_keys.keys: ${id} is not <algorithm>:<device id>`);
  const { algorithm, identifier } = parts;
  if (identifier !== deviceId) throw badJson(`device_keys.keys: ${id} is not a key of this device`);
  const isKnown = algorithm === 'ed25519' || algorithm === 'curve25519';
  if (isKnown && publicKeyBytes(key) === undefined) throw badJson(`device_keys.keys: ${id} is not a key of 32 bytes`);
}

function isSignedInName({ signatures }: JsonObject, userId: string, keyId: string): boolean {
  const own = (signatures as Record<string, Record<string, unknown>> | undefined)?.[userId];
  return own !== undefined && Object.hasOwn(own, keyId);
}

/**
 * The device's keys after an upload. Once a device has signed its keys they are its for good: others have come to trust them, and who
 * could replace them could read what is meant for it. What is signed anew, or by more keys, is taken.
 *
 * @throws MatrixError M_INVALID_PARAM for other keys than the device has, M_FORBIDDEN
 */
export function withDeviceKeys(
  known: UserKeys,
  { userId, deviceId }: DeviceName,
  uploaded: UploadedDeviceKeys & JsonObject,
  facts: DeviceFacts,
): DeviceKeys {
  const published = publishedObject(uploaded, userId);
  for (const { publicKey } of known.crossSigning.values()) {
    if (publicKey === deviceId) throw forbidden('The device id is the public key of one of the cross-signing keys');
  }
  const before = known.devices.get(deviceId);
  if (before === undefined || before.createdAtMs !== facts.createdAtMs) return { deviceId, ...published, ...facts };
  const isSame = haveSameKeys(before.json, published.json);
  if (!isSame && isSigned(before, userId)) {
    throw invalidParam('The device has other identity keys already: log in a new device for new keys');
  }
  const earlier = before.json === published.json ? before.signatures : {};
  return { deviceId, json: published.json, signatures: { ...earlier, ...published.signatures }, ...facts };
}

/** Whether a device has signed its keys itself: nobody relies on others. */
function isSigned(device: DeviceKeys, userId: string): boolean {
  const key = signingKeyOf(device);
  return key !== undefined && isSignedBy(signedObject(device, userId), userId, signingKeyId(device.deviceId), key);
}

function haveSameKeys(one: string, other: string): boolean {
  const keysOf = (json: string) => (JSON.parse(json) as { keys: Record<string, string> }).keys;
  const [ours, theirs] = [keysOf(one), keysOf(other)];
  const ids = new Set([...Object.keys(ours), ...Object.keys(theirs)]);
  return [...ids].every((id) => ours[id] === theirs[id]);
}
