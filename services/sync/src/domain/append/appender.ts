import { setTimeout as sleep } from 'node:timers/promises';
import { partsOf } from '@ganglion/contracts';
import type { KeyChange, KeyLog } from '@ganglion/contracts/keys';
import type { RoomEvents, RoomLog } from '@ganglion/contracts/room';
import type { UserChanges, UserLog } from '@ganglion/contracts/user';
import { atTracePoint, type TracePoint, tracePoint } from '@ganglion/telemetry';
import { LRUCache } from 'lru-cache';
import type { AppendBatch, AppendRoom } from '../append-batch.js';
import type { PresenceCall } from '../ephemeral/typing-calls.js';
import type { AppendModel, JumpName, PurgeName, RoomEntryName } from '../ports/append-model.js';
import type { DeviceListModel } from '../ports/device-list-model.js';
import type { MessageList } from '../ports/device-message-model.js';
import type { PresenceModel } from '../ports/presence-model.js';
import type { NewReceipt } from '../ports/receipt-model.js';
import type { PresenceRow, RemotePresence } from '../presence/presence.js';
import type { PresenceDesk } from '../presence/presence-desk.js';
import { isStorableKey } from '../storable.js';
import { BatchBuilder } from './batch-builder.js';
import { JumpStage } from './jump-stage.js';
import { KeyIntake } from './key-intake.js';
import { type OnUnreadable, piecesOf, type ReadableRun, readRun } from './readable-run.js';
import { type CurrentState, stateKeyOf } from './room-state-changes.js';
import type { TypingNote, TypingRooms } from './typing-rooms.js';
import { readUserLog } from './user-log.js';

export type Incoming =
  | { readonly room: RoomEvents }
  /** What comes from the log lacks nothing before it that still counts. */
  | { readonly user: UserChanges; readonly fromLog?: boolean }
  | { readonly receipts: readonly NewReceipt[] }
  | { readonly keys: KeyChange }
  | { readonly deviceMessages: readonly MessageList[] }
  | { readonly purge: PurgeName }
  /** Without notes, what others see differently is told. */
  | { readonly presence: PresenceCall }
  /** Without notes, only what has lasted too long ends. */
  | { readonly typing: readonly TypingNote[] };

/** What is written together with a batch. */
interface Along {
  readonly jump?: JumpName;
  readonly purge?: PurgeName | undefined;
}

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
/** In one append, each with the rooms of its user. */
const MAX_PRESENCE = 500;
const NOTHING: CurrentState = () => undefined;

export interface AppenderDependencies {
  /** The position that was handed out last. */
  readonly position: number;
  readonly epoch: number;
  readonly model: AppendModel;
  readonly log: RoomLog;
  readonly userLog: UserLog;
  readonly keyLog: KeyLog;
  readonly deviceLists: Pick<DeviceListModel, 'keySeqs' | 'roomsOf'>;
  readonly typing: TypingRooms;
  /** Undefined where nobody is told of presence. */
  readonly presence:
    | { readonly desk: PresenceDesk; readonly model: Pick<PresenceModel, 'statuses' | 'roomsOf'> }
    | undefined;
  /** Whether a user is one of ours. */
  readonly isLocal: (userId: string) => boolean;
  readonly appended: (batch: AppendBatch) => void;
  readonly unreadable: OnUnreadable;
}

/**
 * Hands out positions, one batch after the other, for one term of leadership. What it knows already it drops; where
 * events are missing in between, it reads them from the room's log.
 */
export class Appender {
  #position: number;
  #waiting: Waiting[] = [];
  #running = false;
  readonly #rooms = new LRUCache<string, AppendRoom>({ maxSize: MAX_ROOMS, sizeCalculation: () => 1 });
  readonly #userSeqs = new LRUCache<string, number>({ maxSize: MAX_ROOMS, sizeCalculation: () => 1 });
  readonly #jumps: JumpStage;
  readonly #keys: KeyIntake;

  constructor(private readonly deps: AppenderDependencies) {
    this.#position = deps.position;
    this.#jumps = new JumpStage(deps.model, deps.log);
    this.#keys = new KeyIntake(deps.keyLog, deps.deviceLists);
  }

  /** The position that was handed out last. */
  get position(): number {
    return this.#position;
  }

  /** Resolves once it is appended. @throws TermOverError, or what the database failed with */
  append(incoming: Incoming): Promise<void> {
    const staged = 'room' in incoming ? this.#jumps.stageNews(incoming.room, this.#seqOf(incoming.room)) : undefined;
    // Nobody else waits for what is too large to be told with its event.
    return staged === undefined ? this.#enqueue(incoming) : staged.then(() => this.#enqueue(incoming));
  }

