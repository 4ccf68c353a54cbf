import { isDeepStrictEqual } from 'node:util';
import type { KeyLog } from '@ganglion/contracts/keys';
import type { RoomHead, RoomLog } from '@ganglion/contracts/room';
import type { UserLog } from '@ganglion/contracts/user';
import type { Logger } from '@ganglion/telemetry';
import type { AppendCursors, AppenderState, AppendModel } from '../ports/append-model.js';
import type { DeviceListModel } from '../ports/device-list-model.js';
import { type Appender, TermOverError } from './appender.js';
import { keyHeads, roomHeads, userHeads } from './owner-heads.js';
import { readUserLog } from './user-log.js';

export interface CatchUpDependencies {
  readonly epoch: number;
  readonly appender: Appender;
  readonly model: AppendModel;
  readonly roomLog: RoomLog;
  readonly userLog: UserLog;
  readonly keyLog: KeyLog;
  readonly deviceLists: Pick<DeviceListModel, 'keySeqs'>;
  readonly logger: Logger;
  /** What an owner's log failed with: nobody could be asked, or whoever was asked failed; undefined for all other errors. */
  readonly ownerTrouble: (error: unknown) => 'away' | 'failed' | undefined;
}

/** What became of the log of one room or user: it may go better with the next look, or is refused as it is. */
type Outcome = 'done' | 'later' | 'refused';

const LOG_PAGE = 200;
/** Of a room that cannot be appended: then the cursor goes on, and the room is looked at when it changes. */
const MOST_ATTEMPTS = 20;

/**
 * Compares the read model with the owners' logs and appends what it lacks: whatever the bus lost, and what was committed
 * while nobody listened.
 */
export class CatchUp {
  #roomCursor: number;
  /** What a later term begins with: it reads again of the rooms that are owed something. */
  #keptRoomCursor: number;
  /** Rooms of which not all could be appended, to be tried again with the next look. */
  readonly #owed = new Map<string, { readonly head: RoomHead; readonly attempts: number }>();
  #userCursor: number;
  #keyCursor: number;

  constructor(
    state: AppenderState,
    private readonly deps: CatchUpDependencies,
  ) {
    this.#roomCursor = state.roomCursor;
    this.#keptRoomCursor = state.roomCursor;
    this.#userCursor = state.userCursor;
    this.#keyCursor = state.keyCursor;
  }

  async run(signal: AbortSignal): Promise<void> {
    const before = this.#cursors();
    await Promise.all([this.#rooms(signal), this.#users(signal), this.#keys(signal)]);
    const reached = this.#cursors();
    if (!isDeepStrictEqual(before, reached) && !signal.aborted)
      await this.deps.model.saveCursors(this.deps.epoch, reached);
  }

  #cursors(): AppendCursors {
    return { roomCursor: this.#keptRoomCursor, userCursor: this.#userCursor, keyCursor: this.#keyCursor };
  }

  /** What cannot be read of one room or user must not keep the others waiting; what is only away for now is waited for. */
  async #isolated(id: string, run: () => Promise<void>): Promise<Outcome> {
    try {
      await run();
      return 'done';
    } catch (error) {
      const trouble = this.deps.ownerTrouble(error);
      if (error instanceof TermOverError || this.deps.model.isAway(error) || trouble === 'away') throw error;
      this.deps.logger.error({ err: error, id }, 'the log of a room or user cannot be appended');
      return trouble === undefined ? 'refused' : 'later';
    }
  }

  async #rooms(signal: AbortSignal): Promise<void> {
    let cursor: number | undefined;
    await this.#appendRooms([...this.#owed.values()].map(({ head }) => head));
    for await (const page of roomHeads(this.deps.roomLog, this.#roomCursor)) {
      cursor ??= page.cursor;
      await this.#appendRooms(page.heads);
      if (signal.aborted) return;
    }
    // Only a listing that was worked through to its end moves the cursor.
    if (cursor !== undefined) this.#roomCursor = cursor;
    if (this.#owed.size === 0) this.#keptRoomCursor = this.#roomCursor;
  }

  async #appendRooms(heads: readonly RoomHead[]): Promise<void> {
    if (heads.length === 0) return;
    const known = await this.deps.model.roomSeqs(heads.map(({ roomId }) => roomId));
    for (const head of heads) {
      const { seq = 0, backSeq = 0, purgeSeq = 0 } = known.get(head.roomId) ?? {};
      const outcome = await this.#isolated(head.roomId, async () => {
        await this.#live(head.roomId, seq, head.roomSeq);
        await this.#backfilled(head.roomId, backSeq, head.backSeq);
        if (purgeSeq < head.purgeSeq) await this.#purges(head.roomId, purgeSeq);
      });
      const attempts = (this.#owed.get(head.roomId)?.attempts ?? 0) + (outcome === 'refused' ? 1 : 0);
      if (outcome === 'done' || attempts >= MOST_ATTEMPTS) this.#owed.delete(head.roomId);
      else this.#owed.set(head.roomId, { head, attempts });
    }
  }

