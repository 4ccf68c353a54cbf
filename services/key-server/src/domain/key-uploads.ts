import { MatrixError } from '@ganglion/contracts';
import type { Devices } from '@ganglion/contracts/user';
import type { JsonObject } from '@ganglion/protocol';
import {
  checkDeviceKeys,
  type DeviceFacts,
  signingKeyId,
  signingKeyOf,
  type UploadedDeviceKeys,
  withDeviceKeys,
} from './device-keys.js';
import type { EndedDevices } from './ended-devices.js';
import { invalidParam } from './failures.js';
import { checkOneOfEach, readOneTimeKeys, type UploadedKeys } from './one-time-keys.js';
import {
  type Announcements,
  type DeviceKeys,
  type DeviceName,
  type KeyChangeRecord,
  KeyConflictError,
  type KeyEdit,
  type KeyStore,
  type OneTimeKeyStore,
  type OtherDevices,
  TooManyKeysError,
  type UserKeys,
} from './ports.js';

export interface KeyUpload {
  readonly deviceKeys: (UploadedDeviceKeys & JsonObject) | undefined;
  readonly oneTimeKeys: UploadedKeys;
  readonly fallbackKeys: UploadedKeys;
}

/** Of a device that nobody is logged in with. */
export interface DehydratedUpload extends KeyUpload {
  /** What the next device needs to take over from it, as JSON text. */
  readonly dehydratedData: string;
}

/** What devices publish of their keys. @see https://spec.matrix.org/v1.19/client-server-api/#uploading-keys */
export class KeyUploads {
  constructor(
    private readonly keys: KeyStore,
    private readonly oneTimeKeys: OneTimeKeyStore,
    private readonly devices: Devices,
    private readonly announcements: Announcements,
    private readonly endedDevices: EndedDevices,
  ) {}

  /**
   * Keeps what a device uploads, all of it or nothing; how many one-time keys it has then.
   *
   * @throws MatrixError M_BAD_JSON, M_INVALID_PARAM, M_INVALID_SIGNATURE, M_UNKNOWN_TOKEN when the device has ended
   */
  async upload(device: DeviceName, upload: KeyUpload): Promise<Readonly<Record<string, number>>> {
    if (upload.deviceKeys !== undefined) checkDeviceKeys(device, upload.deviceKeys);
    const hasNew = hasNewKeys(upload);
    if (upload.deviceKeys !== undefined || hasNew) await this.#store(device, upload, hasNew);
    const [counts] = await this.oneTimeKeys.counts([device]);
    return counts?.oneTimeKeys ?? {};
  }

  /**
   * Keeps the keys of the user's dehydrated device from now on; in the place of which other one, whose keys are gone.
   *
   * @throws MatrixError as `upload`
   */
  async uploadDehydrated(device: DeviceName, upload: DehydratedUpload): Promise<string | undefined> {
    if (upload.deviceKeys !== undefined) checkDeviceKeys(device, upload.deviceKeys);
    return (await this.#store(device, upload, hasNewKeys(upload)))?.replacedDehydrated;
  }

  async #store(
    device: DeviceName,
    upload: KeyUpload | DehydratedUpload,
    hasNew: boolean,
  ): Promise<KeyChangeRecord | undefined> {
    let facts = upload.deviceKeys && (await this.#factsOf(device));
    const store = () =>
      asMatrixErrors(() => this.keys.editDevices(device.userId, editFor.bind(undefined, device, upload, facts)));
    let change: KeyChangeRecord | undefined;
    try {
      change = await store();
    } catch (error) {
      if (!(error instanceof UnknownDeviceError)) throw error;
      facts = await this.#factsOf(device);
      change = await store();
    }
    if (hasNew) this.announcements.countsChanged([device]);
    if (change !== undefined) this.announcements.changed(change);
    // Who has logged out meanwhile may have been told to forget its keys before they were there.
    if (facts === undefined) return change;
    await this.#forgetIfEnded(device, facts);
    await this.endedDevices.reconcile(device.userId);
    return change;
  }

  /** @throws MatrixError M_UNKNOWN_TOKEN */
  async #factsOf({ userId, deviceId }: DeviceName): Promise<DeviceFacts> {
    const { devices } = await this.devices.listDevices({ userId });
    const found = devices.find((device) => device.deviceId === deviceId);
    if (found === undefined) throw new MatrixError(401, 'M_UNKNOWN_TOKEN', 'The device has been logged out');
    return { displayName: found.displayName, createdAtMs: found.createdAtMs };
  }

