import { type Filled, type Fragment, sql, statement } from '@ganglion/database';
import type { OrderPage } from '../domain/ports/read-model.js';
import { packed } from './packed-places.js';
import { PLACE } from './place-rows.js';

interface Asked extends OrderPage {
  readonly userId: string;
}

/** An event with what one user was at it, where that differs. 32: the flag says so. */
export const PLACE_FOR_ONE = sql<{ userId: string }>`${PLACE}, CASE WHEN t.flags & 32 <> 0 THEN (
    SELECT json_object_agg(a.user_id, a.membership) FROM sync.memberships_at a
    WHERE a.room_nid = t.room_nid AND a.position = t.position AND a.user_id = ${({ userId }) => userId})
  END AS memberships`;

function page(direction: OrderPage['direction'], above: Fragment<Asked>, kind = ''): Filled<Asked> {
  const beyond = direction === 'forwards' ? sql`>` : sql`<=`;
  const order = direction === 'forwards' ? sql`ASC` : sql`DESC`;
  return statement(
    `order-${direction}${kind}`,
    packed(sql<Asked>`
    SELECT ${PLACE_FOR_ONE} FROM sync.timeline t
    WHERE t.room_nid = ${({ roomNid }) => roomNid} AND (t.depth, t.position) ${beyond}
        (${({ from }) => from.depth}::bigint, ${({ from }) => from.position}::bigint)
      AND t.position <= ${({ upTo }) => upTo}${above}
    ORDER BY t.depth ${order}, t.position ${order} LIMIT ${({ limit }) => limit}`),
  );
}

const PAGES = { forwards: page('forwards', sql``), backwards: page('backwards', sql``) };
const BETWEEN = page('backwards', sql<Asked>` AND t.position > ${({ above }) => above ?? 0}`, '-between');

/** Events in the order of their room, from a place on. */
export function orderPage(wanted: OrderPage, userId: string) {
  const read = wanted.above === undefined ? PAGES[wanted.direction] : BETWEEN;
  return read({ ...wanted, userId });
}

export const placeFor = statement(
  'find-place',
  sql<{ roomNid: number; eventNid: number; userId: string }>`
  SELECT ${PLACE_FOR_ONE} FROM sync.timeline t
  WHERE t.room_nid = ${({ roomNid }) => roomNid} AND t.event_nid = ${({ eventNid }) => eventNid}`,
);
