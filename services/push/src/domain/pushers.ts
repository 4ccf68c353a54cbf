import { MatrixError } from '@ganglion/contracts';
import type { Pusher, PusherOwner, PusherStore } from './ports.js';

/** More than anybody has devices and apps: a bound on what one user can make us store and send. */
const MOST_PUSHERS = 100;

/** The pushers of users. @see https://spec.matrix.org/v1.19/client-server-api/#push-notifications */
export class Pushers {
  constructor(private readonly store: PusherStore) {}

  list(userId: string): Promise<Pusher[]> {
    return this.store.list(userId);
  }

  /**
   * @param append whether other users may keep a pusher with the same app and key
   * @throws MatrixError M_UNKNOWN when the user has too many
   */
  async set(owner: PusherOwner, pusher: Pusher, append: boolean): Promise<void> {
    if (await this.store.put(owner, pusher, { append, most: MOST_PUSHERS })) return;
    throw new MatrixError(400, 'M_UNKNOWN', `There may be no more than ${MOST_PUSHERS} pushers of a user`);
  }

  remove(userId: string, appId: string, pushkey: string): Promise<void> {
    return this.store.remove(userId, appId, pushkey);
  }
}