  async #forgetIfEnded(device: DeviceName, { createdAtMs }: DeviceFacts): Promise<void> {
    const now = await this.#factsOf(device).catch((error: MatrixError) => {
      if (error.errcode === 'M_UNKNOWN_TOKEN') return undefined;
      throw error;
    });
    if (now?.createdAtMs === createdAtMs) return;
    const change = await this.keys.editDevices(device.userId, ({ devices }, { keyless }) => {
      const known = devices.get(device.deviceId) ?? keyless.get(device.deviceId);
      return known?.createdAtMs === createdAtMs ? { removedDevices: [device.deviceId] } : {};
    });
    if (change !== undefined) this.announcements.changed(change);
    throw new MatrixError(401, 'M_UNKNOWN_TOKEN', 'The device has been logged out');
  }
}

function hasNewKeys({ oneTimeKeys, fallbackKeys }: KeyUpload): boolean {
  return Object.keys(oneTimeKeys).length + Object.keys(fallbackKeys).length > 0;
}

/** It has to be found out when the device was logged in: without keys of its own it is not known here. */
class UnknownDeviceError extends Error {
  override readonly name = 'UnknownDeviceError';
}

/** @throws UnknownDeviceError */
function editFor(
  device: DeviceName,
  upload: KeyUpload | DehydratedUpload,
  facts: DeviceFacts | undefined,
  known: UserKeys,
  { keyless }: OtherDevices,
): KeyEdit {
  const before = known.devices.get(device.deviceId);
  const { deviceKeys } = upload;
  const after = deviceKeys && facts ? withDeviceKeys(known, device, deviceKeys, facts) : before;
  const newKeys = readNewKeys(device, after, upload);
  const { deviceId } = device;
  if (after === undefined && facts === undefined) throw new UnknownDeviceError();
  const isOther = after === undefined && keyless.get(deviceId)?.createdAtMs !== facts?.createdAtMs;
  return {
    ...(isOther && facts && { keyless: [{ deviceId, ...facts }] }),
    ...(after !== undefined && !isSameDevice(before, after) && { devices: [after] }),
    ...(newKeys && { newKeys }),
    ...('dehydratedData' in upload && {
      dehydrated: { deviceId: device.deviceId, deviceData: upload.dehydratedData },
    }),
  };
}

function isSameDevice(before: DeviceKeys | undefined, after: DeviceKeys): boolean {
  if (before?.json !== after.json || before.createdAtMs !== after.createdAtMs) return false;
  return (
    before.displayName === after.displayName &&
    Object.keys(after.signatures).length === Object.keys(before.signatures).length &&
    Object.entries(after.signatures).every(([keyId, signature]) => before.signatures[keyId] === signature)
  );
}

function readNewKeys({ userId, deviceId }: DeviceName, device: DeviceKeys | undefined, upload: KeyUpload) {
  if (!hasNewKeys(upload)) return undefined;
  const publicKey = device && signingKeyOf(device);
  const signer = { userId, deviceId, keyId: signingKeyId(deviceId), publicKey };
  const oneTime = readOneTimeKeys('one_time_keys', upload.oneTimeKeys, signer);
  const fallback = readOneTimeKeys('fallback_keys', upload.fallbackKeys, signer);
  checkOneOfEach(fallback);
  return { deviceId, oneTime, fallback };
}

async function asMatrixErrors<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof KeyConflictError || error instanceof TooManyKeysError) throw invalidParam(error.message);
    throw error;
  }
}
