import { MatrixError } from '@ganglion/contracts';
import { redactEventJson, roomVersionRules } from '@ganglion/protocol';
import { MembersUnknownError } from './partial-state.js';

/** An event as it was signed, and what redacted it. */
export interface StateEvent {
  readonly eventNid: number;
  readonly eventId: string;
  readonly pduJson: string;
  readonly redaction: Redaction | undefined;
}

interface Redaction {
  readonly nid: number;
  readonly eventId: string;
  readonly pduJson: string;
  readonly isRedacted: boolean;
}

/** An event as it may be shown: without what a redaction took. */
export interface VisibleEvent {
  readonly eventNid: number;
  readonly eventId: string;
  readonly pduJson: string;
  readonly redactedBecause: VisibleEvent | undefined;
}

/** What the state of rooms is read from. */
export interface StateSource {
  membership(roomId: string, userId: string): Promise<UserInRoom | undefined>;
  current(roomNid: number, type?: string, stateKey?: string): Promise<StateEvent[]>;
  around(
    roomNid: number,
    eventNid: number,
    side: 'before' | 'after',
    type?: string,
    stateKey?: string,
  ): Promise<StateEvent[]>;
}

export interface UserInRoom {
  readonly roomNid: number;
  readonly roomVersion: string;
  readonly membership: string | undefined;
  readonly eventNid: number | undefined;
  readonly historyVisibility: string | undefined;
  /** Most members of the room are not known yet. */
  readonly isPartial: boolean;
}

export interface StateQuery {
  readonly roomId: string;
  readonly userId: string;
  readonly type?: string | undefined;
  readonly stateKey?: string | undefined;
}

const HAVE_LEFT: ReadonlySet<string | undefined> = new Set(['leave', 'ban']);
/** Nobody is banned and let go again more often, unless to make us work. */
const MOST_STEPS_BACK = 50;

/**
 * The state of a room as the user may see it: as it is now for members and in rooms that the world may read, as it was when
 * they left for those who had joined.
 *
 * @throws MatrixError M_FORBIDDEN, also for a room that does not exist: nobody learns which rooms do; MembersUnknownError
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidstate
 */
export async function visibleState(source: StateSource, query: StateQuery) {
  const user = await source.membership(query.roomId, query.userId);
  if (user === undefined) throw notInRoom(query.userId);
  const events = await stateSeenBy(source, user, query);
  const isMember = query.type === 'm.room.member' && query.stateKey !== undefined;
  const needsMembers = query.type === undefined || query.type === 'm.room.member';
  if (user.isPartial && needsMembers && !(isMember && events.length > 0)) throw new MembersUnknownError();
  return { version: user.roomVersion, events: events.map((event) => visible(event, user.roomVersion)) };
}

async function stateSeenBy(source: StateSource, user: UserInRoom, { userId, type, stateKey }: StateQuery) {
  if (user.membership === 'join' || user.historyVisibility === 'world_readable') {
    return source.current(user.roomNid, type, stateKey);
  }
  const departure = await departureOf(source, user, userId);
  if (departure === undefined) throw notInRoom(userId);
  return source.around(user.roomNid, departure, 'after', type, stateKey);
}

/** An event without what redactions took, of it or of what redacted it. */
export function visible({ eventNid, eventId, pduJson, redaction }: StateEvent, roomVersion: string): VisibleEvent {
  const rules = roomVersionRules(roomVersion);
  if (redaction === undefined || rules === undefined) return { eventNid, eventId, pduJson, redactedBecause: undefined };
  const because = redaction.isRedacted ? redactEventJson(redaction.pduJson, rules) : redaction.pduJson;
  const { nid, eventId: becauseId } = redaction;
  const redactedBecause = { eventNid: nid, eventId: becauseId, pduJson: because, redactedBecause: undefined };
  return { eventNid, eventId, pduJson: redactEventJson(pduJson, rules), redactedBecause };
}

/**
 * The event that made somebody leave who had joined. They may have been banned, unbanned or invited since, and have declined:
 * that shows them nothing new and takes away nothing. Undefined for whoever never was there or has not answered yet.
 */
async function departureOf(source: StateSource, user: UserInRoom, userId: string): Promise<number | undefined> {
  let eventNid = HAVE_LEFT.has(user.membership) ? user.eventNid : undefined;
  for (let step = 0; eventNid !== undefined && step < MOST_STEPS_BACK; step++) {
    const [before] = await source.around(user.roomNid, eventNid, 'before', 'm.room.member', userId);
    if (before !== undefined && JSON.parse(before.pduJson).content.membership === 'join') return eventNid;
    eventNid = before?.eventNid;
  }
  return undefined;
}

function notInRoom(userId: string): MatrixError {
  return new MatrixError(403, 'M_FORBIDDEN', `${userId} is not in the room`);
}
