import { type Filled, type Fragment, rowsOf, sql, statement } from '@ganglion/database';
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

/** An event whose place somebody asks for. */
export interface WantedPlace {
  readonly roomNid: number;
  readonly eventNid: number;
  readonly userId: string;
}

export const placesFor = statement(
  'find-places',
  sql<{ wanted: readonly WantedPlace[] }>`
  SELECT w.asked, ${PLACE}, CASE WHEN t.flags & 32 <> 0 THEN (
      SELECT json_object_agg(a.user_id, a.membership) FROM sync.memberships_at a
      WHERE a.room_nid = t.room_nid AND a.position = t.position AND a.user_id = w.user_id)
    END AS memberships
  FROM (${rowsOf(
    'w',
    { asked: 'integer', room_nid: 'bigint', event_nid: 'bigint', user_id: 'text' },
    ({ wanted }: { wanted: readonly WantedPlace[] }) =>
      wanted.map(({ roomNid, eventNid, userId }, asked) => ({
        ...{ asked, room_nid: roomNid, event_nid: eventNid, user_id: userId },
      })),
  )}) AS w
  JOIN sync.timeline t ON t.room_nid = w.room_nid AND t.event_nid = w.event_nid`,
);
