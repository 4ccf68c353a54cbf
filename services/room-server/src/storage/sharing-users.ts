import { type Queryable, rowsOf, sql, statement } from '@ganglion/database';

/** A user of another server, and what says by which room, and since when, they are in touch with us. */
export interface SharingUser {
  readonly userId: string;
  readonly evidence: string;
}

interface Asked {
  readonly users: readonly SharingUser[];
}

const EVIDENCE = /^(\d{1,15})\.(\d{1,15})\.(\d{1,15})$/;

/** Evidence names the room, the event by which the user is in it, and the version of the room with which we came to take part. */
const listSharing = statement(
  'sharing-users',
  sql<Asked>`
  SELECT a.user_id AS "userId", coalesce(held.evidence, found.evidence) AS evidence
  FROM (${rowsOf(
    'a',
    { user_id: 'text', room_nid: 'bigint', event_nid: 'bigint', took_part: 'bigint' },
    ({ users }: Asked) => users.map(askedRow),
  )}) AS a
  LEFT JOIN LATERAL (
    SELECT concat_ws('.', a.room_nid, a.event_nid, a.took_part) AS evidence
    FROM room_server.state_entries s JOIN room_server.rooms r USING (room_nid)
    WHERE s.room_nid = a.room_nid AND s.type = 'm.room.member' AND s.state_key = a.user_id AND s.membership = 'join'
      AND s.event_nid = a.event_nid AND r.participating AND r.took_part_version = a.took_part
  ) AS held ON true
  LEFT JOIN LATERAL (
    SELECT concat_ws('.', s.room_nid, s.event_nid, r.took_part_version) AS evidence
    FROM room_server.state_entries s JOIN room_server.rooms r USING (room_nid)
    WHERE held.evidence IS NULL AND s.type = 'm.room.member' AND s.state_key = a.user_id AND s.membership = 'join'
      AND r.participating
    LIMIT 1
  ) AS found ON true
  WHERE held.evidence IS NOT NULL OR found.evidence IS NOT NULL`,
);

/** Those of the users who are in a room of ours, as it is now. */
export async function sharingUsers(db: Queryable, users: readonly SharingUser[]): Promise<SharingUser[]> {
  if (users.length === 0) return [];
  const { rows } = await db.query<SharingUser & Record<string, unknown>>(listSharing({ users }));
  return rows;
}

/** Other servers may be in very many rooms of one user: each is told of once. */
const SERVERS_OF_USER = `
  SELECT DISTINCT h.server_name AS name FROM room_server.state_entries s
  JOIN room_server.rooms r ON r.room_nid = s.room_nid AND r.participating AND r.room_id <> $2
  JOIN room_server.room_hosts h ON h.room_nid = s.room_nid AND h.joined > 0
  WHERE s.type = 'm.room.member' AND s.state_key = $1 AND s.membership = 'join'`;

/** The servers with users in any room that a user is in, as it is now. @param but without this room */
export async function serversOf(db: Queryable, userId: string, but = ''): Promise<string[]> {
  const { rows } = await db.query<{ name: string }>({
    ...{ name: 'servers-of-user', text: SERVERS_OF_USER, values: [userId, but] },
  });
  return rows.map(({ name }) => name);
}

/** The servers with users in each of these rooms; rooms that are not known are left out. */
export async function serversOfRooms(db: Queryable, roomIds: readonly string[]) {
  const { rows } = await db.query<{
    roomId: string;
    serverNames: string[];
    joined: number[];
    roomSeq: number;
    blocked: boolean;
  }>({
    name: 'servers-of-rooms',
    text: `SELECT r.room_id AS "roomId", r.room_seq AS "roomSeq", r.blocked,
        array_remove(array_agg(h.server_name), NULL) AS "serverNames",
        CASE WHEN r.partial_state THEN '{}' ELSE array_remove(array_agg(h.joined::float8), NULL) END AS joined
      FROM room_server.rooms r LEFT JOIN room_server.room_hosts h ON h.room_nid = r.room_nid AND h.joined > 0
      WHERE r.room_id = ANY($1) GROUP BY r.room_nid`,
    values: [roomIds],
  });
  return rows;
}

/** A user and a room that they may be in. */
interface UserOfRoom {
  readonly roomId: string;
  readonly userId: string;
}

/** Those who are joined; where not all members are known, who nothing is known of may be. */
export async function joinedAmong(db: Queryable, users: readonly UserOfRoom[]) {
  if (users.length === 0) return [];
  const { rows } = await db.query<{ roomId: string; userId: string }>({
    name: 'joined-among',
    text: `SELECT a.room_id AS "roomId", a.user_id AS "userId" FROM unnest($1::text[], $2::text[]) AS a(room_id, user_id)
      JOIN room_server.rooms r ON r.room_id = a.room_id AND r.participating
      LEFT JOIN room_server.state_entries s
        ON s.room_nid = r.room_nid AND s.type = 'm.room.member' AND s.state_key = a.user_id AND s.event_nid IS NOT NULL
      WHERE s.membership = 'join' OR (r.partial_state AND s.membership IS NULL)`,
    values: [users.map(({ roomId }) => roomId), users.map(({ userId }) => userId)],
  });
  return rows;
}

function askedRow({ userId, evidence }: SharingUser) {
  const [, room = '0', event = '0', tookPart = '0'] = EVIDENCE.exec(evidence) ?? [];
  return { user_id: userId, room_nid: Number(room), event_nid: Number(event), took_part: Number(tookPart) };
}
