import type { LoggedEvent, RoomEvents } from '@ganglion/contracts/room';
import type { UserChanges } from '@ganglion/contracts/user';
import {
  type HistoryVisibility,
  type JsonObject,
  type Pdu,
  parseHistoryVisibility,
  type RoomVersionRules,
  redactSyncEvent,
  roomVersionRules,
  type SyncEvent,
  syncEvent,
} from '@ganglion/protocol';
import type {
  AccountDataRow,
  AppendBatch,
  AppendRoom,
  ReceiptRow,
  Redaction,
  StateLogEntry,
  TypingRow,
} from '../append-batch.js';
import type { EarlierEvent } from '../ports/append-model.js';
import type { TimelineEvent } from '../timeline-event.js';
import { type FixedUnsigned, fixedUnsignedText, parseFixedUnsigned } from './fixed-unsigned.js';
import { checkStorable, isStorableKey } from './storable.js';

/** What the builder knows of events that are replaced or redacted: those of the database, then those of the batch. */
export interface EarlierEvents {
  state(roomNid: number, type: string, stateKey: string): EarlierEvent | undefined;
  event(eventId: string): EarlierEvent | undefined;
  /** The events that came in the place of one in the state. */
  replacing(eventId: string): readonly EarlierEvent[];
}

/** Told of an event that no text for clients can be made of. It is left out, and the room goes on without it. */
export type OnUnreadable = (roomId: string, eventId: string, error: unknown) => void;

/**
 * Builds one append: gives each event the next position and makes the texts that clients will get. Synchronous; what it
 * needs of earlier events was looked up before.
 */
export class BatchBuilder {
  readonly #previousPosition: number;
  readonly #rooms = new Map<number, AppendRoom>();
  readonly #events: TimelineEvent[] = [];
  readonly #stateLog: StateLogEntry[] = [];
  readonly #redactions: Redaction[] = [];
  readonly #accountData: AccountDataRow[] = [];
  readonly #receipts: ReceiptRow[] = [];
  readonly #typing: TypingRow[] = [];
  readonly #userSeqs = new Map<string, number>();
  readonly #added = new Map<string, EarlierEvent>();
  readonly #addedState = new Map<string, EarlierEvent | undefined>();

  constructor(
    private position: number,
    private readonly earlier: EarlierEvents,
    private readonly onUnreadable: OnUnreadable,
  ) {
    this.#previousPosition = position;
  }

  get isEmpty(): boolean {
    // What is left out takes no position, but its room has gone on.
    return this.position === this.#previousPosition && this.#rooms.size + this.#userSeqs.size === 0;
  }

  batch(): AppendBatch {
    return {
      previousPosition: this.#previousPosition,
      position: this.position,
      rooms: [...this.#rooms.values()],
      events: this.#events,
      stateLog: this.#stateLog,
      redactions: this.#redactions,
      accountData: this.#accountData,
      receipts: this.#receipts,
      typing: this.#typing,
      userSeqs: [...this.#userSeqs].map(([userId, seq]) => ({ userId, seq })),
    };
  }

  /** Adds the events of a run that the room does not have yet. The run must follow on what the room has. */
  addRoomEvents(known: AppendRoom, { events, roomVersion }: RoomEvents): void {
    const room = this.#rooms.get(known.nid) ?? { ...known };
    const rules = roomVersionRules(roomVersion);
    if (rules === undefined) throw new Error(`unknown room version ${roomVersion}`);
    for (const event of events) {
      if (event.roomSeq <= room.seq) continue;
      if (event.roomSeq !== room.seq + 1) throw new Error(`room ${room.roomId} has a gap before ${event.roomSeq}`);
      try {
        this.#addEvent(room, event, rules);
      } catch (error) {
        this.onUnreadable(room.roomId, event.eventId, error);
      }
      room.seq = event.roomSeq;
      this.#rooms.set(room.nid, room);
    }
  }

  addUserChanges({ userId, changes }: UserChanges, knownSeq: number): void {
    let seq = this.#userSeqs.get(userId) ?? knownSeq;
    for (const { userSeq, accountData } of changes) {
      if (userSeq <= seq) continue;
      seq = userSeq;
      this.#userSeqs.set(userId, seq);
      if (accountData === undefined) continue;
      const { roomId, type, contentJson: content } = accountData;
      this.#accountData.push({ userId, roomId, type, content, position: ++this.position });
    }
  }

  addReceipt(receipt: Omit<ReceiptRow, 'position'>): void {
    this.#receipts.push({ ...receipt, position: ++this.position });
  }

  addTyping(row: Omit<TypingRow, 'position'>): void {
    this.#typing.push({ ...row, position: ++this.position });
  }

  /** The events that were added so far. */
  get events(): readonly TimelineEvent[] {
    return this.#events;
  }

  #addEvent(room: AppendRoom, logged: LoggedEvent, rules: RoomVersionRules): void {
    const pdu = JSON.parse(logged.pduJson) as Pdu;
    checkStorable(pdu);
    const position = ++this.position;
    const previousVisibility = room.visibility as HistoryVisibility;
    room.visibility = visibilityAfter(room, logged, pdu);
    const replaced = this.#replaced(room.nid, pdu);
    const event: TimelineEvent = {
      position,
      roomNid: room.nid,
      eventId: logged.eventId,
      type: pdu.type,
      stateKey: pdu.state_key,
      sender: pdu.sender,
      membership: membershipOf(pdu),
      visibility: room.visibility as HistoryVisibility,
      previousVisibility: room.visibility === previousVisibility ? undefined : previousVisibility,
      originServerTs: pdu.origin_server_ts,
      json: JSON.stringify(
        syncEvent({ eventId: logged.eventId, roomId: room.roomId, pdu, rejected: false }, { rules }),
      ),
      fixedUnsigned: fixedUnsignedText(replaced),
      replacesState: replaced.replaces_state,
      transaction: logged.transaction,
      traceparent: logged.traceparent,
    };
    this.#events.push(event);
    this.#added.set(event.eventId, event);
    this.#addStateChanges(room.nid, position, logged);
    if (logged.redactedEventId !== undefined) this.#redact(logged.redactedEventId, event, rules);
  }

  /** What a state event replaces, for `unsigned`. */
  #replaced(roomNid: number, { type, state_key }: Pdu): FixedUnsigned {
    const previous = state_key === undefined ? undefined : this.#state(roomNid, type, state_key);
    if (previous === undefined) return {};
    const { content, sender } = JSON.parse(previous.json);
    return { replaces_state: previous.eventId, prev_content: content, prev_sender: sender };
  }

