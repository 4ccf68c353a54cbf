import { type RateLimiter, takeOrThrow } from '@ganglion/contracts';
import type { MemberEvent } from './guests.js';
import type { InitialEvent } from './new-room-events.js';

/**
 * Counts joins, invites and other changes of memberships where they are made, whichever endpoint they come through. What one
 * user may do is taken before what may happen to one room: whoever is refused for themselves uses up nothing that others need.
 */
export class MembershipLimits {
  constructor(private readonly limiter: RateLimiter) {}

  /** Somebody joins a room, and has been counted. @throws MatrixError M_LIMIT_EXCEEDED */
  joined(roomId: string): Promise<void> {
    return takeOrThrow(this.limiter, 'joins_per_room', roomId);
  }

  /** Somebody invites to a room, and has been counted. @throws MatrixError M_LIMIT_EXCEEDED */
  invited(roomId: string): Promise<void> {
    return takeOrThrow(this.limiter, 'invites_per_room', roomId);
  }

  /** A member event that is sent as any other state is. @throws MatrixError M_LIMIT_EXCEEDED */
  async sent({ roomId, sender, content: { membership } }: MemberEvent): Promise<void> {
    if (membership !== 'join' && membership !== 'invite') return takeOrThrow(this.limiter, 'memberships', sender);
    await takeOrThrow(this.limiter, membership === 'join' ? 'joins' : 'invites', sender);
    await (membership === 'join' ? this.joined(roomId) : this.invited(roomId));
  }

  /**
   * All that a new room invites people by.
   *
   * @throws MatrixError M_LIMIT_EXCEEDED, M_INVALID_PARAM for more than anybody may invite at once
   */
  async newRoom(
    creator: string,
    invitees: readonly string[],
    initialState: readonly InitialEvent[],
    addresses: number,
  ): Promise<void> {
    const byState = initialState.filter(
      ({ type, content }) => type === 'm.room.member' && content.membership === 'invite',
    );
    const invited = new Set([...invitees, ...byState.map(({ stateKey }) => stateKey)]);
    const count = invited.size + addresses;
    if (count > 0) await takeOrThrow(this.limiter, 'invites', creator, count);
  }
}
