import { MatrixError } from '@ganglion/contracts';
import { redactEventJson, roomVersionRules } from '@ganglion/protocol';
import { type ErasureKnown, hiddenOfErased } from './hidden-of-erased.js';
import { MembersUnknownError } from './partial-state.js';
import type { StateSource } from './ports/state-source.js';

/** An event as it was signed, and what redacted it. */
export interface StateEvent {
  readonly eventNid: number;
  readonly sender: string;
  readonly eventId: string;
  readonly pduJson: string;
  readonly redaction: Redaction | undefined;
}

interface Redaction {
  readonly nid: number;
  readonly sender: string;
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

/** Some of the entries of a state, in the order of the numbers of their keys: an entry that changes between pages comes once. */
export interface StatePage {
  readonly afterKey: number;
  readonly limit: number;
}

export interface PagedState {
  readonly keyNid: number;
  readonly event: StateEvent;
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

/** Nobody is banned and let go again more often, unless to make us work. */
const MOST_STEPS_BACK = 50;

/**
 * The state of a room as the user may see it: as it is now for members and in rooms that the world may read, as it was when
 * they left for those who had joined.
 *
 * @throws MatrixError M_FORBIDDEN, also for a room that does not exist: nobody learns which rooms do; MembersUnknownError
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidstate
 */
export async function visibleState(source: StateSource, query: StateQuery, erased?: ErasureKnown) {
  const user = await source.membership(query.roomId, query.userId);
  if (user === undefined) throw notInRoom(query.userId);
  const events = await stateSeenBy(source, user, query);
  const isMember = query.type === 'm.room.member' && query.stateKey !== undefined;
  const needsMembers = query.type === undefined || query.type === 'm.room.member';
  if (user.isPartial && needsMembers && !(isMember && events.length > 0)) throw new MembersUnknownError();
  return {
    version: user.roomVersion,
    events: await shown(source, { ...user, userId: query.userId }, events, erased),
    departed: seesPresent(user) ? undefined : true,
  };
}

/** Of a state event, with which user of ours was erased being known, without what only those may read who were there. */
async function shown(
  source: StateSource,
  reader: UserInRoom & { readonly userId: string },
  events: readonly StateEvent[],
  erased: ErasureKnown | undefined,
): Promise<VisibleEvent[]> {
  const hidden = await hiddenOfErased(source, reader, events, (await erased?.known()) ?? new Set());
  return events.map((event) => visible(event, reader.roomVersion, hidden));
}

async function stateSeenBy(source: StateSource, user: UserInRoom, { userId, type, stateKey }: StateQuery) {
  if (seesPresent(user)) return source.current(user.roomNid, type, stateKey);
  const departure = await departureOf(source, user, userId);
  if (departure === undefined) throw notInRoom(userId);
  return source.around(user.roomNid, departure, 'after', type, stateKey);
}

/** Of a page, in characters; the first entry is in it however large it is. */
const PAGE_CHARACTERS = 4_000_000;

/**
 * A page of what visibleState() answers with, and behind which key the next one begins.
 *
 * @throws MatrixError M_FORBIDDEN; MembersUnknownError
 */
export async function visibleStatePage(source: StateSource, query: StateQuery, page: StatePage, erased: ErasureKnown) {
  const { roomId, userId, type } = query;
  const user = await source.membership(roomId, userId);
  if (user === undefined) throw notInRoom(userId);
  if (user.isPartial && (type === undefined || type === 'm.room.member')) throw new MembersUnknownError();
  const entries = await pageSeenBy(source, user, { userId, type, page });
  let characters = 0;
  const tooMuch = entries.findIndex(({ event }, index) => {
    characters += event.pduJson.length + (event.redaction?.pduJson.length ?? 0);
    return index > 0 && characters > PAGE_CHARACTERS;
  });
  const told = tooMuch < 0 ? entries : entries.slice(0, tooMuch);
  const isLast = tooMuch < 0 && entries.length < page.limit;
  return {
    version: user.roomVersion,
    events: await shown(
      source,
      { ...user, userId },
      told.map(({ event }) => event),
      erased,
    ),
    nextKey: isLast ? undefined : told.at(-1)?.keyNid,
    departed: seesPresent(user) ? undefined : true,
  };
}

interface PageQuery {
  readonly userId: string;
  readonly type: string | undefined;
  readonly page: StatePage;
}

async function pageSeenBy(source: StateSource, user: UserInRoom, { userId, type, page }: PageQuery) {
  if (seesPresent(user)) return source.currentPage(user.roomNid, page, type);
  const departure = await departureOf(source, user, userId);
  if (departure === undefined) throw notInRoom(userId);
  return source.pageAfter(user.roomNid, departure, page, type);
}

function seesPresent({ membership, historyVisibility }: UserInRoom): boolean {
  return membership === 'join' || historyVisibility === 'world_readable';
}

/** An event without what redactions took, of it or of what redacted it, and without what those have said who are hidden. */
export function visible(
  { eventNid, eventId, pduJson, redaction }: Omit<StateEvent, 'sender'>,
  roomVersion: string,
  hidden: ReadonlySet<number> = new Set(),
): VisibleEvent {
  const rules = roomVersionRules(roomVersion);
  if (rules === undefined) return { eventNid, eventId, pduJson, redactedBecause: undefined };
  const json = redaction !== undefined || hidden.has(eventNid) ? redactEventJson(pduJson, rules) : pduJson;
  if (redaction === undefined) return { eventNid, eventId, pduJson: json, redactedBecause: undefined };
  const { nid, eventId: becauseId, isRedacted } = redaction;
  const because = isRedacted || hidden.has(nid) ? redactEventJson(redaction.pduJson, rules) : redaction.pduJson;
  const redactedBecause = { eventNid: nid, eventId: becauseId, pduJson: because, redactedBecause: undefined };
  return { eventNid, eventId, pduJson: json, redactedBecause };
}

/**
 * The event that made somebody leave who had joined. They may have been banned, unbanned or invited since, or have knocked:
 * that shows them nothing new and takes away nothing. Undefined for whoever never was there.
 */
async function departureOf(source: StateSource, user: UserInRoom, userId: string): Promise<number | undefined> {
  let { eventNid } = user;
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
