import type { RoomEvents, RoomLog } from '@ganglion/contracts/room';
import type { UserChanges, UserLog } from '@ganglion/contracts/user';
import { atTracePoint, type TracePoint, tracePoint } from '@ganglion/telemetry';
import { LRUCache } from 'lru-cache';
import type { AppendBatch, AppendRoom } from '../append-batch.js';
import type { AppendModel, EarlierEvent } from '../ports/append-model.js';
import type { UnplacedReceipt } from '../ports/receipt-model.js';
import { BatchBuilder, type EarlierEvents, type OnUnreadable, stateKeyOf } from './batch-builder.js';
import { isStorableKey } from './storable.js';
import type { TypingNote, TypingRooms } from './typing-rooms.js';
import { readUserLog } from './user-log.js';

export type Incoming =
  | { readonly room: RoomEvents }
  /** What comes from the log lacks nothing before it that still counts. */
  | { readonly user: UserChanges; readonly fromLog?: boolean }
  | { readonly receipts: readonly UnplacedReceipt[] }
  /** Without a note, only what has lasted too long ends. */
  | { readonly typing: TypingNote | undefined };

/** This process no longer is the appender. What it was given goes to the next one. */
export class TermOverError extends Error {
  override readonly name = 'TermOverError';
}

interface Waiting {
  readonly incoming: Incoming;
  readonly tracePoint: TracePoint | undefined;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const MAX_RUNS = 500;
const MAX_ROOMS = 20_000;
const LOG_PAGE = 200;
const NOTHING_EARLIER: EarlierEvents = { state: () => undefined, event: () => undefined, replacing: () => [] };

/**
 * Hands out positions, one batch after the other, for one term of leadership. What it knows already it drops; where
 * events are missing in between, it reads them from the room's log.
 */
export class Appender {
  #waiting: Waiting[] = [];
  #running = false;
  readonly #rooms = new LRUCache<string, AppendRoom>({ maxSize: MAX_ROOMS, sizeCalculation: () => 1 });
  readonly #userSeqs = new LRUCache<string, number>({ maxSize: MAX_ROOMS, sizeCalculation: () => 1 });

  constructor(
    private position: number,
    private readonly epoch: number,
    private readonly model: AppendModel,
    private readonly log: RoomLog,
    private readonly userLog: UserLog,
    private readonly typing: TypingRooms,
    private readonly appended: (batch: AppendBatch) => void,
    private readonly unreadable: OnUnreadable,
  ) {}

