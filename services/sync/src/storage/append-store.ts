import type { StateChange } from '@ganglion/contracts/room';
import { type Database, isTemporary, rowsOf, sql, statement } from '@ganglion/database';
import type { AppendBatch, AppendRoom } from '../domain/append-batch.js';
import type {
  AppendCursors,
  Appended,
  AppenderState,
  AppendModel,
  CurrentEntry,
  Jumped,
  JumpName,
  PurgeName,
  RoomEntryName,
  RoomReached,
} from '../domain/ports/append-model.js';
import type { TypingLists } from '../domain/typing-lists.js';
import { appendStatement } from './append-statement.js';
import { JumpStore } from './jump-store.js';
import { appendPurge } from './purge-append.js';
import { APPEND_ROOM } from './room-columns.js';

interface RoomNames {
  readonly rooms: readonly { roomNid: number; roomId: string; roomVersion: string }[];
}

const makeRooms = statement(
  'appended-rooms',
  sql<RoomNames>`
  WITH wanted AS (
    ${rowsOf('w', { room_nid: 'bigint', room_id: 'text', room_version: 'text' }, ({ rooms }: RoomNames) =>
      rooms.map(({ roomNid, roomId, roomVersion }) => ({
        ...{ room_nid: roomNid, room_id: roomId, room_version: roomVersion },
      })),
    )}
  ), made AS (
    INSERT INTO sync.rooms (room_nid, room_id, room_version) SELECT room_nid, room_id, room_version FROM wanted
    ON CONFLICT (room_nid) DO NOTHING RETURNING *
  )
  SELECT ${APPEND_ROOM} FROM made
  UNION ALL
  SELECT ${APPEND_ROOM} FROM sync.rooms WHERE room_nid IN (SELECT room_nid FROM wanted)`,
);

const currentState = statement(
  'appended-state',
  sql<readonly RoomEntryName[]>`
  SELECT wanted.room_nid AS "roomNid", k.key_nid AS "keyNid", wanted.type, wanted.state_key AS "stateKey",
    latest.event_nid AS "eventNid", latest.membership,
    CASE WHEN told.position > coalesce(latest.position, 0) THEN told.event_nid END AS "toldNid"
  FROM (${rowsOf('w', { room_nid: 'bigint', type: 'text', state_key: 'text' }, (names: readonly RoomEntryName[]) =>
    names.map(({ roomNid, type, stateKey }) => ({ room_nid: roomNid, type, state_key: stateKey })),
  )}) AS wanted
  LEFT JOIN sync.state_keys k USING (room_nid, type, state_key)
  LEFT JOIN LATERAL (
    SELECT s.event_nid, s.membership, s.position FROM sync.state_log s
    WHERE s.room_nid = k.room_nid AND s.key_nid = k.key_nid ORDER BY s.position DESC LIMIT 1) AS latest ON true
  LEFT JOIN sync.memberships told
    ON wanted.type = 'm.room.member' AND told.user_id = wanted.state_key AND told.room_nid = wanted.room_nid
  WHERE k.key_nid IS NOT NULL OR told.event_nid IS NOT NULL`,
);

/** The appender's side of the read model. */
export class AppendStore implements AppendModel {
  readonly #jumps: JumpStore;

  constructor(
    private readonly db: Database,
    serverNames: readonly string[],
  ) {
    this.#jumps = new JumpStore(db, serverNames);
  }

  async beginTerm(epoch: number): Promise<AppenderState | undefined> {
    const { rows } = await this.db.query<Omit<AppenderState, 'typing'> & { typing: string | null }>({
      text: `UPDATE sync.appender SET epoch = $1 WHERE epoch < $1
        RETURNING position, room_cursor AS "roomCursor", user_cursor AS "userCursor", key_cursor AS "keyCursor", typing`,
      values: [epoch],
    });
    const [state] = rows;
    if (state === undefined) return undefined;
    await this.#jumps.clear();
    const left = JSON.parse(state.typing ?? '{}') as { position?: number; lists?: TypingLists };
    return { ...state, typing: left.position === state.position ? left.lists : undefined };
  }

