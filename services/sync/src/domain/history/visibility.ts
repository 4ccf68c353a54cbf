import { mayUserSeeEvent } from '@ganglion/protocol';
import type { EventPlace, StateVersion, TimelineEvent } from '../timeline-event.js';

/** From a position on, what a user was in a room; undefined when the entry vanished. */
export type MembershipVersion = Pick<StateVersion, 'position' | 'membership' | 'eventNid'>;

/** What homeservers put into a room to join its forks: it says nothing to anybody. */
const DUMMY_EVENT = 'org.matrix.dummy_event';

/** The memberships that one user has had in a room, oldest first. */
export class MembershipHistory {
  constructor(
    private readonly userId: string,
    private readonly versions: readonly MembershipVersion[],
    /** What was before this position is not known, and counts as not having been in the room. */
    readonly knownFrom = 0,
  ) {}

  /** The user's membership in the room's state at a position; `leave` for whoever was not there yet. */
  at(position: number): string {
    return this.#versionAt(position)?.membership ?? 'leave';
  }

  /** The user's membership in the state at an event, itself included; undefined where that is not known. */
  atEvent(place: EventPlace): string | undefined {
    const isOpen = place.visibility === 'shared' || place.visibility === 'world_readable';
    return this.#atEvent(place) ?? (place.position < 0 && isOpen ? undefined : 'leave');
  }

  /** The number of the user's member event at a position. */
  eventAt(position: number): number | undefined {
    return this.#versionAt(position)?.eventNid;
  }

  /** Whether the user may see an event of the room. */
  maySee({ place, text }: TimelineEvent): boolean {
    if (text.type === DUMMY_EVENT) return false;
    const membershipAtEvent = this.#atEvent(place);
    // Whatever the visibility is: most readers of most events.
    if (membershipAtEvent === 'join') return true;
    const own = text.type === 'm.room.member' && text.stateKey === this.userId;
    return mayUserSeeEvent({
      visibility: place.visibility,
      previousVisibility: place.previousVisibility,
      membershipAtEvent,
      previousMembership: own ? this.#versionAt(place.position - 1)?.membership : undefined,
      joinedLater: this.#joinedAfter(place.position),
    });
  }

  /** The position of the user's first membership; 0 for whoever has none. */
  get begins(): number {
    return this.versions[0]?.position ?? 0;
  }

  /** Whether the user was joined at any time. */
  get everJoined(): boolean {
    return this.versions.some(({ membership }) => membership === 'join');
  }

  /** The position at which the user's membership ended for the last time; undefined while they are joined. */
  get leftAt(): number | undefined {
    const last = this.versions.at(-1);
    return last?.membership === 'join' ? undefined : last?.position;
  }

  /**
   * The position at which the user left who had joined, whatever their membership has become since: a ban or an invite that
   * came later shows nothing of the room. Undefined while they are joined, and for whoever never was.
   */
  get departedAt(): number | undefined {
    const lastJoin = this.versions.findLastIndex(({ membership }) => membership === 'join');
    return lastJoin < 0 ? undefined : this.versions[lastJoin + 1]?.position;
  }

  /** Where the user was last told that a membership of theirs had ended, before a position. */
  lastEndBefore(position: number): number | undefined {
    return this.versions.findLast(
      (version) => version.position <= position && ['leave', 'ban'].includes(version.membership ?? 'leave'),
    )?.position;
  }

  /** Events that were backfilled have it with them. */
  #atEvent({ position, memberships }: EventPlace): string | undefined {
    return memberships?.[this.userId] ?? this.#versionAt(position)?.membership;
  }

  #joinedAfter(position: number): boolean {
    return (
      this.versions.some((version) => version.position > position && version.membership === 'join') ||
      this.at(position) === 'join'
    );
  }

  #versionAt(position: number): MembershipVersion | undefined {
    const last = this.versions.at(-1);
    return last === undefined || last.position <= position
      ? last
      : this.versions.findLast((version) => version.position <= position);
  }
}