  /** Resolves once it is appended. @throws TermOverError, or what the database failed with */
  append(incoming: Incoming): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ incoming, tracePoint: tracePoint(), resolve, reject });
      if (!this.#running) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#running = true;
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, MAX_RUNS);
      await this.#settle(group);
    }
    this.#running = false;
  }

  /** What the database refuses must not take along what came with it: then each is tried by itself. */
  async #settle(group: readonly Waiting[]): Promise<void> {
    try {
      const first = group.find((waiting) => waiting.tracePoint !== undefined)?.tracePoint;
      await atTracePoint(first, () => this.#appendGroup(group.map(({ incoming }) => incoming)));
      for (const { resolve } of group) resolve();
    } catch (error) {
      // What was cached may be ahead of the database now.
      this.#rooms.clear();
      this.#userSeqs.clear();
      const together = group.length === 1 || error instanceof TermOverError || this.model.isAway(error);
      if (together) for (const { reject } of group) reject(error);
      else for (const waiting of group) await this.#settle([waiting]);
    }
  }

  async #appendGroup(group: readonly Incoming[]): Promise<void> {
    const runs = group.flatMap((incoming) => ('room' in incoming ? [incoming.room] : []));
    const changes = group.flatMap((incoming) => ('user' in incoming ? [incoming.user] : []));
    await Promise.all([this.#knowRooms(runs), this.#knowUsers(changes)]);
    for (const incoming of group) if ('user' in incoming && !incoming.fromLog) await this.#fillGapBefore(incoming.user);
    const complete = await this.#withoutGaps(runs);
    const builder = new BatchBuilder(this.position, await this.#earlierEvents(complete), this.unreadable);
    for (const run of complete) builder.addRoomEvents(this.#rooms.get(run.roomId)!, run);
    for (const change of changes) builder.addUserChanges(change, this.#userSeqs.get(change.userId) ?? 0);
    this.#addEphemeral(builder, group);
    if (!builder.isEmpty) await this.#write(builder.batch());
  }

  async #write(batch: AppendBatch): Promise<void> {
    if (!(await this.model.append(batch, this.epoch))) throw new TermOverError(`term ${this.epoch} is over`);
    this.position = batch.position;
    for (const room of batch.rooms) this.#rooms.set(room.roomId, room);
    for (const { userId, seq } of batch.userSeqs) this.#userSeqs.set(userId, seq);
    this.typing.wasPlaced(batch.typing);
    this.appended(batch);
  }

  /** Whatever becomes of the batch, what is typed goes on in memory: the next one brings what this one could not. */
  #addEphemeral(builder: BatchBuilder, group: readonly Incoming[]): void {
    const now = Date.now();
    for (const incoming of group) {
      if ('receipts' in incoming) for (const receipt of incoming.receipts) builder.addReceipt(receipt);
      if ('typing' in incoming && incoming.typing !== undefined) this.typing.note(incoming.typing, now);
    }
    for (const event of builder.events) this.typing.noteEvent(event);
    this.typing.expire(now);
    for (const row of this.typing.changes()) builder.addTyping(row);
  }

  async #knowRooms(runs: readonly RoomEvents[]): Promise<void> {
    const unknown = new Map(runs.filter(({ roomId }) => !this.#rooms.has(roomId)).map((run) => [run.roomId, run]));
    if (unknown.size === 0) return;
    for (const room of await this.model.rooms([...unknown.values()])) this.#rooms.set(room.roomId, room);
  }

  async #knowUsers(changes: readonly UserChanges[]): Promise<void> {
    const unknown = [...new Set(changes.map(({ userId }) => userId))].filter((userId) => !this.#userSeqs.has(userId));
    if (unknown.length === 0) return;
    const known = await this.model.userSeqs(unknown);
    for (const userId of unknown) this.#userSeqs.set(userId, known.get(userId) ?? 0);
  }

  /**
   * Changes of one user are published by whichever replica made them, so one may be here before an earlier one, or be all
   * that the bus has kept. What is missing is read from the user's log and appended first: once a later number is known,
   * an earlier one would be taken for one that was seen.
   */
  async #fillGapBefore({ userId, changes }: UserChanges): Promise<void> {
    const known = () => this.#userSeqs.get(userId) ?? 0;
    const first = changes[0]?.userSeq ?? 0;
    if (first <= known() + 1) return;
    for await (const page of readUserLog(this.userLog, userId, known())) {
      const builder = new BatchBuilder(this.position, NOTHING_EARLIER, this.unreadable);
      builder.addUserChanges(page, known());
      if (!builder.isEmpty) await this.#write(builder.batch());
    }
  }

  /** The runs with what is missing before them put in from the room's log. */
  async #withoutGaps(runs: readonly RoomEvents[]): Promise<RoomEvents[]> {
    const reached = new Map<string, number>();
    const complete: RoomEvents[] = [];
    for (const run of runs) {
      const seq = reached.get(run.roomId) ?? this.#rooms.get(run.roomId)?.seq ?? 0;
      const first = run.events[0]?.roomSeq ?? seq + 1;
      if (first > seq + 1) complete.push(...(await this.#readLog(run.roomId, seq, first)));
      complete.push(run);
      reached.set(run.roomId, Math.max(seq, run.events.at(-1)?.roomSeq ?? 0));
    }
    return complete;
  }

  async #readLog(roomId: string, afterSeq: number, before: number): Promise<RoomEvents[]> {
    const pages: RoomEvents[] = [];
    for (let seq = afterSeq; seq < before - 1; ) {
      const { events } = await this.log.getRoomEvents({ roomId, afterSeq: seq, limit: LOG_PAGE, backfilled: false });
      const last = events?.events.at(-1);
      if (events === undefined || last === undefined) throw new Error(`the log of ${roomId} ends at ${seq}`);
      pages.push(events);
      seq = last.roomSeq;
    }
    return pages;
  }

  /** Looks up what the new events replace or redact, and what shows that. */
  async #earlierEvents(runs: readonly RoomEvents[]): Promise<EarlierEvents> {
    const keys = new Map<string, { roomNid: number; type: string; stateKey: string }>();
    const ids = new Set<string>();
    const redacted = new Set<string>();
    for (const { roomId, events } of runs) {
      const roomNid = this.#rooms.get(roomId)?.nid ?? 0;
      for (const { stateChanges, redactedEventId, eventId } of events) {
        if (redactedEventId !== undefined) redacted.add(redactedEventId);
        for (const change of stateChanges.filter(isStorableKey)) {
          keys.set(stateKeyOf(roomNid, change.type, change.stateKey), { roomNid, ...change });
          if (change.eventId !== eventId && change.eventId !== '') ids.add(change.eventId);
        }
      }
    }
    const [state, events, replacing] = await Promise.all([
      this.model.currentState([...keys.values()]),
      this.model.events([...ids, ...redacted]),
      this.model.replacing([...redacted]),
    ]);
    const shownRedactions = events.flatMap(({ type, json }) =>
      type === 'm.room.redaction' ? [JSON.parse(json).redacts] : [],
    );
    return indexed(state, [...events, ...(await this.model.events(shownRedactions.filter(isString)))], replacing);
  }
}

const isString = (value: unknown): value is string => typeof value === 'string';

function indexed(
  state: readonly EarlierEvent[],
  events: readonly EarlierEvent[],
  replacing: readonly EarlierEvent[],
): EarlierEvents {
  const byKey = new Map(state.map((event) => [stateKeyOf(event.roomNid, event.type, event.stateKey ?? ''), event]));
  const byId = new Map([...state, ...events].map((event) => [event.eventId, event]));
  return {
    state: (roomNid, type, stateKey) => byKey.get(stateKeyOf(roomNid, type, stateKey)),
    event: (eventId) => byId.get(eventId),
    replacing: (eventId) => replacing.filter(({ replacesState }) => replacesState === eventId),
  };
}
