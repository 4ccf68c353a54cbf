import { type Filled, type Fragment, sql, statement } from '@ganglion/database';
import type { OrderPage } from '../domain/ports/read-model.js';
import { packed } from './packed-places.js';
import { PLACE, PLACE_FOR_LIVE } from './place-rows.js';

interface Asked extends OrderPage {
  readonly userId: string;
}

/** How a page is read, apart from its direction. */
interface Kind<Page extends OrderPage> {
  readonly name: string;
  readonly place: Fragment<Page>;
  readonly above: Fragment<Page>;
}

/** An event with what one user was at it, where that differs. 32: the flag says so. */
export const PLACE_FOR_ONE = sql<{ userId: string }>`${PLACE}, CASE WHEN t.flags & 32 <> 0 THEN (
    SELECT json_object_agg(a.user_id, a.membership) FROM sync.memberships_at a
    WHERE a.room_nid = t.room_nid AND a.position = t.position AND a.user_id = ${({ userId }) => userId})
  END AS memberships`;

function page<Page extends OrderPage>(direction: OrderPage['direction'], kind: Kind<Page>): Filled<Page> {
  const beyond = direction === 'forwards' ? sql`>` : sql`<=`;
  const order = direction === 'forwards' ? sql`ASC` : sql`DESC`;
  return statement(
    `order-${direction}${kind.name}`,
    packed(sql<Page>`
    SELECT ${kind.place} FROM sync.timeline t
    WHERE t.room_nid = ${({ roomNid }) => roomNid} AND (t.depth, t.position) ${beyond}
        (${({ from }) => from.depth}::bigint, ${({ from }) => from.position}::bigint)
      AND t.position <= ${({ upTo }) => upTo}${kind.above}
    ORDER BY t.depth ${order}, t.position ${order} LIMIT ${({ limit }) => limit}`),
  );
}

const FOR_ONE: Kind<Asked> = { name: '', place: PLACE_FOR_ONE, above: sql`` };
const PAGES = { forwards: page('forwards', FOR_ONE), backwards: page('backwards', FOR_ONE) };
const BETWEEN = page('backwards', {
  ...FOR_ONE,
  ...{ name: '-between', above: sql<Asked>` AND t.position > ${({ above }) => above ?? 0}` },
});
const FOR_ALL = page<OrderPage>('backwards', { name: '-for-all', place: PLACE_FOR_LIVE, above: sql`` });

/** Events in the order of their room, from a place on. */
export function orderPage(wanted: OrderPage, userId: string | undefined) {
  if (userId === undefined) return FOR_ALL(wanted);
  const read = wanted.above === undefined ? PAGES[wanted.direction] : BETWEEN;
  return read({ ...wanted, userId });
}

export const placeFor = statement(
  'find-place',
  sql<{ roomNid: number; eventNid: number; userId: string }>`
  SELECT ${PLACE_FOR_ONE} FROM sync.timeline t
  WHERE t.room_nid = ${({ roomNid }) => roomNid} AND t.event_nid = ${({ eventNid }) => eventNid}`,
);