  async #live(roomId: string, knownSeq: number, headSeq: number): Promise<void> {
    for (let seq = knownSeq; seq < headSeq; ) seq = (await this.#appendAfter(roomId, seq, false)) ?? headSeq;
  }

  async #backfilled(roomId: string, knownSeq: number, headSeq: number): Promise<void> {
    for (let seq = knownSeq; seq > headSeq; ) seq = (await this.#appendAfter(roomId, seq, true)) ?? headSeq;
  }

  /** Lets go what was purged, once everything that the log has is here: nothing of it can come after that. */
  async #purges(roomId: string, knownSeq: number): Promise<void> {
    const roomNid = (await this.deps.model.roomSeqs([roomId])).get(roomId)?.nid;
    if (roomNid === undefined) return;
    for (let afterPurgeSeq: number | undefined = knownSeq; afterPurgeSeq !== undefined; ) {
      const { purges } = await this.deps.roomLog.listPurges({ roomId, afterPurgeSeq, limit: 0 });
      for (const purge of purges) await this.deps.appender.append({ purge: { roomNid, ...purge } });
      afterPurgeSeq = purges.at(-1)?.purgeSeq;
    }
  }

  /** Appends what follows in the room's log; the room_seq of its last event, if there is any. */
  async #appendAfter(roomId: string, afterSeq: number, backfilled: boolean): Promise<number | undefined> {
    const { events } = await this.deps.roomLog.getRoomEvents({ roomId, afterSeq, limit: LOG_PAGE, backfilled });
    const last = events?.events.at(-1);
    if (events === undefined || last === undefined) return undefined;
    await this.deps.appender.append({ room: events });
    return last.roomSeq;
  }

  async #users(signal: AbortSignal): Promise<void> {
    let cursor: number | undefined;
    let isComplete = true;
    for await (const page of userHeads(this.deps.userLog, this.#userCursor)) {
      cursor ??= page.cursor;
      const known = await this.deps.model.userSeqs(page.heads.map(({ userId }) => userId));
      for (const { userId, userSeq } of page.heads) {
        const seq = known.get(userId) ?? 0;
        if (seq >= userSeq) continue;
        const outcome = await this.#isolated(userId, () => this.#user(userId, seq));
        if (outcome === 'later') isComplete = false;
      }
      if (signal.aborted) return;
    }
    if (cursor !== undefined && isComplete) this.#userCursor = cursor;
  }

  async #user(userId: string, afterSeq: number): Promise<void> {
    for await (const user of readUserLog(this.deps.userLog, userId, afterSeq))
      await this.deps.appender.append({ user, fromLog: true });
  }

  async #keys(signal: AbortSignal): Promise<void> {
    const { keyLog, deviceLists, appender } = this.deps;
    let cursor: number | undefined;
    let isComplete = true;
    for await (const page of keyHeads(keyLog, this.#keyCursor)) {
      cursor ??= page.cursor;
      const known = await deviceLists.keySeqs(page.heads.map(({ userId }) => userId));
      for (const { userId, seq } of page.heads) {
        const afterSeq = known.get(userId) ?? 0;
        if (afterSeq >= seq) continue;
        const outcome = await this.#isolated(userId, async () => {
          const { change } = await keyLog.getKeyChanges({ userId, afterSeq });
          if (change !== undefined) await appender.append({ keys: change });
        });
        if (outcome === 'later') isComplete = false;
      }
      if (signal.aborted) return;
    }
    if (cursor !== undefined && isComplete) this.#keyCursor = cursor;
  }
}
