import { type Fragment, rowsOf, sql, statement } from '@ganglion/database';
import type { AppendBatch } from '../domain/append-batch.js';
import type { DeviceListWindow } from '../domain/ports/device-list-model.js';

type Window = DeviceListWindow;

const since = ({ since }: Window) => since;
const upTo = ({ upTo }: Window) => upTo;
const user = ({ userId }: Window) => userId;

/** What a member's entry `k` of a room's state was at a position. */
const MEMBERSHIP_AT_START: Fragment<Window> = sql`(
  SELECT s.membership FROM sync.state_log s WHERE s.room_nid = k.room_nid AND s.key_nid = k.key_nid AND s.position <= ${since}
  ORDER BY s.position DESC LIMIT 1)`;
const MEMBERSHIP_AT_END: Fragment<Window> = sql`(
  SELECT s.membership FROM sync.state_log s WHERE s.room_nid = k.room_nid AND s.key_nid = k.key_nid AND s.position <= ${upTo}
  ORDER BY s.position DESC LIMIT 1)`;

/**
 * Candidates are whose keys changed, who came or went where the user is, and all members of rooms that the user came to or
 * left. Of each it is looked up, over all rooms that they share with the user: whether they share one at the end of the window,
 * whether they did at its start, and whether they did all the time.
 */
export const deviceListChanges = statement(
  'device-list-changes',
  sql<Window>`
  WITH rooms AS MATERIALIZED (
    SELECT o.room_nid, true AS in_now, o.since <= ${since} AS stayed FROM (
      ${rowsOf('j', { room_nid: 'bigint', since: 'bigint' }, ({ joined }: Window) =>
        joined.map(({ roomNid, since: from }) => ({ room_nid: roomNid, since: from })),
      )}) AS o
    UNION ALL
    SELECT l.room_nid, false, false FROM unnest(${({ left }: Window) => left}::bigint[]) AS l(room_nid)
  ), own AS MATERIALIZED (
    SELECT rooms.*, stayed OR coalesce((
        SELECT ${MEMBERSHIP_AT_START} = 'join' FROM sync.state_keys k
        WHERE k.room_nid = rooms.room_nid AND k.type = 'm.room.member' AND k.state_key = ${user}), false) AS was_in
    FROM rooms
  ), candidates AS MATERIALIZED (
    SELECT user_id, bool_or(has_keys) AS has_keys FROM (
      SELECT d.user_id, true AS has_keys FROM sync.device_lists d
      WHERE ${({ withKeys }: Window) => withKeys}::boolean AND d.position > ${since} AND d.position <= ${upTo}
      UNION ALL
      SELECT k.state_key, false FROM unnest(${({ moved }: Window) => moved}::bigint[]) AS m(room_nid)
      JOIN sync.state_log s ON s.room_nid = m.room_nid AND s.position > ${since} AND s.position <= ${upTo}
      JOIN sync.state_keys k ON k.room_nid = s.room_nid AND k.key_nid = s.key_nid AND k.type = 'm.room.member'
      UNION ALL
      SELECT k.state_key, false FROM sync.state_keys k
      WHERE k.room_nid = ANY(${({ entered, left }: Window) => [...entered, ...left]}::bigint[])
        AND k.type = 'm.room.member' AND k.present_since IS NOT NULL
    ) AS found GROUP BY user_id
  ), shared AS (
    SELECT c.user_id, c.has_keys,
      coalesce(bool_or(own.in_now AND pair.at_end = 'join'), false) AS shares,
      coalesce(bool_or(own.was_in AND pair.at_start = 'join'), false) AS shared,
      coalesce(bool_or(own.stayed AND pair.at_start = 'join' AND pair.at_end = 'join' AND NOT EXISTS (
        SELECT FROM sync.state_log s WHERE s.room_nid = pair.room_nid AND s.key_nid = pair.key_nid
          AND s.position > ${since} AND s.position <= ${upTo} AND s.membership IS DISTINCT FROM 'join')), false) AS all_along
    FROM candidates c
    LEFT JOIN LATERAL (
      SELECT k.room_nid, k.key_nid, ${MEMBERSHIP_AT_START} AS at_start, ${MEMBERSHIP_AT_END} AS at_end
      FROM sync.state_keys k
      WHERE k.type = 'm.room.member' AND k.state_key = c.user_id AND k.room_nid IN (SELECT room_nid FROM own)) AS pair ON true
    LEFT JOIN own ON own.room_nid = pair.room_nid
    WHERE c.user_id <> ${user}
    GROUP BY c.user_id, c.has_keys
  )
  SELECT user_id, true AS has_changed FROM shared WHERE shares AND (has_keys OR NOT all_along)
  UNION
  SELECT user_id, false FROM shared WHERE shared AND NOT shares
  UNION
  SELECT user_id, true FROM candidates WHERE user_id = ${user} AND has_keys
  UNION
  SELECT signed_user_id, true FROM sync.signed_users
  WHERE ${({ withKeys }: Window) => withKeys}::boolean AND user_id = ${user} AND position > ${since} AND position <= ${upTo}`,
);

const CHANGE = {
  user_id: 'text',
  seq: 'bigint',
  position: 'bigint',
} as const;
const SIGNED = { user_id: 'text', signed_user_id: 'text', position: 'bigint' } as const;

interface Append {
  readonly batch: AppendBatch;
}

/** What a batch with changes of keys adds to the statement that appends it. */
export const APPEND_KEY_CHANGES: Fragment<Append> = sql`, device_lists AS (
    INSERT INTO sync.device_lists AS known (user_id, seq, position)
    ${rowsOf('kc', CHANGE, ({ batch }: Append) =>
      batch.keyChanges.map(({ userId, seq, position, listChanged }) => ({
        ...{ user_id: userId, seq, position: listChanged ? position : 0 },
      })),
    )}, moved
    ON CONFLICT (user_id) DO UPDATE SET seq = greatest(known.seq, excluded.seq),
      position = greatest(known.position, excluded.position)
  ), signed_users AS (
    INSERT INTO sync.signed_users AS known (user_id, signed_user_id, position)
    ${rowsOf('su', SIGNED, ({ batch }: Append) =>
      batch.keyChanges.flatMap(({ userId, signedUserIds, position }) =>
        signedUserIds.map((signed) => ({ user_id: userId, signed_user_id: signed, position })),
      ),
    )}, moved
    ON CONFLICT (user_id, signed_user_id) DO UPDATE SET position = excluded.position
  )`;
