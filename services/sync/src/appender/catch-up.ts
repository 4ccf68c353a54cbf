import type { RoomLog } from '@ganglion/contracts/room';
import type { UserLog } from '@ganglion/contracts/user';
import { isConnectionError } from '@ganglion/database';
import { RpcError } from '@ganglion/rpc/errors';
import type { Logger } from '@ganglion/telemetry';
import type { AppenderState, AppendStore } from '../storage/append-store.js';
import { type Appender, TermOverError } from './appender.js';
import { roomHeads, userHeads } from './owner-heads.js';
import { readUserLog } from './user-log.js';

const LOG_PAGE = 200;

/**
 * Compares the read model with the owners' logs and appends what it lacks: whatever the bus lost, and what was committed
 * while nobody listened.
 */
export class CatchUp {
  #roomCursor: number;
  #userCursor: number;

  constructor(
    state: AppenderState,
    private readonly epoch: number,
    private readonly appender: Appender,
    private readonly store: AppendStore,
    private readonly roomLog: RoomLog,
    private readonly userLog: UserLog,
    private readonly logger: Logger,
  ) {
    this.#roomCursor = state.roomCursor;
    this.#userCursor = state.userCursor;
  }

  async run(signal: AbortSignal): Promise<void> {
    const before = [this.#roomCursor, this.#userCursor];
    await Promise.all([this.#rooms(signal), this.#users(signal)]);
    const moved = before[0] !== this.#roomCursor || before[1] !== this.#userCursor;
    if (moved && !signal.aborted) await this.store.saveCursors(this.epoch, this.#roomCursor, this.#userCursor);
  }

  /** What cannot be read of one room or user must not keep the others waiting; what is only away for now is waited for. */
  async #isolated(id: string, run: () => Promise<void>): Promise<void> {
    try {
      await run();
    } catch (error) {
      if (error instanceof TermOverError || isConnectionError(error) || error instanceof RpcError) throw error;
      this.logger.error({ err: error, id }, 'the log of a room or user cannot be appended');
    }
  }

  async #rooms(signal: AbortSignal): Promise<void> {
    let cursor: number | undefined;
    for await (const page of roomHeads(this.roomLog, this.#roomCursor)) {
      cursor ??= page.cursor;
      const known = await this.store.roomSeqs(page.heads.map(({ roomId }) => roomId));
      for (const { roomId, roomSeq } of page.heads) {
        await this.#isolated(roomId, () => this.#room(roomId, known.get(roomId) ?? 0, roomSeq));
      }
      if (signal.aborted) return;
    }
    // Only a listing that was worked through to its end moves the cursor.
    if (cursor !== undefined) this.#roomCursor = cursor;
  }

  async #room(roomId: string, knownSeq: number, headSeq: number): Promise<void> {
    for (let seq = knownSeq; seq < headSeq; ) {
      const { events } = await this.roomLog.getRoomEvents({ roomId, afterSeq: seq, limit: LOG_PAGE });
      const last = events?.events.at(-1);
      if (events === undefined || last === undefined) return;
      await this.appender.append({ room: events });
      seq = last.roomSeq;
    }
  }

  async #users(signal: AbortSignal): Promise<void> {
    let cursor: number | undefined;
    for await (const page of userHeads(this.userLog, this.#userCursor)) {
      cursor ??= page.cursor;
      const known = await this.store.userSeqs(page.heads.map(({ userId }) => userId));
      for (const { userId, userSeq } of page.heads) {
        const seq = known.get(userId) ?? 0;
        if (seq < userSeq) await this.#isolated(userId, () => this.#user(userId, seq));
      }
      if (signal.aborted) return;
    }
    if (cursor !== undefined) this.#userCursor = cursor;
  }

  async #user(userId: string, afterSeq: number): Promise<void> {
    for await (const user of readUserLog(this.userLog, userId, afterSeq))
      await this.appender.append({ user, fromLog: true });
  }
}