  #enqueue(incoming: Incoming): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ incoming, tracePoint: tracePoint(), resolve, reject });
      if (!this.#running) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#running = true;
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      // The bus brings its next events when the last ones are appended: receipts wait for them, not they for receipts.
      if (this.#waiting.every(({ incoming }) => 'receipts' in incoming)) await sleep(1);
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
      this.#keys.clear();
      const together = group.length === 1 || error instanceof TermOverError || this.deps.model.isAway(error);
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
    const pieces = piecesOf(complete.map((run) => this.#readNews(run)));
    for (const piece of pieces.slice(0, -1)) await this.#appendPiece(piece);
    const keys = await this.#keys.news(group.flatMap((incoming) => ('keys' in incoming ? [incoming.keys] : [])));
    const presence = partsOf(await this.#presenceChanges(group), MAX_PRESENCE);
    for (const part of presence.slice(0, -1)) await this.#appendPresence(part);
    const builder = await this.#builderWith(pieces.at(-1) ?? []);
    for (const change of presence.at(-1) ?? []) builder.addPresence(change);
    for (const change of keys) builder.addKeyChange(change);
    for (const change of changes) builder.addUserChanges(change, this.#userSeqs.get(change.userId) ?? 0);
    this.#addEphemeral(builder, group);
    if (!builder.isEmpty) await this.#write(builder.batch());
    for (const incoming of group) if ('purge' in incoming) await this.#purge(incoming.purge);
  }

  async #purge(purge: PurgeName): Promise<void> {
    const builder = new BatchBuilder(this.#position, NOTHING, this.deps.isLocal);
    builder.addPurge(purge.roomNid, purge.eventNids);
    await this.#write(builder.batch(), { purge });
  }

  /** Of a run what its room does not have yet. */
  #readNews(run: RoomEvents): ReadableRun {
    const { seq = 0, backSeq = 0 } = this.#rooms.get(run.roomId) ?? {};
    const events = run.events.filter(({ roomSeq }) => (roomSeq < 0 ? roomSeq < backSeq : roomSeq > seq));
    return readRun({ ...run, events }, this.deps.unreadable);
  }

  /** Appends what ends with a jump, which a run of the same group may have brought before. */
  async #appendPiece(piece: readonly ReadableRun[]): Promise<void> {
    const last = piece.at(-1)!;
    const { roomSeq } = last.events.at(-1)!.logged;
    const isKnown = roomSeq <= this.#seqOf(last);
    if (!isKnown) await this.#jumps.stage(last, roomSeq);
    const builder = await this.#builderWith(piece);
    if (!builder.isEmpty)
      await this.#write(builder.batch(), isKnown ? {} : { jump: { roomNid: last.roomNid, roomSeq } });
  }

  async #builderWith(runs: readonly ReadableRun[]): Promise<BatchBuilder> {
    const builder = new BatchBuilder(this.#position, await this.#currentState(runs), this.deps.isLocal);
    for (const run of runs) builder.addRun(this.#rooms.get(run.roomId)!, run);
    return builder;
  }

  async #write(built: AppendBatch, { jump, purge }: Along = {}): Promise<void> {
    const { epoch, typing, appended } = this.deps;
    const batch = jump === undefined ? await this.#writeBatch(built, purge) : await this.#writeJump(built, jump);
    this.#position = batch.position;
    for (const room of batch.rooms) this.#rooms.set(room.roomId, room);
    for (const { userId, seq } of batch.userSeqs) this.#userSeqs.set(userId, seq);
    this.#keys.wereAppended(batch.keyChanges);
    if (batch.typing !== undefined) typing.wasPlaced(batch.typing);
    this.deps.presence?.desk.werePlaced(batch.presence, Date.now());
    this.#noteActivity(batch);
    appended({ ...batch, epoch });
  }

  /** The batch without the receipts that were behind. */
  async #writeBatch(batch: AppendBatch, purge: PurgeName | undefined): Promise<AppendBatch> {
    const { model, epoch } = this.deps;
    const placed = await (purge === undefined ? model.append(batch, epoch) : model.appendPurge(batch, epoch, purge));
    if (placed === undefined) throw new TermOverError(`term ${epoch} is over`);
    return { ...batch, receipts: batch.receipts.filter(({ position }) => placed.receipts.has(position)) };
  }

  /** The batch as it is with what the jump made of the room. */
  async #writeJump(batch: AppendBatch, jump: JumpName): Promise<AppendBatch> {
    const { model, epoch } = this.deps;
    const jumped = await model.appendJump(batch, epoch, jump);
    if (jumped === undefined) throw new TermOverError(`term ${epoch} is over`);
    this.#jumps.forget(jump);
    const rooms = batch.rooms.map((room) => (room.nid === jump.roomNid ? jumped.room : room));
    const of = (row: { roomNid: number; userId: string }) => `${row.roomNid} ${row.userId}`;
    const memberships = new Map([...batch.memberships, ...jumped.memberships].map((row) => [of(row), row]));
    return { ...batch, rooms, memberships: [...memberships.values()] };
  }

  /** Whatever becomes of the batch, what is typed goes on in memory: the next one brings what this one could not. */
  #addEphemeral(builder: BatchBuilder, group: readonly Incoming[]): void {
    const now = Date.now();
    const { typing } = this.deps;
    for (const receipt of furthest(group)) builder.addReceipt(receipt);
    for (const incoming of group) {
      if ('deviceMessages' in incoming) for (const list of incoming.deviceMessages) builder.addDeviceMessages(list);
    }
    for (const incoming of group) if ('typing' in incoming) for (const note of incoming.typing) typing.note(note, now);
    for (const { roomNid, type, stateKey: userId, membership = 'leave' } of builder.stateLog) {
      if (type === 'm.room.member') typing.noteMember({ roomNid, userId, membership });
    }
    typing.expire(now);
    if (typing.isBeginning) builder.endTyping();
    for (const change of typing.changes()) builder.addTyping(change);
  }

