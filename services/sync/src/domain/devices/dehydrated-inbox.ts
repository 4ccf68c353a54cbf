import { MatrixError } from '@ganglion/contracts';
import type { Devices } from '@ganglion/contracts/user';
import { concatenated } from '../concatenated.js';
import type { LiveFeed } from '../feed/live-feed.js';
import type { DeviceMessageModel, DeviceName } from '../ports/device-message-model.js';
import { formatToken, type Position } from '../sync-token.js';
import type { UserViews } from '../views/user-views.js';

/** How clients know that they have everything: by a page that is empty, or by one that no other follows. */
export type EndOfPages = 'empty page' | 'no token';

/**
 * What was sent to a device that nobody is logged in with, for the device that takes over from it. Nothing is deleted before the
 * device ends: another one may have to begin again.
 *
 * @see https://github.com/matrix-org/matrix-spec-proposals/pull/3814
 */
export class DehydratedInbox {
  constructor(
    private readonly feed: LiveFeed,
    private readonly users: UserViews,
    private readonly model: Pick<DeviceMessageModel, 'inbox'>,
    private readonly devices: Pick<Devices, 'listDevicesOf'>,
  ) {}

  /**
   * A page of its messages after a place, as JSON text.
   *
   * @throws MatrixError M_NOT_FOUND for a device that the user does not have, M_FORBIDDEN for one that somebody is logged in with
   */
  async read(device: DeviceName, above: Position, end: EndOfPages): Promise<string> {
    await this.#check(device);
    return this.feed.use(async () => {
      const user = await this.users.get(device.userId);
      await this.feed.reach(Math.max(above, user.inboxes.reached));
      const upTo = this.feed.position;
      const { messages, hasMore } = await this.model.inbox(device, Math.min(above, upTo), upTo);
      const next = hasMore ? (messages.at(-1)?.position ?? upTo) : upTo;
      const token = hasMore || end === 'empty page' ? `,"next_batch":"${formatToken(next)}"` : '';
      return `{"events":[${concatenated(messages.map(({ json }) => json))}]${token}}`;
    });
  }

  async #check({ userId, deviceId }: DeviceName): Promise<void> {
    const { users } = await this.devices.listDevicesOf({ userIds: [userId] });
    const found = users.find((user) => user.userId === userId)?.devices.find((one) => one.deviceId === deviceId);
    if (found === undefined) throw new MatrixError(404, 'M_NOT_FOUND', 'There is no such device');
    if (found.dehydrated !== true) {
      throw new MatrixError(403, 'M_FORBIDDEN', 'Only what was sent to a dehydrated device can be read here');
    }
  }
}
