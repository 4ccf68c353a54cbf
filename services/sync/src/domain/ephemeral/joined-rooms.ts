import { MatrixError } from '@ganglion/contracts';
import type { Announcements } from '../feed/announcements.js';
import type { RoomMembership } from '../views/user-view.js';
import type { UserViews } from '../views/user-views.js';

/** The rooms that users are in, as this replica knows them; to be asked while the feed is up to date. */
export class JoinedRooms {
  constructor(
    private readonly users: UserViews,
    private readonly announcements: Announcements,
  ) {}

  /** @throws MatrixError M_FORBIDDEN when the user is not in the room */
  async find(userId: string, roomId: string): Promise<RoomMembership> {
    const known = await this.#joined(userId, roomId);
    if (known !== undefined) return known;
    // They may have joined a moment ago.
    await this.announcements.settled(roomId);
    const joined = await this.#joined(userId, roomId);
    if (joined === undefined) throw new MatrixError(403, 'M_FORBIDDEN', `${userId} is not in the room`);
    return joined;
  }

  async #joined(userId: string, roomId: string): Promise<RoomMembership | undefined> {
    const membership = this.users.membershipIn(await this.users.get(userId), roomId);
    return membership?.membership === 'join' ? membership : undefined;
  }
}