  /** What others see differently from now on, and where those are who may. */
  async #presenceChanges(group: readonly Incoming[]): Promise<Omit<PresenceRow, 'position'>[]> {
    const calls = group.flatMap((incoming) => ('presence' in incoming ? [incoming.presence] : []));
    if (this.deps.presence === undefined || calls.length === 0) return [];
    const { desk, model } = this.deps.presence;
    const notes = calls.flatMap((call) => call.notes);
    const remote = await this.#inRooms(calls.flatMap((call) => call.remote));
    const unknown = new Set([...notes, ...remote].map(({ userId }) => userId).filter((userId) => !desk.knows(userId)));
    const statuses = unknown.size === 0 ? [] : await model.statuses([...unknown]);
    const known = new Map(statuses.map((status) => [status.userId, status]));
    const now = Date.now();
    for (const userId of unknown) desk.learn(userId, known.get(userId), now);
    for (const note of notes) desk.note(note, now);
    for (const told of remote) desk.noteRemote(told, now);
    const changes = desk.changes(now);
    const rooms = changes.length === 0 ? undefined : await model.roomsOf(changes.map(({ userId }) => userId));
    return changes.map((change) => ({ ...change, roomNids: rooms?.get(change.userId) ?? [] }));
  }

  /** Part of a storm of changes, as when everybody comes back at once. */
  async #appendPresence(changes: readonly Omit<PresenceRow, 'position'>[]): Promise<void> {
    const builder = new BatchBuilder(this.#position, NOTHING, this.deps.isLocal);
    for (const change of changes) builder.addPresence(change);
    await this.#write(builder.batch());
  }

  /** Other servers may name any users: those that are in no room with us are nobody. */
  async #inRooms(told: readonly RemotePresence[]): Promise<readonly RemotePresence[]> {
    const { presence } = this.deps;
    if (presence === undefined || told.length === 0) return [];
    const rooms = await presence.model.roomsOf(told.map(({ userId }) => userId));
    return told.filter(({ userId }) => rooms.has(userId));
  }

  /** Who says something is there. What others see differently for that is told with the next look. */
  #noteActivity({ events, receipts, typing }: AppendBatch): void {
    const { presence, isLocal } = this.deps;
    if (presence === undefined) return;
    const now = Date.now();
    for (const { text } of events)
      if (text !== undefined && isLocal(text.sender)) presence.desk.active(text.sender, now);
    for (const { userId } of receipts) if (isLocal(userId)) presence.desk.active(userId, now);
    const typists = (typing?.rows ?? []).flatMap((row) => row.typing);
    for (const { userId } of typists) if (isLocal(userId)) presence.desk.active(userId, now);
  }

  async #knowRooms(runs: readonly RoomEvents[]): Promise<void> {
    const unknown = new Map(runs.filter(({ roomId }) => !this.#rooms.has(roomId)).map((run) => [run.roomId, run]));
    if (unknown.size === 0) return;
    for (const room of await this.deps.model.rooms([...unknown.values()])) this.#rooms.set(room.roomId, room);
  }

  async #knowUsers(changes: readonly UserChanges[]): Promise<void> {
    const unknown = [...new Set(changes.map(({ userId }) => userId))].filter((userId) => !this.#userSeqs.has(userId));
    if (unknown.length === 0) return;
    const known = await this.deps.model.userSeqs(unknown);
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
    for await (const page of readUserLog(this.deps.userLog, userId, known())) {
      const builder = new BatchBuilder(this.#position, NOTHING, this.deps.isLocal);
      builder.addUserChanges(page, known());
      if (!builder.isEmpty) await this.#write(builder.batch());
    }
  }

  /** The runs with what is missing before them put in from the room's log. */
  async #withoutGaps(runs: readonly RoomEvents[]): Promise<RoomEvents[]> {
    const reached = new Map<string, number>();
    const complete: RoomEvents[] = [];
    for (const run of runs) {
      const step = isBackfilled(run) ? -1 : 1;
      const key = `${step} ${run.roomId}`;
      const { seq = 0, backSeq = 0 } = this.#rooms.get(run.roomId) ?? {};
      const known = reached.get(key) ?? (step > 0 ? seq : backSeq);
      const first = run.events[0]?.roomSeq ?? known + step;
      if (step * (first - known) > 1) complete.push(...(await this.#readLog(run.roomId, known, first, step)));
      complete.push(run);
      reached.set(key, step * Math.max(step * known, step * (run.events.at(-1)?.roomSeq ?? known)));
    }
    return complete;
  }

  /** What follows on one room_seq, until before another one, upwards or downwards. */
  async #readLog(roomId: string, known: number, before: number, step: 1 | -1): Promise<RoomEvents[]> {
    const pages: RoomEvents[] = [];
    for (let seq = known; step * (before - seq) > 1; ) {
      const request = { roomId, afterSeq: seq, limit: LOG_PAGE, backfilled: step < 0 };
      const { events } = await this.deps.log.getRoomEvents(request);
      const last = events?.events.at(-1);
      if (events === undefined || last === undefined) throw new Error(`the log of ${roomId} ends at ${seq}`);
      pages.push(events);
      seq = last.roomSeq;
    }
    return pages;
  }

  #seqOf({ roomId }: { roomId: string }): number {
    return this.#rooms.get(roomId)?.seq ?? 0;
  }

  /** Looks up what the new events change. */
  async #currentState(runs: readonly ReadableRun[]): Promise<CurrentState> {
    const names = new Map<string, RoomEntryName>();
    const note = (roomNid: number, name: { type: string; stateKey: string }) => {
      if (isStorableKey(name)) names.set(stateKeyOf(roomNid, name.type, name.stateKey), { roomNid, ...name });
    };
    for (const { roomNid, events } of runs) {
      for (const { logged, text } of events) {
        if (logged.roomSeq < 0 || text === undefined) continue;
        for (const { type, stateKey } of logged.stateChanges) note(roomNid, { type, stateKey });
        if (text.stateKey !== undefined) note(roomNid, { type: text.type, stateKey: text.stateKey });
      }
    }
    const entries = names.size === 0 ? [] : await this.deps.model.currentState([...names.values()]);
    const byKey = new Map(entries.map((entry) => [stateKeyOf(entry.roomNid, entry.type, entry.stateKey), entry]));
    return (roomNid, type, stateKey) => byKey.get(stateKeyOf(roomNid, type, stateKey));
  }
}

function isBackfilled({ events }: RoomEvents): boolean {
  return (events[0]?.roomSeq ?? 0) < 0;
}

/** Of several receipts of one kind, the one that is furthest ahead: a statement may write each row once. */
function furthest(group: readonly Incoming[]): Iterable<NewReceipt> {
  const receipts = new Map<string, NewReceipt>();
  for (const incoming of group) {
    for (const receipt of 'receipts' in incoming ? incoming.receipts : []) {
      const { roomNid, userId, type, threadId, eventPosition } = receipt;
      const key = JSON.stringify([roomNid, userId, type, threadId]);
      const known = receipts.get(key);
      if (known === undefined || known.eventPosition < eventPosition) receipts.set(key, receipt);
    }
  }
  return receipts.values();
}
