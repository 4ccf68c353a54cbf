import type { Devices } from '@ganglion/contracts/user';
import type { Announcements, KeyEdit, KeyStore, UserKeys } from './ports.js';

/** A device as its owner lists it. */
interface LivingDevice {
  readonly deviceId: string;
  readonly createdAtMs: number;
  readonly displayName?: string | undefined;
}

/** What becomes of the keys of devices that have ended, or have another name. */
export class EndedDevices {
  constructor(
    private readonly keys: KeyStore,
    private readonly devices: Devices,
    private readonly announcements: Announcements,
  ) {}

  /** Forgets the keys of those of a user's devices that are not there any more, and notes how the others are called now. */
  async reconcile(userId: string): Promise<void> {
    const { users } = await this.keys.published([userId], userId);
    if ((users.get(userId)?.devices.size ?? 0) === 0) return;
    // Read before the keys are locked: a device that has come meanwhile is not among those that are known to be gone.
    const { devices } = await this.devices.listDevices({ userId });
    const living = new Map<string, LivingDevice>(devices.map((device) => [device.deviceId, device]));
    const seen = users.get(userId)!;
    const change = await this.keys.edit(userId, (known) => editFor(known, seen, living));
    if (change !== undefined) this.announcements.changed(change);
  }
}

function editFor(known: UserKeys, seen: UserKeys, living: ReadonlyMap<string, LivingDevice>): KeyEdit {
  const old = [...known.devices.values()].filter(
    ({ deviceId, createdAtMs }) => seen.devices.get(deviceId)?.createdAtMs === createdAtMs,
  );
  const isGone = (deviceId: string, createdAtMs: number) => living.get(deviceId)?.createdAtMs !== createdAtMs;
  const removedDevices = old.filter((device) => isGone(device.deviceId, device.createdAtMs));
  const renamed = old.flatMap((device) => {
    const { deviceId, createdAtMs, displayName } = device;
    const now = living.get(deviceId);
    if (now === undefined || isGone(deviceId, createdAtMs) || now.displayName === displayName) return [];
    return [{ ...device, displayName: now.displayName }];
  });
  return { removedDevices: removedDevices.map(({ deviceId }) => deviceId), devices: renamed };
}
