import { rowsOf, sql, statement } from '@ganglion/database';
import type { EntryNames, MembersPage } from '../domain/ports/read-model.js';
import { ITS_PLACE, VERSION } from './place-rows.js';

interface At {
  readonly roomNid: number;
  readonly at: number;
}

interface Between {
  readonly roomNid: number;
  readonly above: number;
  readonly upTo: number;
}

const ROOM = ({ roomNid }: { roomNid: number }) => roomNid;

/** The state at a position, without members. */
export const stateAt = statement(
  'past-state',
  sql<At>`
  SELECT ${VERSION} FROM sync.state_keys k
  CROSS JOIN LATERAL (
    SELECT * FROM sync.state_log v
    WHERE v.room_nid = k.room_nid AND v.key_nid = k.key_nid AND v.position <= ${({ at }) => at}
    ORDER BY v.position DESC LIMIT 1) AS s
  ${ITS_PLACE}
  WHERE k.room_nid = ${ROOM} AND k.type <> 'm.room.member' ORDER BY s.position, k.key_nid`,
);

/** What changed of the state, without members: they may be many, and the others are few. */
export const stateBetween = statement(
  'state-between',
  sql<Between>`
  SELECT ${VERSION} FROM sync.state_keys k
  CROSS JOIN LATERAL (
    SELECT * FROM sync.state_log v WHERE v.room_nid = k.room_nid AND v.key_nid = k.key_nid
      AND v.position > ${({ above }) => above} AND v.position <= ${({ upTo }) => upTo}
    ORDER BY v.position DESC LIMIT 1) AS s
  ${ITS_PLACE}
  WHERE k.room_nid = ${ROOM} AND k.type <> 'm.room.member' ORDER BY s.position, k.key_nid`,
);

/** What changed of the state, with members. */
export const allStateBetween = statement(
  'all-state-between',
  sql<Between>`
  SELECT ${VERSION} FROM (
    SELECT DISTINCT ON (v.key_nid) * FROM sync.state_log v
    WHERE v.room_nid = ${ROOM} AND v.position > ${({ above }) => above} AND v.position <= ${({ upTo }) => upTo}
    ORDER BY v.key_nid, v.position DESC) AS s
  JOIN sync.state_keys k USING (room_nid, key_nid)
  ${ITS_PLACE} ORDER BY s.position, k.key_nid`,
);

interface Wanted {
  readonly wanted: readonly EntryNames[];
}

/** Of some entries of any rooms the last version up to a position and all later ones. */
export const entryVersions = statement(
  'entry-versions',
  sql<Wanted>`
  SELECT wanted.place AS asked, ${VERSION} FROM (${rowsOf(
    'w',
    { place: 'integer', room_nid: 'bigint', start: 'bigint', type: 'text', state_key: 'text' },
    ({ wanted }: Wanted) =>
      wanted.flatMap(({ roomNid, from, names }, place) =>
        names.map(({ type, stateKey }) => ({ place, room_nid: roomNid, start: from, type, state_key: stateKey })),
      ),
  )}) AS wanted
  JOIN sync.state_keys k ON k.room_nid = wanted.room_nid AND k.type = wanted.type AND k.state_key = wanted.state_key
  CROSS JOIN LATERAL (
    (SELECT * FROM sync.state_log v
      WHERE v.room_nid = k.room_nid AND v.key_nid = k.key_nid AND v.position <= wanted.start
      ORDER BY v.position DESC LIMIT 1)
    UNION ALL
    SELECT * FROM sync.state_log v
    WHERE v.room_nid = k.room_nid AND v.key_nid = k.key_nid AND v.position > wanted.start) AS s
  ${ITS_PLACE} ORDER BY s.position, k.key_nid`,
);

/** Members at a position, by the numbers of their keys. */
export const membersPage = statement(
  'members-page',
  sql<MembersPage>`
  SELECT ${VERSION} FROM (
    SELECT * FROM sync.state_keys
    WHERE room_nid = ${ROOM} AND key_nid > ${({ afterKey }) => afterKey} AND type = 'm.room.member'
    ORDER BY key_nid LIMIT ${({ limit }) => limit}) AS k
  LEFT JOIN LATERAL (
    SELECT * FROM sync.state_log v
    WHERE v.room_nid = k.room_nid AND v.key_nid = k.key_nid AND v.position <= ${({ at }) => at}
    ORDER BY v.position DESC LIMIT 1) AS s ON true
  ${ITS_PLACE} ORDER BY k.key_nid`,
);

/** How many of which room. */
export interface FirstMembers {
  readonly roomNid: number;
  readonly limit: number;
}

/** Those who are in rooms, those first who have been so longest. */
export const presentMembers = statement(
  'present-members',
  sql<{ wanted: readonly FirstMembers[] }>`
  SELECT wanted.place AS asked, m.state_key FROM (${rowsOf(
    'w',
    { place: 'integer', room_nid: 'bigint', most: 'integer' },
    ({ wanted }: { wanted: readonly FirstMembers[] }) =>
      wanted.map(({ roomNid, limit }, place) => ({ place, room_nid: roomNid, most: limit })),
  )}) AS wanted
  CROSS JOIN LATERAL (
    SELECT state_key, present_since, key_nid FROM sync.state_keys k
    WHERE k.room_nid = wanted.room_nid AND k.present_since IS NOT NULL
    ORDER BY present_since, key_nid LIMIT wanted.most) AS m
  ORDER BY m.present_since, m.key_nid`,
);

/** Those who have left or were banned, those first who were known first. */
export const goneMembers = statement(
  'gone-members',
  sql<FirstMembers>`
  SELECT k.state_key FROM sync.state_keys k
  CROSS JOIN LATERAL (
    SELECT membership FROM sync.state_log s WHERE s.room_nid = k.room_nid AND s.key_nid = k.key_nid
    ORDER BY s.position DESC LIMIT 1) AS latest
  WHERE k.room_nid = ${ROOM} AND k.type = 'm.room.member' AND k.present_since IS NULL
    AND latest.membership IN ('leave', 'ban')
  ORDER BY k.key_nid LIMIT ${({ limit }) => limit}`,
);
