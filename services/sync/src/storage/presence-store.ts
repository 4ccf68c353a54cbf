import { type Database, type Fragment, rowsOf, sql } from '@ganglion/database';
import type { AppendBatch } from '../domain/append-batch.js';
import type { ChangedPresence, PresenceModel, PresenceWindow } from '../domain/ports/presence-model.js';
import type { PresenceRow, PresenceState, PresenceStatus } from '../domain/presence/presence.js';

/** How reachable users are, one row for each of whom anybody has been told. */
export const PRESENCE = `
  CREATE TABLE sync.presence (
    user_id text COLLATE "C" PRIMARY KEY,
    presence text NOT NULL,
    status_msg text,
    last_active_ts bigint NOT NULL,
    position bigint NOT NULL
  );
  CREATE INDEX presence_by_position ON sync.presence (position);
  CREATE INDEX present_users ON sync.presence (user_id) WHERE presence <> 'offline';
`;

interface StatusRow extends Record<string, unknown> {
  userId: string;
  presence: PresenceState;
  statusMsg: string | null;
  lastActiveTs: number;
}

const STATUS = `p.user_id AS "userId", p.presence, p.status_msg AS "statusMsg", p.last_active_ts AS "lastActiveTs"`;

/** Whether an entry `k` of a room's state says at the end that its member is joined. */
const IS_JOINED = `k.type = 'm.room.member' AND k.present_since IS NOT NULL AND (
  SELECT s.membership FROM sync.state_log s WHERE s.room_nid = k.room_nid AND s.key_nid = k.key_nid
  ORDER BY s.position DESC LIMIT 1) = 'join'`;

const ROOMS = `(SELECT coalesce(json_agg(k.room_nid), '[]') FROM sync.state_keys k
  WHERE k.state_key = p.user_id AND ${IS_JOINED})`;

/** What changed above a position, with the rooms that the user is in. */
export const PRESENCE_ABOVE = `
  SELECT ${STATUS}, p.position, ${ROOMS} AS "roomNids" FROM sync.presence p
  WHERE p.position > $1 AND p.position <= $2 ORDER BY p.position`;

/**
 * Of those whom `candidates` names with their places in rooms, who is joined, each once; and the user $1. It begins with the
 * rooms, as the present are many; whether somebody is joined is looked up of those alone of whom there is something to tell.
 */
const among = (candidates: string, isWanted: string) => `
  SELECT DISTINCT ON (p."userId") p."userId", p.presence, p."statusMsg", p."lastActiveTs" FROM (
    SELECT ${STATUS}, c.room_nid, c.key_nid FROM (
      SELECT $1::text AS user_id, NULL::bigint AS room_nid, NULL::bigint AS key_nid UNION ALL ${candidates}) AS c
    JOIN sync.presence p ON p.user_id = c.user_id AND ${isWanted}
    OFFSET 0) AS p
  WHERE p.room_nid IS NULL OR (
    SELECT s.membership FROM sync.state_log s WHERE s.room_nid = p.room_nid AND s.key_nid = p.key_nid
    ORDER BY s.position DESC LIMIT 1) = 'join'
  ORDER BY p."userId"`;

const IN_ROOMS = (rooms: string) => `
  SELECT k.state_key, k.room_nid, k.key_nid FROM sync.state_keys k
  WHERE k.room_nid = ANY(${rooms}::bigint[]) AND k.present_since IS NOT NULL`;

const MET = among(
  `${IN_ROOMS('$4')}
  UNION ALL
  SELECT k.state_key, k.room_nid, k.key_nid FROM sync.state_log moved
  JOIN sync.state_keys k ON k.room_nid = moved.room_nid AND k.key_nid = moved.key_nid AND k.present_since IS NOT NULL
  WHERE moved.room_nid = ANY($5::bigint[]) AND moved.position > $2 AND moved.position <= $3 AND moved.membership = 'join'`,
  `p.presence <> 'offline' AND p.position <= $3`,
);

