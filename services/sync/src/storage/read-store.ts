import type { Database } from '@ganglion/database';
import type { HistoryVisibility } from '@ganglion/protocol';
import type {
  AccountDataRow,
  AppendBatch,
  AppendRoom,
  ReceiptRow,
  Redaction,
  StateLogEntry,
} from '../domain/append-batch.js';
import type { MembershipRecord, Page, ReadModel, RoomRecord } from '../domain/ports/read-model.js';
import type { StateVersion, TimelineEvent } from '../domain/timeline-event.js';
import { RECEIPT } from './receipt-store.js';

interface EventRow extends Record<string, unknown> {
  position: number;
  room_nid: number;
  event_id: string;
  type: string;
  state_key: string | null;
  sender: string;
  membership: string | null;
  visibility: HistoryVisibility;
  previous_visibility: HistoryVisibility | null;
  origin_server_ts: number;
  json: string;
  fixed_unsigned: string | null;
  txn_user_id: string | null;
  txn_device_id: string | null;
  txn_id: string | null;
}

interface MembershipRow extends Omit<MembershipRecord, 'ephemeral'>, Record<string, unknown> {
  receiptPosition: number | null;
  typing: string | null;
  typingPosition: number | null;
}

interface VersionRow extends EventRow {
  s_type: string;
  s_key: string;
  s_position: number;
}

const EVENT = `t.position, t.room_nid, t.event_id, t.type, t.state_key, t.sender, t.membership, t.visibility,
  t.previous_visibility, t.origin_server_ts, t.json, t.fixed_unsigned, t.txn_user_id, t.txn_device_id, t.txn_id`;
const VERSION = `s.type AS s_type, s.state_key AS s_key, s.position AS s_position, ${EVENT}`;

const VERSIONS_FROM = `
  SELECT ${VERSION} FROM (
    SELECT * FROM (
      SELECT DISTINCT ON (type, state_key) type, state_key, position, event_position FROM sync.state_log
      WHERE room_nid = $1 AND position <= $2 ORDER BY type, state_key, position DESC) AS latest
    UNION ALL
    SELECT type, state_key, position, event_position FROM sync.state_log WHERE room_nid = $1 AND position > $2
  ) AS s LEFT JOIN sync.timeline t ON t.position = s.event_position ORDER BY s.position`;

/** The replicas' side of the read model. */
export class ReadStore implements ReadModel {
  constructor(private readonly db: Database) {}

  async position(): Promise<number> {
    const { rows } = await this.db.query<{ position: number }>({
      name: 'read-position',
      text: 'SELECT position FROM sync.appender',
    });
    return rows[0]?.position ?? 0;
  }

