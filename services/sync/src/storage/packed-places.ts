import { type Fragment, sql } from '@ganglion/database';
import type { EventPlace } from '../domain/timeline-event.js';
import { readFlags } from './event-flags.js';

/** A page of events of one room in one row: to read them one by one costs several times as much as all else of a page does. */
export interface PackedPlaces extends Record<string, unknown> {
  /** Each as its numbers, in the order of the page; null when there is none. */
  places: string | null;
  /** Of our users at those events where they differ, by their positions. */
  memberships: Readonly<Record<string, Record<string, string>>> | null;
}

/** Packs what a query of PLACE and `memberships` answers, in its order. */
export function packed<Input>(page: Fragment<Input>): Fragment<Input> {
  return sql<Input>`
  SELECT string_agg(concat_ws(',', t.position, t.event_nid, t.depth, coalesce(t.replaces_nid, 0), coalesce(t.redacts_nid, 0),
      t.flags), ';') AS places,
    json_object_agg(t.position, t.memberships) FILTER (WHERE t.memberships IS NOT NULL) AS memberships
  FROM (${page}) AS t`;
}

export function unpack(roomNid: number, { places, memberships }: PackedPlaces): EventPlace[] {
  if (places === null) return [];
  return places.split(';').map((numbers) => {
    const [position = 0, eventNid = 0, depth = 0, replacesNid, redactsNid, flags = 0] = numbers.split(',').map(Number);
    return {
      ...{
        roomNid,
        position,
        eventNid,
        depth,
        replacesNid: replacesNid || undefined,
        redactsNid: redactsNid || undefined,
      },
      ...readFlags(flags),
      memberships: memberships?.[position],
    };
  });
}
