import { MatrixError, userSuspended } from '@ganglion/contracts';
import {
  canonicalJsonString,
  isValidEventId,
  type JsonObject,
  mayRedact,
  powerLevelsOf,
  relationOf,
} from '@ganglion/protocol';
import { checkNotBlocked } from './blocked.js';
import type { EventDraft } from './event-builder.js';
import type { LocalPlacement } from './placement/local-placement.js';
import type { FoundEvent, RoomStore, StateKey, Transaction } from './ports/rooms.js';
import { type Command, command } from './room-actor.js';
import type { RoomHead } from './room-head.js';

/** Where an event of a request stands in the room. */
export interface SentEvent {
  readonly eventId: string;
  readonly roomSeq: number;
}

/** Sends an event once: a repeated request gets the event of the first. */
export function sendEvent(
  store: RoomStore,
  draft: EventDraft,
  transaction: Transaction | undefined,
): Command<SentEvent> {
  const send = async (room: LocalPlacement) => {
    if (transaction === undefined) return append(store, room, draft);
    const added = room.plan.sentIn(transaction);
    if (added !== undefined) return { eventId: added.event.eventId, roomSeq: added.roomSeq! };
    const sentEarlier = () => store.findTransaction(room.head.nid, transaction);
    // The commit itself finds out whether the transaction is a known one; only then it is worth looking for its event.
    const earlier = room.plan.knownTransactions.has(transaction) ? await sentEarlier() : undefined;
    return earlier ?? appendOrRepeat(() => append(store, room, draft, transaction), sentEarlier);
  };
  return command(lookedAtBy(draft), send, { isForBlocked: true });
}

/** What was sent with a transaction before. @throws MatrixError M_NOT_FOUND when nothing was */
export function sentBefore(store: RoomStore, transaction: Transaction): Command<SentEvent> {
  const find = async (room: LocalPlacement) => {
    const added = room.plan.sentIn(transaction);
    if (added !== undefined) return { eventId: added.event.eventId, roomSeq: added.roomSeq! };
    const earlier = await store.findTransaction(room.head.nid, transaction);
    if (earlier === undefined) throw new MatrixError(404, 'M_NOT_FOUND', 'Nothing was sent with this transaction id');
    return earlier;
  };
  return command([], find, { isForBlocked: true });
}

/** Whoever is in a room that was blocked may leave it. */
function endsOwnMembership({ type, sender, stateKey, content }: EventDraft): boolean {
  return type === 'm.room.member' && stateKey === sender && content.membership === 'leave';
}

/** The members that sending an event looks at. */
export function lookedAtBy({ type, sender, stateKey }: EventDraft): StateKey[] {
  const member = (userId: string) => ({ type: 'm.room.member', stateKey: userId });
  return [member(sender), ...(type === 'm.room.member' && stateKey !== undefined ? [member(stateKey)] : [])];
}

/** What was granted once is not refused when it is asked for again, whatever has changed in between. */
async function appendOrRepeat(
  append: () => Promise<SentEvent>,
  sentEarlier: () => Promise<SentEvent | undefined>,
): Promise<SentEvent> {
  try {
    return await append();
  } catch (error) {
    const earlier = await sentEarlier();
    if (earlier === undefined) throw error;
    return earlier;
  }
}

async function append(
  store: RoomStore,
  room: LocalPlacement,
  draft: EventDraft,
  transaction?: Transaction,
): Promise<SentEvent> {
  if (!endsOwnMembership(draft)) checkNotBlocked(room.head);
  await checkTakesPart(store, room.head);
  const unchanged = unchangedState(room, draft);
  if (unchanged !== undefined) return unchanged;
  await checkBeginsThread(store, room, draft);
  const redacts = await redactedEvent(store, room, draft);
  const { event, roomSeq } = await room.append(draft, { transaction, redacts });
  return { eventId: event.eventId, roomSeq: roomSeq! };
}

/**
 * A room that we do not take part in goes on without us, unless nobody at all is left in it.
 *
 * @throws MatrixError M_FORBIDDEN
 */