  async batchesAbove(position: number): Promise<AppendBatch | undefined> {
    return this.db.transaction(
      async (tx) => {
        const appender = await tx.query<{ position: number }>({ text: 'SELECT position FROM sync.appender' });
        const reached = appender.rows[0]?.position ?? 0;
        if (reached <= position) return undefined;
        const values = [position];
        const events = await tx.query<EventRow>({
          name: 'events-above',
          text: `SELECT ${EVENT} FROM sync.timeline t WHERE position > $1 ORDER BY position`,
          values,
        });
        const state = await tx.query<StateLogEntry & { membership: string | null } & Record<string, unknown>>({
          name: 'state-above',
          text: `SELECT s.room_nid AS "roomNid", s.type, s.state_key AS "stateKey", s.position,
              s.event_position AS "eventPosition", t.membership
            FROM sync.state_log s LEFT JOIN sync.timeline t ON t.position = s.event_position
            WHERE s.position > $1 ORDER BY s.position`,
          values,
        });
        const accountData = await tx.query<AccountDataRow & Record<string, unknown>>({
          name: 'account-data-above',
          text: `SELECT user_id AS "userId", room_id AS "roomId", type, content, position
            FROM sync.account_data WHERE position > $1 ORDER BY position`,
          values,
        });
        const receipts = await tx.query<ReceiptRow & Record<string, unknown>>({
          name: 'receipts-above',
          text: `SELECT ${RECEIPT}, position FROM sync.receipts WHERE position > $1 ORDER BY position`,
          values,
        });
        const typing = await tx.query<{ roomNid: number; typing: string; position: number }>({
          name: 'typing-above',
          text: `SELECT room_nid AS "roomNid", typing, typing_position AS position
            FROM sync.ephemeral WHERE typing_position > $1 ORDER BY typing_position`,
          values,
        });
        const rooms = await tx.query<AppendRoom & Record<string, unknown>>({
          name: 'rooms-of',
          text: `SELECT room_nid AS nid, room_id AS "roomId", room_version AS "roomVersion", room_seq AS seq, visibility
            FROM sync.rooms WHERE room_nid = ANY($1)`,
          values: [[...new Set(events.rows.map((row) => row.room_nid))]],
        });
        const users = await tx.query<{ userId: string; seq: number }>({
          name: 'users-of',
          text: 'SELECT user_id AS "userId", user_seq AS seq FROM sync.users WHERE user_id = ANY($1)',
          values: [[...new Set(accountData.rows.map((row) => row.userId))]],
        });
        const redactions = await tx.query<Redaction & Record<string, unknown>>({
          name: 'rewritten-above',
          text: `SELECT event_id AS "eventId", json, coalesce(fixed_unsigned, '') AS "fixedUnsigned"
            FROM sync.timeline WHERE rewritten_position > $1`,
          values,
        });
        return {
          previousPosition: position,
          position: reached,
          rooms: rooms.rows,
          events: events.rows.map(timelineEvent),
          stateLog: state.rows.map((row) => ({ ...row, membership: row.membership ?? undefined })),
          redactions: redactions.rows,
          accountData: accountData.rows,
          receipts: receipts.rows,
          typing: typing.rows.map((row) => ({ ...row, typing: JSON.parse(row.typing) })),
          userSeqs: users.rows,
        };
      },
      { isolation: 'repeatable read' },
    );
  }

  async findRoom(roomId: string): Promise<RoomRecord | undefined> {
    const { rows } = await this.db.query<RoomRecord & Record<string, unknown>>({
      name: 'find-room',
      text: `SELECT room_nid AS nid, room_id AS "roomId", room_version AS "roomVersion", position
        FROM sync.rooms WHERE room_id = $1`,
      values: [roomId],
    });
    return rows[0];
  }

  async roomSeq(roomId: string): Promise<number> {
    const { rows } = await this.db.query<{ room_seq: number }>({
      name: 'read-room-seq',
      text: 'SELECT room_seq FROM sync.rooms WHERE room_id = $1',
      values: [roomId],
    });
    return rows[0]?.room_seq ?? 0;
  }

  async memberships(userId: string): Promise<MembershipRecord[]> {
    const { rows } = await this.db.query<MembershipRow>({
      name: 'memberships-of',
      text: `SELECT r.room_nid AS nid, r.room_id AS "roomId", r.room_version AS "roomVersion", r.position,
          m.membership, m.position AS "membershipPosition", e.receipt_position AS "receiptPosition", e.typing,
          e.typing_position AS "typingPosition"
        FROM sync.memberships m JOIN sync.rooms r USING (room_nid) LEFT JOIN sync.ephemeral e USING (room_nid)
        WHERE m.user_id = $1`,
      values: [userId],
    });
    return rows.map(({ receiptPosition, typing, typingPosition, ...membership }) => ({
      ...membership,
      ephemeral: {
        receiptPosition: receiptPosition ?? 0,
        typing: JSON.parse(typing ?? '[]'),
        typingPosition: typingPosition ?? 0,
      },
    }));
  }

