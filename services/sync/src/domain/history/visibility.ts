import { mayUserSeeEvent } from '@ganglion/protocol';
import type { StateVersion, TimelineEvent } from '../timeline-event.js';

/** The memberships that one user has had in a room, oldest first. */
export class MembershipHistory {
  constructor(
    private readonly userId: string,
    private readonly versions: readonly StateVersion[],
    /** What was before this position is not known, and counts as not having been in the room. */
    readonly knownFrom = 0,
  ) {}

  /** The user's membership at an event, itself included; `leave` for whoever was not there yet. */
  at(position: number): string {
    return this.eventAt(position)?.membership ?? 'leave';
  }

  /** The user's member event at a position. */
  eventAt(position: number): TimelineEvent | undefined {
    return this.#versionAt(position)?.event;
  }

  /** Whether the user may see an event of the room. */
  maySee(event: TimelineEvent): boolean {
    const own = event.type === 'm.room.member' && event.stateKey === this.userId;
    return mayUserSeeEvent({
      visibility: event.visibility,
      previousVisibility: event.previousVisibility,
      membershipAtEvent: this.#versionAt(event.position)?.event?.membership,
      previousMembership: own ? this.#versionAt(event.position - 1)?.event?.membership : undefined,
      joinedLater: this.#joinedAfter(event.position),
    });
  }

  /** The position of the user's first membership; 0 for whoever has none. */
  get begins(): number {
    return this.versions[0]?.position ?? 0;
  }

  /** Whether the user was joined at any time. */
  get everJoined(): boolean {
    return this.versions.some(({ event }) => event?.membership === 'join');
  }

  /** The position at which the user's membership ended for the last time; undefined while they are joined. */
  get leftAt(): number | undefined {
    const last = this.versions.at(-1);
    return last?.event?.membership === 'join' ? undefined : last?.position;
  }

  /**
   * The position at which the user left who had joined, whatever their membership has become since: a ban or an invite that
   * came later shows nothing of the room. Undefined while they are joined, and for whoever never was.
   */
  get departedAt(): number | undefined {
    const lastJoin = this.versions.findLastIndex(({ event }) => event?.membership === 'join');
    return lastJoin < 0 ? undefined : this.versions[lastJoin + 1]?.position;
  }

  /** Where the user was last told that a membership of theirs had ended, before a position. */
  lastEndBefore(position: number): number | undefined {
    return this.versions.findLast(
      (version) => version.position <= position && ['leave', 'ban'].includes(version.event?.membership ?? 'leave'),
    )?.position;
  }

  #joinedAfter(position: number): boolean {
    return (
      this.versions.some((version) => version.position > position && version.event?.membership === 'join') ||
      this.at(position) === 'join'
    );
  }

  #versionAt(position: number): StateVersion | undefined {
    return this.versions.findLast((version) => version.position <= position);
  }
}
