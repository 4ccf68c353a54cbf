import type { HistoryVisibility } from './history-visibility.js';

/** The part of the state at an event that decides whether a user may see it. */
export interface VisibilityAtEvent {
  /** In the state at the event, the event itself included. */
  readonly visibility: HistoryVisibility;
  /** Before the event. Only for an `m.room.history_visibility` event; for others it is the same as `visibility`. */
  readonly previousVisibility?: HistoryVisibility | undefined;
}

/** What decides whether one user may see one event. */
export interface UserView extends VisibilityAtEvent {
  /** The user's `membership` in the state at the event, the event itself included; undefined if they never had one. */
  readonly membershipAtEvent: string | undefined;
  /** Before the event. Only for the user's own `m.room.member` event, and there undefined means that they had none. */
  readonly previousMembership?: string | undefined;
  /** The user was joined at any point after the event, whether or not they are joined now. */
  readonly joinedLater: boolean;
}

/** What decides whether one server may see one event. */
export interface ServerView extends VisibilityAtEvent {
  /**
   * The memberships that users of the server have in the state at the event. For an `m.room.member` event of one of
   * them, both what that user was before it and what it made them.
   */
  readonly membershipsAtEvent: Iterable<string>;
  /** Some user of the server was joined at any point after the event. */
  readonly joinedLater: boolean;
}

/**
 * Whether a user may see an event, given the state at it. An event that changes the visibility, or the user's own
 * membership, may be seen if what held before it or what holds after it allows so.
 *
 * Beyond the letter of the rules, users always see what ends their own invite or knock: it takes back
 * something that they have been shown.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#room-history-visibility
 */
export function mayUserSeeEvent(view: UserView): boolean {
  if (view.previousMembership === 'invite' || view.previousMembership === 'knock') return true;
  const memberships = [view.membershipAtEvent, view.previousMembership];
  return visibilitiesOf(view).some((visibility) => isVisible(visibility, memberships, view.joinedLater));
}

/**
 * Whether a server may be given an event in full: whether any of its users may see it.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#room-history-visibility
 */
export function mayServerSeeEvent(view: ServerView): boolean {
  const memberships = [...view.membershipsAtEvent];
  return visibilitiesOf(view).some((visibility) => isVisible(visibility, memberships, view.joinedLater));
}

function visibilitiesOf({ visibility, previousVisibility }: VisibilityAtEvent): HistoryVisibility[] {
  return previousVisibility === undefined ? [visibility] : [visibility, previousVisibility];
}

/** The numbered rules of the specification, for whichever of the memberships opens most. */
function isVisible(
  visibility: HistoryVisibility,
  memberships: readonly (string | undefined)[],
  joinedLater: boolean,
): boolean {
  if (visibility === 'world_readable') return true;
  if (memberships.includes('join')) return true;
  if (visibility === 'shared') return joinedLater;
  return visibility === 'invited' && memberships.includes('invite');
}
