import type { LoggedEvent } from '@ganglion/contracts/room';
import type { UserChanges } from '@ganglion/contracts/user';
import { exactJson, type HistoryVisibility, parseHistoryVisibility } from '@ganglion/protocol';
import {
  type AccountDataRow,
  type AppendBatch,
  type AppendedEvent,
  type AppendRoom,
  type DeviceMessageRow,
  type KeyChangeRow,
  NOT_WHOLE,
  type ReceiptRow,
  type Redaction,
  type RelationRow,
  type RoomBackfill,
  type RoomPurge,
  type StateJump,
  type StateLogEntry,
} from '../append-batch.js';
import type { EventText } from '../event-text.js';
import type { MessageList } from '../ports/device-message-model.js';
import type { PresenceRow } from '../presence/presence.js';
import { readStrippedState } from '../stripped-state.js';
import type { EventPlace } from '../timeline-event.js';
import type { TypingRow } from '../typing-lists.js';
import { isQuietEvent } from './quiet-events.js';
import { isJump, type ReadableEvent, type ReadableRun } from './readable-run.js';
import { relationRow } from './relation-rows.js';
import { type CurrentState, RoomStateChanges } from './room-state-changes.js';

/**
 * Builds one append: gives each event the next position and its place in the room. Synchronous; what it needs of the
 * states before was looked up.
 */
export class BatchBuilder {
  readonly #previousPosition: number;
  readonly #rooms = new Map<number, AppendRoom>();
  readonly #events: AppendedEvent[] = [];
  readonly #backfilled: EventPlace[] = [];
  readonly #state: RoomStateChanges;
  readonly #jumps: StateJump[] = [];
  readonly #redactions: Redaction[] = [];
  readonly #purges: RoomPurge[] = [];
  readonly #backfills = new Map<number, RoomBackfill>();
  readonly #relations: RelationRow[] = [];
  readonly #accountData: AccountDataRow[] = [];
  readonly #receipts: ReceiptRow[] = [];
  readonly #typing: TypingRow[] = [];
  readonly #deviceMessages: DeviceMessageRow[] = [];
  readonly #keyChanges: KeyChangeRow[] = [];
  readonly #presence: PresenceRow[] = [];
  readonly #placedMessageLists: number[] = [];
  #typingEndsAt: number | undefined;
  readonly #userSeqs = new Map<string, number>();

  constructor(
    private position: number,
    current: CurrentState,
    isLocal: (userId: string) => boolean,
  ) {
    this.#previousPosition = position;
    this.#state = new RoomStateChanges(current, isLocal);
  }

  get isEmpty(): boolean {
    // What is left out takes no position, but its room has gone on.
    return this.position === this.#previousPosition && this.#rooms.size + this.#userSeqs.size === 0;
  }

