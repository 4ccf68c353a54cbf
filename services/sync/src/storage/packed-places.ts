import { type Fragment, sql } from '@ganglion/database';
import type { EventPlace } from '../domain/timeline-event.js';
import { readFlags } from './event-flags.js';

/** A page of events of one room in one row: to read them one by one costs several times as much as all else of a page does. */
export interface PackedPlaces extends Record<string, unknown> {
  /** A JSON array of the numbers of each, one after the other, in the order of the page; null when there is none. */
  places: string | null;
  /** Of our users at those events where they differ, by their positions. */
  memberships: Readonly<Record<string, Record<string, string>>> | null;
}

/** Packs what a query of PLACE and `memberships` answers, in its order. */
export function packed<Input>(page: Fragment<Input>): Fragment<Input> {
  return sql<Input>`
  SELECT '[' || string_agg(concat_ws(',', t.position, t.event_nid, t.depth, coalesce(t.replaces_nid, 0),
      coalesce(t.redacts_nid, 0), t.flags), ',') || ']' AS places,
    json_object_agg(t.position, t.memberships) FILTER (WHERE t.memberships IS NOT NULL) AS memberships
  FROM (${page}) AS t`;
}

/** What a packed place is made of. */
const NUMBERS = 6;

export function unpack(roomNid: number, { places, memberships }: PackedPlaces): EventPlace[] {
  if (places === null) return [];
  const numbers = JSON.parse(places) as number[];
  return Array.from({ length: numbers.length / NUMBERS }, (_, index) => {
    const at = index * NUMBERS;
    const position = numbers[at]!;
    return {
      ...{ roomNid, position, eventNid: numbers[at + 1]!, depth: numbers[at + 2]! },
      ...{ replacesNid: numbers[at + 3] || undefined, redactsNid: numbers[at + 4] || undefined },
      ...readFlags(numbers[at + 5]!),
      memberships: memberships?.[position],
    };
  });
}
