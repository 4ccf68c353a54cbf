import type { Announcement } from '@ganglion/contracts';
import type { RoomLog } from '@ganglion/contracts/room';
import type { UserLog } from '@ganglion/contracts/user';
import type { AppendModel } from '../ports/append-model.js';
import { roomHeads, userHeads } from './owner-heads.js';

/** What owners have committed and the appender has not appended yet, as told by their logs and the read model. */
export class Backlog {
  constructor(
    private readonly model: AppendModel,
    private readonly roomLog: RoomLog,
    private readonly userLog: UserLog,
  ) {}

  /** Of everything that was committed before the call: whatever is not among it was in the read model then. */
  async read(): Promise<Announcement[]> {
    const { roomCursor, userCursor } = await this.model.cursors();
    return (await Promise.all([this.#rooms(roomCursor), this.#users(userCursor)])).flat();
  }

  async #rooms(cursor: number): Promise<Announcement[]> {
    const missing: Announcement[] = [];
    for await (const { heads } of roomHeads(this.roomLog, cursor)) {
      const known = await this.model.roomSeqs(heads.map(({ roomId }) => roomId));
      const behind = heads.filter(({ roomId, roomSeq }) => roomSeq > (known.get(roomId)?.seq ?? 0));
      missing.push(...behind.map(({ roomId, roomSeq }) => ({ id: roomId, seq: roomSeq })));
    }
    return missing;
  }

  async #users(cursor: number): Promise<Announcement[]> {
    const missing: Announcement[] = [];
    for await (const { heads } of userHeads(this.userLog, cursor)) {
      const known = await this.model.userSeqs(heads.map(({ userId }) => userId));
      const behind = heads.filter(({ userId, userSeq }) => userSeq > (known.get(userId) ?? 0));
      missing.push(...behind.map(({ userId, userSeq }) => ({ id: userId, seq: userSeq })));
    }
    return missing;
  }
}
