import { MatrixError } from '@ganglion/contracts';
import type { Devices } from '@ganglion/contracts/user';
import type { OwnedPusher, Pusher, PusherOwner, PusherStore } from './ports.js';

/** More than anybody has devices and apps: a bound on what one user can make us store and send. */
const MOST_PUSHERS = 100;

/** The pushers of users. @see https://spec.matrix.org/v1.19/client-server-api/#push-notifications */
export class Pushers {
  constructor(
    private readonly store: PusherStore,
    private readonly devices: Devices,
  ) {}

  /**
   * The pushers that devices of the user have set which still are there. A pusher ends with its device, in whatever way
   * that ended, and does not come back with another one of the same id; those that have ended are removed.
   */
  async list(userId: string): Promise<Pusher[]> {
    const pushers = await this.store.list(userId);
    if (pushers.length === 0) return [];
    const { devices } = await this.devices.listDevices({ userId });
    const begun = new Map(devices.map(({ deviceId, createdAtMs }) => [deviceId, createdAtMs]));
    const lives = ({ deviceId, setAtMs }: OwnedPusher) => (begun.get(deviceId) ?? Number.POSITIVE_INFINITY) <= setAtMs;
    const ended = pushers.filter((pusher) => !lives(pusher));
    if (ended.length > 0) await this.store.forget(ended);
    return pushers.filter(lives);
  }

  /**
   * @param append whether other users may keep a pusher with the same app and key
   * @throws MatrixError M_UNKNOWN when the user has too many
   */
  async set(owner: PusherOwner, pusher: Pusher, append: boolean): Promise<void> {
    const put = () => this.store.put(owner, pusher, { append, most: MOST_PUSHERS });
    if (await put()) return;
    // Those that have ended go when they are looked at.
    await this.list(owner.userId);
    if (await put()) return;
    throw new MatrixError(400, 'M_UNKNOWN', `There may be no more than ${MOST_PUSHERS} pushers of a user`);
  }

  remove(userId: string, appId: string, pushkey: string): Promise<void> {
    return this.store.remove(userId, appId, pushkey);
  }
}
