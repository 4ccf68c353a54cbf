import type { Devices } from '@ganglion/contracts/user';
import type { EndedDevices } from './ended-devices.js';
import { notFound } from './failures.js';
import type { DehydratedUpload, KeyUploads } from './key-uploads.js';
import type { DehydratedDevice, KeyStore } from './ports.js';

export interface NewDehydratedDevice extends DehydratedUpload {
  readonly deviceId: string;
  readonly displayName: string | undefined;
}

/** Nothing that a request is still about to use is older. */
const ABANDONED_AFTER_MS = 60 * 60_000;

/**
 * Devices that nobody is logged in with: they gather keys of messages for the next device that their user logs in. There is one for a
 * user at most.
 *
 * @see https://github.com/matrix-org/matrix-spec-proposals/pull/3814
 */
export class DehydratedDevices {
  constructor(
    private readonly keys: Pick<KeyStore, 'dehydrated'>,
    private readonly uploads: Pick<KeyUploads, 'uploadDehydrated'>,
    private readonly devices: Pick<Devices, 'listDevices' | 'putDehydratedDevice' | 'endDehydratedDevices'>,
    private readonly endedDevices: Pick<EndedDevices, 'reconcile'>,
  ) {}

  /**
   * The user's dehydrated device from now on, in place of the one before. Its device is made first and the one before is ended last: whoever
   * dies in between leaves a device without keys, which the next one makes up for.
   *
   * @throws MatrixError as an upload of keys; M_INVALID_PARAM when somebody is logged in with the device
   */
  async put(userId: string, device: NewDehydratedDevice): Promise<void> {
    const { deviceId, displayName } = device;
    const before = await this.keys.dehydrated(userId);
    const { createdAtMs } = await this.devices.putDehydratedDevice({ userId, deviceId, displayName });
    let replaced: string | undefined;
    try {
      replaced = await this.uploads.uploadDehydrated({ userId, deviceId }, device);
    } catch (error) {
      if (before?.deviceId !== deviceId) await this.devices.endDehydratedDevices({ userId, deviceIds: [deviceId] });
      throw error;
    }
    const others = await this.#others(userId, deviceId, replaced, createdAtMs);
    if (others.length > 0) await this.devices.endDehydratedDevices({ userId, deviceIds: others });
  }

  /** @throws MatrixError M_NOT_FOUND */
  async get(userId: string): Promise<DehydratedDevice> {
    const device = await this.keys.dehydrated(userId);
    if (device === undefined) throw notFound('There is no dehydrated device');
    return device;
  }

  /** Ends it; its id. @throws MatrixError M_NOT_FOUND */
  async remove(userId: string): Promise<string> {
    const { deviceId } = await this.get(userId);
    await this.devices.endDehydratedDevices({ userId, deviceIds: [deviceId] });
    await this.endedDevices.reconcile(userId);
    return deviceId;
  }

  /**
   * The one whose place it has taken, and what requests that were never finished have left. When several come at once, each ends another
   * one, and none that has come back meanwhile.
   */
  async #others(userId: string, deviceId: string, replaced: string | undefined, createdAtMs: number) {
    const { devices } = await this.devices.listDevices({ userId });
    const now = await this.keys.dehydrated(userId);
    const isLeft = (device: (typeof devices)[number]) =>
      device.deviceId === replaced || device.createdAtMs < createdAtMs - ABANDONED_AFTER_MS;
    return devices
      .filter((device) => device.dehydrated === true && device.deviceId !== deviceId && isLeft(device))
      .map((device) => device.deviceId)
      .filter((other) => other !== now?.deviceId);
  }
}