export async function checkTakesPart(store: RoomStore, head: RoomHead): Promise<void> {
  if (head.isComplete || (head.participating && head.stateNid !== undefined)) return;
  if (head.stateNid === undefined || (await store.hasMembers(head.nid))) {
    throw new MatrixError(403, 'M_FORBIDDEN', 'This server does not take part in the room');
  }
}

/**
 * A thread begins with an event that relates to no other.
 *
 * @throws MatrixError M_UNKNOWN (400)
 * @see https://spec.matrix.org/v1.19/client-server-api/#validation-of-mthread-relationships
 */
async function checkBeginsThread(store: RoomStore, { head }: LocalPlacement, draft: EventDraft): Promise<void> {
  const relation = draft.stateKey === undefined ? relationOf(draft.content) : undefined;
  if (relation?.relType !== 'm.thread') return;
  if (!(await store.isRelated(head.nid, relation.eventId))) return;
  throw new MatrixError(400, 'M_UNKNOWN', 'A thread cannot begin with an event that relates to another one');
}

/** State that is set by the same sender to what it is already stays as it is; who is not in the room is not told so. */
function unchangedState(
  { head }: LocalPlacement,
  { type, stateKey, sender, content }: EventDraft,
): SentEvent | undefined {
  const entry = stateKey === undefined ? undefined : head.entry(type, stateKey);
  if (entry === undefined || entry.redacted || head.membership(sender) !== 'join') return undefined;
  const { pdu } = entry.event;
  if (pdu.sender !== sender || !sameContent(pdu.content, content)) return undefined;
  return { eventId: entry.eventId, roomSeq: head.roomSeq };
}

/** Whether two contents are the same, in whatever order of their keys. */
function sameContent(one: JsonObject, other: JsonObject): boolean {
  return canonicalJsonString(one, { strict: false }) === canonicalJsonString(other, { strict: false });
}

/**
 * The event that a redaction takes the content of, once it is clear that the sender may: their own events, or any with
 * the power to redact. Undefined for one that is not here.
 *
 * @throws MatrixError M_NOT_FOUND, M_FORBIDDEN, M_USER_SUSPENDED, M_INVALID_PARAM for an event of another room
 * @see https://spec.matrix.org/v1.19/rooms/v11/#handling-redactions
 */
async function redactedEvent(
  store: RoomStore,
  { head }: LocalPlacement,
  draft: EventDraft,
): Promise<FoundEvent | undefined> {
  if (draft.type !== 'm.room.redaction' || draft.redacts === undefined) return undefined;
  const target = await store.findEvent(head.nid, draft.redacts);
  const levels = powerLevelsOf((type, stateKey) => head.event(type, stateKey), head.rules);
  if (target === undefined) {
    // Others may have it, and it may come here later: whoever may redact anything need not know it.
    const mayRedactAll = !draft.redactsOwnOnly && levels.forUser(draft.sender) >= levels.redact;
    if (mayRedactAll && isValidEventId(draft.redacts)) return checkMayComeLater(store, head, draft.redacts);
    throw new MatrixError(404, 'M_NOT_FOUND', 'The room has no such event to redact');
  }
  const { pdu } = target.event;
  if (pdu.type === 'm.room.create' || pdu.type === 'm.room.server_acl') {
    throw new MatrixError(403, 'M_FORBIDDEN', `${pdu.type} events cannot be redacted`);
  }
  if (draft.redactsOwnOnly && pdu.sender !== draft.sender) throw userSuspended();
  if (!mayRedact(draft.sender, pdu, levels)) {
    throw new MatrixError(403, 'M_FORBIDDEN', `${draft.sender} does not have the power to redact events of others`);
  }
  return target;
}

/** What another room has will never be here: the redaction would take nothing, now or later. @throws MatrixError M_INVALID_PARAM */
async function checkMayComeLater(store: RoomStore, head: RoomHead, eventId: string): Promise<undefined> {
  if (!(await store.isOfOtherRoom(head.nid, eventId))) return;
  throw new MatrixError(400, 'M_INVALID_PARAM', 'The event to redact is not of this room');
}
