import type { DeviceListReader } from '../answer/device-list-reader.js';
import type { LiveFeed } from '../feed/live-feed.js';
import type { DeviceListChanges } from '../ports/device-list-model.js';
import type { UserViews } from '../views/user-views.js';

/** What somebody asks who has not followed /sync. @see https://spec.matrix.org/v1.19/client-server-api/#tracking-the-device-list-for-a-user */
export class DeviceListQueries {
  constructor(
    private readonly feed: LiveFeed,
    private readonly users: UserViews,
    private readonly reader: DeviceListReader,
  ) {}

  /**
   * Whose devices changed between two positions. Before one that this server has not handed out, or not any more, everything
   * may have been otherwise.
   *
   * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3keyschanges
   */
  getKeysChanges(userId: string, from: number, to: number): Promise<DeviceListChanges> {
    return this.feed.use(async () => {
      const user = await this.users.get(userId);
      await this.feed.reach(Math.max(from, to, user.reached));
      const upTo = this.feed.position;
      return this.reader.between(user, from > upTo ? 0 : from, Math.min(to, upTo));
    });
  }
}