  batch(): AppendBatch {
    const redacted = new Set(this.#redactions.map(({ eventNid }) => eventNid));
    return {
      previousPosition: this.#previousPosition,
      position: this.position,
      rooms: [...this.#rooms.values()],
      events: this.#events,
      backfilled: this.#backfilled,
      stateKeys: this.#state.keys,
      stateLog: this.#state.log,
      jumps: this.#jumps,
      redactions: this.#redactions,
      purges: this.#purges,
      backfills: [...this.#backfills.values()],
      relations: this.#relations.filter(({ eventNid }) => !redacted.has(eventNid)),
      memberships: this.#state.memberships,
      accountData: this.#accountData,
      receipts: this.#receipts,
      typing: { rows: this.#typing, endsAt: this.#typingEndsAt },
      deviceMessages: this.#deviceMessages,
      placedMessageLists: this.#placedMessageLists,
      keyChanges: this.#keyChanges,
      presence: this.#presence,
      userSeqs: [...this.#userSeqs].map(([userId, seq]) => ({ userId, seq })),
    };
  }

  /**
   * Adds the events of a run that the room does not have yet. The run must follow on what the room has, but for what was
   * purged of the log.
   */
  addRun(known: AppendRoom, { events }: ReadableRun): void {
    const room = this.#rooms.get(known.nid) ?? { ...known };
    for (const event of events) {
      const { roomSeq } = event.logged;
      if (roomSeq < 0 ? roomSeq >= room.backSeq : roomSeq <= room.seq) continue;
      if (roomSeq < 0) room.backSeq = roomSeq;
      else room.seq = roomSeq;
      this.#rooms.set(room.nid, room);
      this.#addEvent(room, event);
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

  addPurge(roomNid: number, eventNids: readonly number[]): void {
    this.#purges.push({ roomNid, position: ++this.position, eventNids });
  }

  addReceipt(receipt: Omit<ReceiptRow, 'position'>): void {
    this.#receipts.push({ ...receipt, position: ++this.position });
  }

  addDeviceMessages({ listId, messages }: MessageList): void {
    this.#placedMessageLists.push(listId);
    for (const message of messages) this.#deviceMessages.push({ ...message, position: ++this.position });
  }

  addKeyChange(change: Omit<KeyChangeRow, 'position'>): void {
    this.#keyChanges.push({ ...change, position: ++this.position });
  }

  addPresence(change: Omit<PresenceRow, 'position'>): void {
    this.#presence.push({ ...change, position: ++this.position });
  }

  addTyping(row: Omit<TypingRow, 'position'>): void {
    this.#typing.push({ ...row, position: ++this.position });
  }

  /** Nobody knows who was typing before. */
  endTyping(): void {
    this.#typingEndsAt = ++this.position;
  }

  /** The changes of state that were added so far. */
  get stateLog(): readonly StateLogEntry[] {
    return this.#state.log;
  }

  #addEvent(room: AppendRoom, event: ReadableEvent): void {
    const { logged, text } = event;
    if (logged.stateOnly) this.#addStateOnly(room, logged);
    if (text === undefined || logged.stateOnly) return;
    if (logged.strippedStateJson !== undefined) this.#addOutOfBand(room, text, logged.strippedStateJson);
    else if (logged.roomSeq < 0) this.#addBackfilled(room, event, text);
    else this.#addLive(room, event, text);
  }

  #addLive(room: AppendRoom, event: ReadableEvent, text: EventText): void {
    const { logged } = event;
    const { type, stateKey } = text;
    const place = placeOf(room, ++this.position, event);
    const replaced = stateKey === undefined ? undefined : this.#state.replaced(room.nid, type, stateKey);
    const replacesNid = replaced === logged.eventNid ? undefined : replaced;
    // Of one that was redacted before it came, the text is as it was signed: readers ask for what it is now.
    const shown = logged.redactedBecause === undefined ? text : undefined;
    const isQuiet = isQuietEvent(text);
    this.#events.push({ ...place, replacesNid, isQuiet, text: shown, traceparent: logged.traceparent });
    if (shown !== undefined) this.#addRelation(room, place, shown);
    if (place.redactsNid !== undefined) this.#redactions.push({ roomNid: room.nid, eventNid: place.redactsNid });
    if (logged.partialState !== undefined) room.wholeFrom = logged.partialState ? NOT_WHOLE : place.position;
    if (isJump(event)) this.#addJump(place);
    else this.#state.add(room, place.position, logged.stateChanges);
  }

  /** The members of a room have come that was joined without them. Nobody who has it in memory has any use for that. */
  #addStateOnly(room: AppendRoom, { partialState }: LoggedEvent): void {
    const position = ++this.position;
    if (partialState === false) room.wholeFrom = position;
    this.#jumps.push({ roomNid: room.nid, position });
    this.#purges.push({ roomNid: room.nid, position, eventNids: [] });
  }

  /** It takes no position, but that it has come takes one, and so does what it redacts, as that may be live. */
  #addBackfilled(room: AppendRoom, event: ReadableEvent, text: EventText): void {
    const place = placeOf(room, event.logged.roomSeq, event);
    const { roomNid, redactsNid: eventNid } = place;
    this.#backfilled.push(place);
    if (!this.#backfills.has(roomNid)) this.#backfills.set(roomNid, { roomNid, position: ++this.position });
    if (event.logged.redactedBecause === undefined) this.#addRelation(room, place, text);
    if (eventNid !== undefined) this.#redactions.push({ roomNid, eventNid, position: ++this.position });
  }

  #addRelation(room: AppendRoom, place: EventPlace, text: EventText): void {
    const row = relationRow(place, text);
    if (row === undefined) return;
    this.#relations.push(row);
    room.relationsPosition = Math.max(place.position, this.position);
  }

  #addJump({ roomNid, position }: EventPlace): void {
    this.#events.push({ ...this.#events.pop()!, isJump: true });
    this.#jumps.push({ roomNid, position });
  }

  /** Tells one of our users of an invite to a room that we are not in, or of its end: the room itself goes on elsewhere. */
  #addOutOfBand(room: AppendRoom, text: EventText, strippedStateJson: string): void {
    const { stateKey: userId = '', membership = 'leave', eventNid } = text;
    const position = ++this.position;
    const strippedState = exactJson.stringify(readStrippedState(strippedStateJson));
    this.#state.tell({ userId, roomNid: room.nid, membership, position, eventNid, strippedState });
  }
}

function placeOf({ nid }: AppendRoom, position: number, { logged, depth }: ReadableEvent): EventPlace {
  const { eventNid, redactedEventNid, visibility, previousVisibility, memberships } = logged;
  return {
    roomNid: nid,
    position,
    eventNid,
    depth,
    redactsNid: redactedEventNid || undefined,
    visibility: readVisibility(visibility),
    previousVisibility: previousVisibility === undefined ? undefined : readVisibility(previousVisibility),
    memberships: memberships.length === 0 ? undefined : membershipsOf(memberships),
  };
}

function readVisibility(visibility: string): HistoryVisibility {
  return parseHistoryVisibility({ history_visibility: visibility });
}

function membershipsOf(memberships: LoggedEvent['memberships']): Readonly<Record<string, string>> {
  return Object.fromEntries(memberships.map(({ userId, membership }) => [userId, membership]));
}
