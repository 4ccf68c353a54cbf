import { setImmediate as pause } from 'node:timers/promises';
import { isMatrixError } from '@ganglion/contracts';
import { isJsonObject, type JsonObject, type JsonValue } from '@ganglion/protocol';
import { z } from 'zod';
import { readCrossSigningKeys, type UploadedCrossSigningKey } from './cross-signing-keys.js';
import { checkDeviceKeys, type UploadedDeviceKeys } from './device-keys.js';
import type { CrossSigningKey, DeviceKeys, Usage, UserKeys } from './ports.js';
import { isSignedBy } from './public-keys.js';
import { publishedObject } from './published-objects.js';

/** More devices of one user nobody can encrypt for; each is kept here. */
const MOST_DEVICES = 2_000;
/** What identifies a device, and its signatures, is a few hundred bytes. */
const MOST_BYTES = 16_384;
const MOST_SIGNATURES = 50;
const MOST_NAME_CHARACTERS = 255;
/** Signatures are looked at for some milliseconds at a time: nobody else waits for a server that lists thousands of devices. */
const DEVICES_AT_A_TIME = 20;

const storable = z.string().refine((text) => text.isWellFormed() && !text.includes('\0'));
const deviceName = storable.min(1).max(255);
const keys = z.record(storable, storable);
const deviceKeys = z.object({
  ...{ user_id: z.string(), device_id: deviceName, algorithms: z.array(storable).max(100) },
  ...{ keys, signatures: z.record(storable, z.record(storable, z.string())) },
});
const crossSigningKey = z.object({ user_id: z.string(), usage: z.array(storable).max(10), keys });
const unsigned = z.object({ device_display_name: storable });

/**
 * What another server says of one of its users' keys. What is not as it has to be is left out, and spoils nothing else: devices that
 * are not the user's, or with a signature of their own that is wrong; cross-signing keys that the user's master key has not signed.
 * As with our own users, a device may be without a signature: clients trust none that is.
 *
 * @param answer of /user/keys/query, as it came
 * @see https://spec.matrix.org/v1.19/server-server-api/#post_matrixfederationv1userkeysquery
 */
export async function readRemoteUser(userId: string, answer: JsonObject): Promise<UserKeys> {
  const listed = Object.entries(objectOf(objectOf(answer.device_keys)[userId])).slice(0, MOST_DEVICES);
  const devices = new Map<string, DeviceKeys>();
  for (const [index, [deviceId, device]] of listed.entries()) {
    if (index % DEVICES_AT_A_TIME === 0) await pause();
    for (const read of orNothing(() => readDevice(userId, deviceId, device))) devices.set(deviceId, read);
  }
  return { devices, crossSigning: readCrossSigning(userId, answer) };
}

function readDevice(userId: string, deviceId: string, value: JsonValue | undefined): DeviceKeys[] {
  const device = typed<UploadedDeviceKeys>(deviceKeys, value);
  if (device === undefined) return [];
  checkDeviceKeys({ userId, deviceId }, device);
  const published = publishedObject(device, userId);
  if (!isSmall(published)) return [];
  const displayName = unsigned.safeParse(device.unsigned).data?.device_display_name.slice(0, MOST_NAME_CHARACTERS);
  return [{ deviceId, ...published, displayName, createdAtMs: 0 }];
}

function readCrossSigning(userId: string, answer: JsonObject): Map<Usage, CrossSigningKey> {
  const read = (usage: 'master' | 'self_signing') => {
    const value = objectOf(answer[`${usage}_keys`])[userId];
    const object = typed<UploadedCrossSigningKey>(crossSigningKey, value);
    const [key] = object === undefined ? [] : orNothing(() => readCrossSigningKeys(userId, { [usage]: object }));
    return object !== undefined && key !== undefined && isSmall(key) ? { object, key } : undefined;
  };
  const [master, selfSigning] = [read('master'), read('self_signing')];
  const found = new Map<Usage, CrossSigningKey>();
  if (master === undefined) return found;
  found.set('master', master.key);
  const { publicKey } = master.key;
  if (selfSigning !== undefined && isSignedBy(selfSigning.object, userId, `ed25519:${publicKey}`, publicKey)) {
    found.set('self_signing', selfSigning.key);
  }
  return found;
}

/** What has the form of the schema, with all else that stands in it: it is signed as a whole. */
function typed<T>(schema: z.ZodType<unknown>, value: JsonValue | undefined): (T & JsonObject) | undefined {
  return isJsonObject(value) && schema.safeParse(value).success ? (value as unknown as T & JsonObject) : undefined;
}

function isSmall({ json, signatures }: Pick<DeviceKeys, 'json' | 'signatures'>): boolean {
  const texts = [json, JSON.stringify(signatures)];
  return (
    Object.keys(signatures).length <= MOST_SIGNATURES &&
    texts.every((text) => Buffer.byteLength(text) <= MOST_BYTES && text.isWellFormed())
  );
}

function orNothing<T>(read: () => T[]): T[] {
  try {
    return read();
  } catch (error) {
    if (isMatrixError(error)) return [];
    throw error;
  }
}

function objectOf(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}