  async events({ roomNid, above, upTo, direction, limit }: Page): Promise<TimelineEvent[]> {
    const { rows } = await this.db.query<EventRow>({
      name: `page-${direction}`,
      text: `SELECT ${EVENT} FROM sync.timeline t WHERE room_nid = $1 AND position > $2 AND position <= $3
        ORDER BY position ${direction === 'forwards' ? 'ASC' : 'DESC'} LIMIT $4`,
      values: [roomNid, above, upTo, limit],
    });
    return rows.map(timelineEvent);
  }

  async findEvent(eventId: string): Promise<TimelineEvent | undefined> {
    const { rows } = await this.db.query<EventRow>({
      name: 'find-timeline-event',
      text: `SELECT ${EVENT} FROM sync.timeline t WHERE event_id = $1`,
      values: [eventId],
    });
    return rows[0] && timelineEvent(rows[0]);
  }

  async stateVersions(roomNid: number, from: number): Promise<StateVersion[]> {
    const { rows } = await this.db.query<VersionRow>({
      name: 'state-versions',
      text: VERSIONS_FROM,
      values: [roomNid, from],
    });
    return rows.map(stateVersion);
  }

  async entryVersions(roomNid: number, type: string, stateKey: string): Promise<StateVersion[]> {
    const { rows } = await this.db.query<VersionRow>({
      name: 'entry-versions',
      text: `SELECT ${VERSION} FROM sync.state_log s LEFT JOIN sync.timeline t ON t.position = s.event_position
        WHERE s.room_nid = $1 AND s.type = $2 AND s.state_key = $3 ORDER BY s.position`,
      values: [roomNid, type, stateKey],
    });
    return rows.map(stateVersion);
  }

  async forget(userId: string, roomNid: number, leftAt: number): Promise<void> {
    await this.db.query({
      name: 'forget-room',
      text: `INSERT INTO sync.forgotten (user_id, room_nid, position) VALUES ($1, $2, $3)
        ON CONFLICT (user_id, room_nid) DO UPDATE SET position = greatest(forgotten.position, excluded.position)`,
      values: [userId, roomNid, leftAt],
    });
  }

  async forgotten(userId: string): Promise<ReadonlyMap<number, number>> {
    const { rows } = await this.db.query<{ room_nid: number; position: number }>({
      name: 'forgotten-rooms',
      text: 'SELECT room_nid, position FROM sync.forgotten WHERE user_id = $1',
      values: [userId],
    });
    return new Map(rows.map((row) => [row.room_nid, row.position]));
  }

  async accountData(userId: string, above: number, upTo: number): Promise<AccountDataRow[]> {
    const { rows } = await this.db.query<AccountDataRow & Record<string, unknown>>({
      name: 'account-data-of',
      text: `SELECT user_id AS "userId", room_id AS "roomId", type, content, position
        FROM sync.account_data WHERE user_id = $1 AND position > $2 AND position <= $3 ORDER BY position`,
      values: [userId, above, upTo],
    });
    return rows;
  }
}

function timelineEvent(row: EventRow): TimelineEvent {
  const { txn_user_id: userId, txn_device_id: deviceId, txn_id: txnId } = row;
  return {
    position: row.position,
    roomNid: row.room_nid,
    eventId: row.event_id,
    type: row.type,
    stateKey: row.state_key ?? undefined,
    sender: row.sender,
    membership: row.membership ?? undefined,
    visibility: row.visibility,
    previousVisibility: row.previous_visibility ?? undefined,
    originServerTs: row.origin_server_ts,
    json: row.json,
    fixedUnsigned: row.fixed_unsigned ?? '',
    transaction: userId !== null && deviceId !== null && txnId !== null ? { userId, deviceId, txnId } : undefined,
  };
}

function stateVersion(row: VersionRow): StateVersion {
  return {
    type: row.s_type,
    stateKey: row.s_key,
    position: row.s_position,
    event: row.position === null ? undefined : timelineEvent(row),
  };
}