  #addStateChanges(roomNid: number, position: number, { stateChanges }: LoggedEvent): void {
    for (const { type, stateKey, eventId } of stateChanges.filter(isStorableKey)) {
      const event = eventId === '' ? undefined : this.#event(eventId);
      const { position: eventPosition, membership } = event ?? {};
      this.#stateLog.push({ roomNid, type, stateKey, position, eventPosition, membership });
      this.#addedState.set(stateKeyOf(roomNid, type, stateKey), event);
    }
  }

  /** Takes the content out of the event, and out of whatever else shows it. */
  #redact(eventId: string, redaction: TimelineEvent, rules: RoomVersionRules): void {
    const target = this.#event(eventId);
    if (target === undefined || target.roomNid !== redaction.roomNid) return;
    const redacted = redactSyncEvent<SyncEvent & JsonObject>(JSON.parse(target.json), rules);
    this.#rewrite(target, { redacted_because: JSON.parse(redaction.json) }, redacted);
    for (const event of this.#replacing(eventId)) this.#rewrite(event, { prev_content: redacted.content });
    const { type, redacts } = JSON.parse(target.json);
    const victim = type === 'm.room.redaction' ? this.#event(redacts) : undefined;
    if (victim === undefined) return;
    const because = parseFixedUnsigned(victim.fixedUnsigned).redacted_because;
    if (because?.event_id === eventId) this.#rewrite(victim, { redacted_because: redacted });
  }

  #rewrite(event: EarlierEvent, unsigned: FixedUnsigned, shown?: JsonObject): void {
    const { eventId } = event;
    const json = shown === undefined ? event.json : JSON.stringify(shown);
    const fixedUnsigned = fixedUnsignedText({ ...parseFixedUnsigned(event.fixedUnsigned), ...unsigned });
    const rewritten = { eventId, json, fixedUnsigned };
    this.#redactions.push(rewritten);
    const added = this.#events.find((candidate) => candidate.eventId === eventId);
    if (added !== undefined) Object.assign(added, rewritten);
    this.#added.set(eventId, { ...event, ...rewritten });
  }

  /** The events that show the content of one that they replaced. */
  #replacing(eventId: string): EarlierEvent[] {
    const added = this.#events.filter(({ replacesState }) => replacesState === eventId);
    return [...this.earlier.replacing(eventId), ...added].map((event) => this.#added.get(event.eventId) ?? event);
  }

  #event(eventId: string): EarlierEvent | undefined {
    return this.#added.get(eventId) ?? this.earlier.event(eventId);
  }

  #state(roomNid: number, type: string, stateKey: string): EarlierEvent | undefined {
    const key = stateKeyOf(roomNid, type, stateKey);
    const state = this.#addedState.has(key) ? this.#addedState.get(key) : this.earlier.state(roomNid, type, stateKey);
    // As it is after what this batch redacts.
    return state && (this.#added.get(state.eventId) ?? state);
  }
}

export function stateKeyOf(roomNid: number, type: string, stateKey: string): string {
  return `${roomNid} ${type.length} ${type}${stateKey}`;
}

function membershipOf({ type, content }: Pdu): string | undefined {
  return type === 'm.room.member' && typeof content.membership === 'string' ? content.membership : undefined;
}

function visibilityAfter(room: AppendRoom, { stateChanges, eventId }: LoggedEvent, pdu: Pdu): string {
  const change = stateChanges.find(({ type, stateKey }) => type === 'm.room.history_visibility' && stateKey === '');
  if (change === undefined) return room.visibility;
  return parseHistoryVisibility(change.eventId === eventId ? pdu.content : undefined);
}
