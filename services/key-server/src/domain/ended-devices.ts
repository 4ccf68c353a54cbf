import type { Devices } from '@ganglion/contracts/user';
import type { Announcements, KeyEdit, KeyStore, OtherDevices, UserKeys } from './ports.js';

/** What is known of a user's devices here. */
interface KnownDevices {
  readonly keys: UserKeys;
  readonly others: OtherDevices;
}

/** A device as its owner lists it. */
interface LivingDevice {
  readonly deviceId: string;
  readonly createdAtMs: number;
  readonly displayName?: string | undefined;
  readonly dehydrated?: boolean | undefined;
}

type DeviceIdentity = Pick<LivingDevice, 'deviceId' | 'createdAtMs'>;

/** A user's devices as their owner lists them. */
interface Living {
  readonly devices: ReadonlyMap<string, LivingDevice>;
  /** Whether the account was deactivated. */
  readonly deactivated?: boolean | undefined;
}

/** So often a user's devices are compared at most, while they change. */
const MOST_ROUNDS = 5;

/**
 * What becomes of the keys of devices that have ended, or have another name. New ones that have no keys yet are a change of the user's list
 * of devices, too.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#device-management
 */
export class EndedDevices {
  constructor(
    private readonly keys: KeyStore,
    private readonly devices: Pick<Devices, 'listDevices'>,
    private readonly announcements: Announcements,
  ) {}

  /**
   * Forgets the keys of those of a user's devices that are not there any more, and notes which there are and how they are called. Of a user who
   * was deactivated nothing stays.
   *
   * What another replica has noted since the devices were read may be newer, and its news are over: so they are read again until they stay
   * the same.
   */
  async reconcile(userId: string): Promise<void> {
    for (let round = 0; round < MOST_ROUNDS && (await this.#compare(userId)); round += 1);
  }

  /** Whether anything was different. */
  async #compare(userId: string): Promise<boolean> {
    const seen = await this.keys.devices(userId);
    // Read before the keys are locked: a device that has come meanwhile is not among those that are known to be gone.
    const { devices, deactivated } = await this.devices.listDevices({ userId });
    const living: Living = { devices: new Map(devices.map((device) => [device.deviceId, device])), deactivated };
    if (isNothing(editFor(seen, seen, living)) && !deactivated) return false;
    let wanted: KeyEdit = {};
    const change = await this.keys.editDevices(userId, (keys, others) => {
      wanted = editFor({ keys, others }, seen, living);
      return wanted;
    });
    if (change !== undefined) this.announcements.changed(change);
    return !isNothing(wanted);
  }
}

function isNothing({ devices, keyless, quietKeyless, removedDevices, removedUsages }: KeyEdit): boolean {
  return [devices, keyless, quietKeyless, removedDevices, removedUsages].every((some) => (some ?? []).length === 0);
}

function editFor(known: KnownDevices, seen: KnownDevices, living: Living): KeyEdit {
  const isGone = ({ deviceId, createdAtMs }: DeviceIdentity) =>
    living.devices.get(deviceId)?.createdAtMs !== createdAtMs;
  const old = [...known.keys.devices.values()].filter((device) => isAmong(seen.keys.devices, device));
  const oldKeyless = [...known.others.keyless.values()].filter((device) => isAmong(seen.others.keyless, device));
  const renamed = old.flatMap((device) => {
    const displayName = living.devices.get(device.deviceId)?.displayName;
    return isGone(device) || displayName === device.displayName ? [] : [{ ...device, displayName }];
  });
  const removed = [...old, ...oldKeyless].filter(isGone).map(({ deviceId }) => deviceId);
  return {
    devices: renamed,
    removedDevices: [...new Set(removed)],
    ...newKeyless(known, living),
    ...(living.deactivated && { isGone: true, removedUsages: [...known.keys.crossSigning.keys()] }),
  };
}

/** Whether a device was there, and not just another one of the same id. */
function isAmong(devices: ReadonlyMap<string, DeviceIdentity>, { deviceId, createdAtMs }: DeviceIdentity): boolean {
  return devices.get(deviceId)?.createdAtMs === createdAtMs;
}

/** Of the first device of all that a user has nobody has to be told: nobody has heard of the user. */
function newKeyless({ keys, others }: KnownDevices, { devices }: Living): Pick<KeyEdit, 'keyless' | 'quietKeyless'> {
  const isKnown = (device: LivingDevice) =>
    isAmong(keys.devices, device) ||
    (isAmong(others.keyless, device) && others.keyless.get(device.deviceId)?.displayName === device.displayName);
  // A device that nobody is logged in with is about to get its keys.
  const added = [...devices.values()].filter((device) => device.dehydrated !== true && !isKnown(device));
  const keyless = added.map(({ deviceId, displayName, createdAtMs }) => ({ deviceId, displayName, createdAtMs }));
  const isFirst = others.isNew && devices.size === 1 && keys.devices.size + others.keyless.size === 0;
  return isFirst ? { quietKeyless: keyless } : { keyless };
}