const CHANGED = among(IN_ROOMS('$4'), 'p.position > $2 AND p.position <= $3');

const ROW = {
  user_id: 'text',
  presence: 'text',
  status_msg: 'text',
  last_active_ts: 'bigint',
  position: 'bigint',
} as const;

/** What a batch with changes of presence adds to the statement that appends it. */
export const APPEND_PRESENCE: Fragment<{ readonly batch: AppendBatch }> = sql`, presence AS (
    INSERT INTO sync.presence (user_id, presence, status_msg, last_active_ts, position)
    ${rowsOf('pr', ROW, ({ batch }: { readonly batch: AppendBatch }) =>
      batch.presence.map(({ userId, presence, statusMsg, lastActiveTs, position }) => ({
        ...{ user_id: userId, presence, status_msg: statusMsg, last_active_ts: lastActiveTs, position },
      })),
    )}, moved
    ON CONFLICT (user_id) DO UPDATE SET presence = excluded.presence, status_msg = excluded.status_msg,
      last_active_ts = excluded.last_active_ts, position = excluded.position
  )`;

/** How reachable people are, in PostgreSQL. */
export class PresenceStore implements PresenceModel {
  constructor(private readonly db: Database) {}

  async statuses(userIds: readonly string[]): Promise<PresenceStatus[]> {
    const text = `SELECT ${STATUS} FROM sync.presence p WHERE p.user_id = ANY($1)`;
    return (await this.db.query<StatusRow>({ name: 'presence-of', text, values: [userIds] })).rows.map(statusOf);
  }

  async present(afterUser: string, limit: number): Promise<PresenceStatus[]> {
    const text = `SELECT ${STATUS} FROM sync.presence p
      WHERE p.presence <> 'offline' AND p.user_id > $1 ORDER BY p.user_id LIMIT $2`;
    const { rows } = await this.db.query<StatusRow>({ name: 'present-users', text, values: [afterUser, limit] });
    return rows.map(statusOf);
  }

  async roomsOf(userIds: readonly string[]): Promise<ReadonlyMap<string, readonly number[]>> {
    const { rows } = await this.db.query<{ user_id: string; nids: number[] }>({
      name: 'joined-rooms-of',
      text: `SELECT k.state_key AS user_id, json_agg(k.room_nid) AS nids FROM sync.state_keys k
        WHERE k.state_key = ANY($1) AND ${IS_JOINED} GROUP BY k.state_key`,
      values: [userIds],
    });
    return new Map(rows.map((row) => [row.user_id, row.nids]));
  }

  async changed({ userId, since, upTo, roomNids }: ChangedPresence): Promise<PresenceStatus[]> {
    const values = [userId, since, upTo, roomNids];
    return (await this.db.query<StatusRow>({ name: 'presence-changed', text: CHANGED, values })).rows.map(statusOf);
  }

  async met({ userId, since, upTo, entered, moved }: PresenceWindow): Promise<PresenceStatus[]> {
    const { rows } = await this.db.query<StatusRow>({
      name: 'presence-met',
      text: MET,
      values: [userId, since, upTo, entered, moved],
    });
    return rows.map(statusOf);
  }

  async shareRoom(userId: string, other: string): Promise<boolean> {
    const { rows } = await this.db.query({
      name: 'share-room',
      text: `SELECT FROM sync.memberships m JOIN sync.state_keys k ON k.room_nid = m.room_nid AND k.state_key = $2
        WHERE m.user_id = $1 AND m.membership = 'join' AND ${IS_JOINED} LIMIT 1`,
      values: [userId, other],
    });
    return rows.length > 0;
  }
}

function statusOf({ userId, presence, statusMsg, lastActiveTs }: StatusRow): PresenceStatus {
  return { userId, presence, statusMsg: statusMsg ?? undefined, lastActiveTs };
}

/** A row of PRESENCE_ABOVE. */
export function presenceRowOf(row: StatusRow & { position: number; roomNids: number[] }): PresenceRow {
  return { ...statusOf(row), position: row.position, roomNids: row.roomNids };
}
