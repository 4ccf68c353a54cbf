import { sql } from '@ganglion/database';
import type { EventPlace, StateVersion } from '../domain/timeline-event.js';
import { readFlags } from './event-flags.js';

export interface PlaceRow extends Record<string, unknown> {
  room_nid: number;
  position: number;
  event_nid: number;
  depth: number;
  replaces_nid: number | null;
  redacts_nid: number | null;
  flags: number;
  memberships: Record<string, string> | null;
}

export interface VersionRow extends Record<string, unknown> {
  room_nid: number;
  key_nid: number;
  type: string;
  state_key: string;
  version_position: number;
  version_nid: number | null;
  membership: string | null;
  /** Of the place; null where there is none. */
  position: number | null;
}

/** An event of the timeline `t`, but for memberships. */
export const PLACE = sql`t.room_nid, t.position, t.event_nid, t.depth, t.replaces_nid, t.redacts_nid, t.flags`;

/** An event with what our users were at it, where that differs. 32: the flag says so. */
export const PLACE_FOR_ALL = sql`${PLACE}, CASE WHEN t.flags & 32 <> 0 THEN (
    SELECT json_object_agg(a.user_id, a.membership) FROM sync.memberships_at a
    WHERE a.room_nid = t.room_nid AND a.position = t.position) END AS memberships`;

/** The same of live events alone: of what was backfilled into large rooms it would be long lists. */
export const PLACE_FOR_LIVE = sql`${PLACE}, CASE WHEN t.flags & 32 <> 0 AND t.position > 0 THEN (
    SELECT json_object_agg(a.user_id, a.membership) FROM sync.memberships_at a
    WHERE a.room_nid = t.room_nid AND a.position = t.position) END AS memberships`;

/** An entry `k` of the state with one of its versions `s` and, where it has one, the place `t` of its event. */
export const VERSION = sql`k.room_nid, k.key_nid, k.type, k.state_key, s.position AS version_position,
  s.event_nid AS version_nid, s.membership, t.position, t.event_nid, t.depth, t.replaces_nid, t.redacts_nid, t.flags,
  NULL AS memberships`;
export const ITS_PLACE = sql`LEFT JOIN sync.timeline t ON t.room_nid = s.room_nid AND t.event_nid = s.event_nid`;

export function placeOf(row: PlaceRow): EventPlace {
  return {
    roomNid: row.room_nid,
    position: row.position,
    eventNid: row.event_nid,
    depth: row.depth,
    replacesNid: row.replaces_nid ?? undefined,
    redactsNid: row.redacts_nid ?? undefined,
    ...readFlags(row.flags),
    memberships: row.memberships ?? undefined,
  };
}

export function versionOf(row: VersionRow): StateVersion {
  return {
    type: row.type,
    stateKey: row.state_key,
    position: row.version_position,
    eventNid: row.version_nid ?? undefined,
    membership: row.membership ?? undefined,
    place: row.position === null ? undefined : placeOf(row as unknown as PlaceRow),
  };
}
