import type { Succession } from '@ganglion/contracts/room';
import type { Database } from '@ganglion/database';
import type { SummarySource, VisibleUsers } from '../domain/ports/summaries.js';
import type { SummarisedRoom } from '../domain/room-summaries.js';
import { CONTENT, PDU, SUMMARY_TYPES } from './public-rooms.js';

/** A list of children is part of one answer, and of one message between services. */
const MOST_CHILDREN = 1_000;

const ROOMS = `
  SELECT r.room_id AS "roomId", r.room_version AS "roomVersion", m.membership,
    (SELECT coalesce(sum(h.joined), 0) FROM room_server.room_hosts h WHERE h.room_nid = r.room_nid)::integer AS members,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('type', e.type, 'content', ${CONTENT})), '[]')
      FROM room_server.state_entries c JOIN room_server.events e USING (room_nid, event_nid)
      WHERE c.room_nid = r.room_nid AND c.type = ANY($3) AND c.state_key = '') AS state,
    (SELECT coalesce(jsonb_agg(child.event), '[]') FROM (
      SELECT jsonb_build_object('type', e.type, 'state_key', e.state_key, 'sender', e.sender,
        'origin_server_ts', e.origin_server_ts, 'content', ${PDU} -> 'content') AS event
      FROM room_server.state_entries c JOIN room_server.events e USING (room_nid, event_nid)
      WHERE $4 AND c.room_nid = r.room_nid AND c.type = 'm.space.child' AND e.redacted_by_nid IS NULL
      ORDER BY e.event_nid LIMIT ${MOST_CHILDREN}) AS child) AS children
  FROM room_server.rooms r
  LEFT JOIN room_server.state_entries m
    ON m.room_nid = r.room_nid AND m.type = 'm.room.member' AND m.state_key = $2
  WHERE r.room_id = ANY($1) AND r.participating AND NOT r.blocked`;

const INVITED = `
  SELECT r.room_id FROM room_server.rooms r WHERE r.room_id = ANY($1) AND r.participating AND EXISTS (
    SELECT FROM room_server.state_entries s
    WHERE s.room_nid = r.room_nid AND s.type = 'm.room.member' AND s.membership = 'invite'
      AND substring(s.state_key FROM position(':' IN s.state_key) + 1) = $2)`;

const JOINED = (alias: string, user: string) =>
  `${alias}.type = 'm.room.member' AND ${alias}.state_key = ${user} AND ${alias}.membership = 'join'`;

/** Whether everybody may join a room or read it. */
export const IS_OPEN = `EXISTS (
    SELECT FROM room_server.state_entries c JOIN room_server.events e USING (room_nid, event_nid)
    WHERE c.room_nid = theirs.room_nid AND c.state_key = ''
      AND ((c.type = 'm.room.join_rules' AND ${PDU} -> 'content' ->> 'join_rule' = 'public')
        OR (c.type = 'm.room.history_visibility' AND ${PDU} -> 'content' ->> 'history_visibility' = 'world_readable')))`;

/** Everybody is in the rooms that they are in: as everybody else, they are shown only to whom they might be unknown. */
const VISIBLE = `
  SELECT u.user_id FROM unnest($2::text[]) AS u(user_id)
  WHERE u.user_id <> $1 AND EXISTS (
    SELECT FROM room_server.state_entries theirs JOIN room_server.state_entries own USING (room_nid)
    WHERE ${JOINED('theirs', 'u.user_id')} AND ${JOINED('own', '$1')})
  OR EXISTS (
    SELECT FROM room_server.state_entries theirs WHERE ${JOINED('theirs', 'u.user_id')} AND ${IS_OPEN})`;

const STATE_TEXT = (type: string, text: string) => `
    SELECT ${PDU} #>> '{content,${text}}' FROM room_server.state_entries c JOIN room_server.events e USING (room_nid, event_nid)
    WHERE c.room_nid = r.room_nid AND c.type = '${type}' AND c.state_key = '' AND e.redacted_by_nid IS NULL`;

