import { MatrixError } from '@ganglion/contracts';
import { canonicalJsonString, type JsonObject, mayRedact, powerLevelsOf, type RoomEvent } from '@ganglion/protocol';
import type { CommitBuilder } from './commit-builder.js';
import type { EventDraft } from './event-builder.js';
import type { RoomStore, Transaction } from './ports.js';
import type { Command } from './room-actor.js';
import type { StateEntry } from './room-head.js';

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
  return async (commit) => {
    if (transaction === undefined) return append(store, commit, draft);
    const added = commit.sentIn(transaction);
    if (added !== undefined) return { eventId: added.event.eventId, roomSeq: added.roomSeq };
    const sentEarlier = () => store.findTransaction(commit.head.nid, transaction);
    // The commit itself finds out whether the transaction is a known one; only then it is worth looking for its event.
    const earlier = commit.afterConflict ? await sentEarlier() : undefined;
    return earlier ?? appendOrRepeat(() => append(store, commit, draft, transaction), sentEarlier);
  };
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
  commit: CommitBuilder,
  draft: EventDraft,
  transaction?: Transaction,
): Promise<SentEvent> {
  const unchanged = await unchangedState(store, commit, draft);
  if (unchanged !== undefined) return unchanged;
  const redacts = await redactedEvent(store, commit, draft);
  const { event, roomSeq } = await commit.append(draft, { transaction, redacts });
  return { eventId: event.eventId, roomSeq };
}

/** State that is set by the same sender to what it is already stays as it is; who is not in the room is not told so. */
async function unchangedState(
  store: RoomStore,
  { head }: CommitBuilder,
  { type, stateKey, sender, content }: EventDraft,
): Promise<SentEvent | undefined> {
  const entry = stateKey === undefined ? undefined : head.entry(type, stateKey);
  if (entry === undefined || entry.redacted || head.membership(sender) !== 'join') return undefined;
  const event = await loaded(store, head, entry);
  if (event.pdu.sender !== sender || !sameContent(event.pdu.content, content)) return undefined;
  return { eventId: entry.eventId, roomSeq: head.version };
}

/** The event of a state entry. */
export async function loaded(store: RoomStore, head: CommitBuilder['head'], entry: StateEntry): Promise<RoomEvent> {
  await store.loadEvents(head, [entry]);
  if (entry.event === undefined) throw new Error(`event ${entry.eventId} of room ${head.roomId} cannot be loaded`);
  return entry.event;
}

/** Whether two contents are the same, in whatever order of their keys. */
export function sameContent(one: JsonObject, other: JsonObject): boolean {
  return canonicalJsonString(one, { strict: false }) === canonicalJsonString(other, { strict: false });
}

/**
 * The event that a redaction takes the content of, once it is clear that the sender may: their own events, or any with
 * the power to redact.
 *
 * @throws MatrixError M_NOT_FOUND, M_FORBIDDEN
 * @see https://spec.matrix.org/v1.19/rooms/v11/#handling-redactions
 */
async function redactedEvent(
  store: RoomStore,
  { head }: CommitBuilder,
  draft: EventDraft,
): Promise<RoomEvent | undefined> {
  if (draft.type !== 'm.room.redaction' || draft.redacts === undefined) return undefined;
  const target = await store.findEvent(head.nid, draft.redacts);
  if (target === undefined) throw new MatrixError(404, 'M_NOT_FOUND', 'The room has no such event to redact');
  if (target.pdu.type === 'm.room.create' || target.pdu.type === 'm.room.server_acl') {
    throw new MatrixError(403, 'M_FORBIDDEN', `${target.pdu.type} events cannot be redacted`);
  }
  const levels = powerLevelsOf((type, stateKey) => head.event(type, stateKey), head.rules);
  if (!mayRedact(draft.sender, target.pdu, levels)) {
    throw new MatrixError(403, 'M_FORBIDDEN', `${draft.sender} does not have the power to redact events of others`);
  }
  return target;
}
