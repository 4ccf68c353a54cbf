import { isMatrixError } from '@ganglion/contracts';
import { isJsonObject, type JsonObject, type JsonValue } from '@ganglion/protocol';
import { signingKeyId, signingKeyOf } from './device-keys.js';
import { readOneTimeKeys, type UploadedKeys } from './one-time-keys.js';
import type { UserKeys } from './ports.js';
import { keyIdParts } from './public-keys.js';

/** Algorithms by device, as they are asked for of one user. */
export type WantedOfUser = Readonly<Record<string, string>>;

/**
 * Of what another server gave out for a user, one key for each device that was asked for. What no device could have signed, or a device
 * that is known has not signed, is left out.
 *
 * @param given keys by device, as they came
 */
export function readClaimed(
  userId: string,
  wanted: WantedOfUser,
  given: JsonValue | undefined,
  known: UserKeys | undefined,
): JsonObject {
  if (!isJsonObject(given)) return {};
  const keys = Object.entries(wanted).flatMap(([deviceId, algorithm]) => {
    const ofDevice = Object.hasOwn(given, deviceId) ? given[deviceId] : undefined;
    const entries = Object.entries(isJsonObject(ofDevice) ? ofDevice : {});
    const key = entries.find(([id, value]) => isKey(id, value, algorithm));
    if (key === undefined || !isSignedByDevice(userId, deviceId, key, known)) return [];
    return [[deviceId, Object.fromEntries([key])] as const];
  });
  return Object.fromEntries(keys);
}

function isKey(id: string, value: JsonValue | undefined, algorithm: string): boolean {
  if (keyIdParts(id)?.algorithm !== algorithm) return false;
  return typeof value === 'string' || (isJsonObject(value) && typeof value.key === 'string');
}

function isSignedByDevice(
  userId: string,
  deviceId: string,
  [id, value]: readonly [string, JsonValue | undefined],
  known: UserKeys | undefined,
): boolean {
  const device = known?.devices.get(deviceId);
  const publicKey = device && signingKeyOf(device);
  if (publicKey === undefined) return true;
  const signer = { userId, deviceId, keyId: signingKeyId(deviceId), publicKey };
  try {
    readOneTimeKeys('one_time_keys', { [id]: value } as UploadedKeys, signer);
    return true;
  } catch (error) {
    if (isMatrixError(error)) return false;
    throw error;
  }
}