/** The word of one room is not enough: anybody may make one and call any other its predecessor. */
const SUCCESSIONS = `
  WITH asked AS (
    SELECT r.room_id, (${STATE_TEXT('m.room.create', 'predecessor,room_id')}) AS predecessor,
      (${STATE_TEXT('m.room.tombstone', 'replacement_room')}) AS replacement
    FROM room_server.rooms r WHERE r.room_id = ANY($1))
  SELECT a.predecessor AS "roomId", a.room_id AS "replacementRoomId"
  FROM asked a JOIN room_server.rooms r ON r.room_id = a.predecessor
  WHERE (${STATE_TEXT('m.room.tombstone', 'replacement_room')}) = a.room_id
  UNION
  SELECT a.room_id, a.replacement
  FROM asked a JOIN room_server.rooms r ON r.room_id = a.replacement
  WHERE (${STATE_TEXT('m.room.create', 'predecessor,room_id')}) = a.room_id`;

/** What a member was before is among what authorises their event. */
const STAYED = `
  SELECT j.event_nid FROM room_server.events j JOIN room_server.events e ON e.event_nid = ANY(j.auth_nids)
  WHERE j.room_nid IN (SELECT room_nid FROM room_server.rooms WHERE room_id = ANY($2))
    AND j.event_nid = ANY($1) AND j.type = 'm.room.member' AND e.room_nid = j.room_nid AND e.type = 'm.room.member'
    AND e.state_key = j.state_key AND ${PDU} #>> '{content,membership}' = 'join'`;

/** Of rooms that we take part in. There is an index of avatars. */
const AVATARS = `
  SELECT DISTINCT uri FROM room_server.state_entries c
  JOIN room_server.rooms r USING (room_nid) JOIN room_server.events e USING (room_nid, event_nid)
  CROSS JOIN LATERAL (SELECT ${CONTENT} AS content) AS shown
  CROSS JOIN LATERAL (VALUES (content ->> 'url'), (content #>> '{info,thumbnail_url}')) AS named(uri)
  WHERE c.type = 'm.room.avatar' AND c.state_key = '' AND r.participating AND uri = ANY($1)`;

/** Reads what rooms show of themselves. */
export class RoomSummaryRows implements SummarySource, VisibleUsers {
  constructor(private readonly db: Database) {}

  rooms(roomIds: readonly string[], userId: string): Promise<SummarisedRoom[]> {
    return this.#read(roomIds, userId, true);
  }

  withoutChildren(roomIds: readonly string[], userId: string): Promise<SummarisedRoom[]> {
    return this.#read(roomIds, userId, false);
  }

  async #read(roomIds: readonly string[], userId: string, withChildren: boolean): Promise<SummarisedRoom[]> {
    const { rows } = await this.db.query<SummarisedRoom & Record<string, unknown>>({
      name: 'room-summaries',
      text: ROOMS,
      values: [roomIds, userId, SUMMARY_TYPES, withChildren],
    });
    return rows.map((row) => ({ ...row, membership: row.membership ?? undefined }));
  }

  /** Those of the rooms to which users of a server are invited. */
  async invitedFrom(serverName: string, roomIds: readonly string[]): Promise<Set<string>> {
    const values = [roomIds, serverName];
    const { rows } = await this.db.query<{ room_id: string }>({ name: 'rooms-inviting-server', text: INVITED, values });
    return new Set(rows.map((row) => row.room_id));
  }

  async visibleTo(userId: string, candidates: readonly string[]): Promise<string[]> {
    const values = [userId, candidates];
    const { rows } = await this.db.query<{ user_id: string }>({ name: 'visible-users', text: VISIBLE, values });
    return rows.map((row) => row.user_id);
  }

  /** Those of some URIs that are a room's avatar now. */
  async avatarsAmong(uris: readonly string[]): Promise<string[]> {
    const { rows } = await this.db.query<{ uri: string }>({ name: 'avatars-of-rooms', text: AVATARS, values: [uris] });
    return rows.map((row) => row.uri);
  }

  /** The rooms that replace, or are replaced by, one of these, where both say so. */
  async successions(roomIds: readonly string[]): Promise<Succession[]> {
    const { rows } = await this.db.query<Succession & Record<string, unknown>>({
      ...{ name: 'successions', text: SUCCESSIONS, values: [roomIds] },
    });
    return rows;
  }

  /** Those of some events of members, in some rooms, whose members were in the room before them. */
  async stayedAmong(joinNids: readonly number[], roomIds: readonly string[]): Promise<number[]> {
    if (joinNids.length === 0) return [];
    const { rows } = await this.db.query<{ event_nid: number }>({
      name: 'stayed-in-rooms',
      text: STAYED,
      values: [joinNids, roomIds],
    });
    return [...new Set(rows.map(({ event_nid }) => event_nid))];
  }
}