  async leaveTyping(epoch: number, position: number, lists: TypingLists): Promise<void> {
    await this.db.query({
      text: 'UPDATE sync.appender SET typing = $2 WHERE epoch = $1',
      values: [epoch, JSON.stringify({ position, lists })],
    });
  }

  async cursors(): Promise<AppendCursors> {
    const { rows } = await this.db.query<AppendCursors & Record<string, unknown>>({
      name: 'read-cursors',
      text: 'SELECT room_cursor AS "roomCursor", user_cursor AS "userCursor", key_cursor AS "keyCursor" FROM sync.appender',
    });
    return rows[0] ?? { roomCursor: 0, userCursor: 0, keyCursor: 0 };
  }

  async append(batch: AppendBatch, epoch: number): Promise<Appended | undefined> {
    const { rows } = await this.db.query<{ receipts: number[] | null }>(appendStatement(batch, epoch));
    return rows[0] && { receipts: new Set(rows[0].receipts) };
  }

  stageJump(jump: JumpName, changes: readonly StateChange[]): Promise<void> {
    return this.#jumps.stage(jump, changes);
  }

  appendJump(batch: AppendBatch, epoch: number, jump: JumpName): Promise<Jumped | undefined> {
    return this.#jumps.append(batch, epoch, jump);
  }

  appendPurge(batch: AppendBatch, epoch: number, purge: PurgeName): Promise<Appended | undefined> {
    return appendPurge(this.db, batch, epoch, purge);
  }

  async rooms(rooms: RoomNames['rooms']): Promise<AppendRoom[]> {
    return (await this.db.query<AppendRoom & Record<string, unknown>>(makeRooms({ rooms }))).rows;
  }

  async userSeqs(userIds: readonly string[]): Promise<Map<string, number>> {
    const { rows } = await this.db.query<{ user_id: string; user_seq: number }>({
      name: 'appended-users',
      text: 'SELECT user_id, user_seq FROM sync.users WHERE user_id = ANY($1)',
      values: [userIds],
    });
    return new Map(rows.map((row) => [row.user_id, row.user_seq]));
  }

  async currentState(keys: readonly RoomEntryName[]): Promise<CurrentEntry[]> {
    const { rows } = await this.db.query<CurrentRow>(currentState(keys));
    return rows.map(({ roomNid, keyNid, type, stateKey, eventNid, membership, toldNid }) => ({
      ...{ roomNid, keyNid: keyNid ?? undefined, type, stateKey },
      ...{ eventNid: eventNid ?? undefined, membership: membership ?? undefined, toldNid: toldNid ?? undefined },
    }));
  }

  async saveCursors(epoch: number, { roomCursor, userCursor, keyCursor }: AppendCursors): Promise<void> {
    await this.db.query({
      name: 'save-cursors',
      text: 'UPDATE sync.appender SET room_cursor = $2, user_cursor = $3, key_cursor = $4 WHERE epoch = $1',
      values: [epoch, roomCursor, userCursor, keyCursor],
    });
  }

  async roomSeqs(roomIds: readonly string[]): Promise<Map<string, RoomReached>> {
    const { rows } = await this.db.query<RoomReached & { room_id: string }>({
      name: 'room-seqs',
      text: `SELECT room_id, room_nid AS nid, room_seq AS seq, back_seq AS "backSeq", purge_seq AS "purgeSeq"
        FROM sync.rooms WHERE room_id = ANY($1)`,
      values: [roomIds],
    });
    return new Map(rows.map(({ room_id, ...reached }) => [room_id, reached]));
  }

  isAway(error: unknown): boolean {
    return isTemporary(error);
  }
}

type CurrentRow = RoomEntryName & {
  [Field in Exclude<keyof CurrentEntry, keyof RoomEntryName>]: NonNullable<CurrentEntry[Field]> | null;
};
