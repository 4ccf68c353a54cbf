import { type Database, type Fragment, rowsOf, sql, statement } from '@ganglion/database';
import type { Match, Matches, SearchModel, SearchRequest, SizedRoom } from '../domain/ports/search-model.js';
import type { EventPlace } from '../domain/timeline-event.js';
import { PLACE_FOR_ALL, type PlaceRow, placeOf } from './place-rows.js';
import { keyNumber } from './search-keys.js';
import { roomsQuery, sendersQuery, stretchesBefore } from './word-marks.js';

/** So many of the latest matches are ranked, then as many of those before them. */
const RANKED_AT_ONCE = 1_000;
const RECENT_AT_ONCE = 300;
/** Rooms with a larger part of all events are looked for among what is found; of others the index knows where to look. */
const LARGE_PART = 0.1;

interface Asked extends SearchRequest {
  /** What the index is asked for beside words. */
  readonly scope: string;
  readonly stretches: ReturnType<typeof stretchesBefore>;
}

const most = ({ orderBy }: Asked) => (orderBy === 'rank' ? RANKED_AT_ONCE : RECENT_AT_ONCE);
const scope = (asked: Asked) => asked.scope;
const nids = ({ rooms }: Asked) => rooms.map(({ nid }) => nid);
const keys = (asked: Asked) => asked.keys.map(keyNumber);
const topPosition = ({ top }: Asked) => top.position;
const topRoom = ({ top }: Asked) => top.roomNid;
const isRanked = ({ orderBy }: Asked) => orderBy === 'rank';
const isFirst = ({ after }: Asked) => after === undefined;
const afterRank = ({ after }: Asked) => after?.rank ?? 0;
const afterPosition = ({ after }: Asked) => after?.position ?? 0;
const afterRoom = ({ after }: Asked) => after?.roomNid ?? 0;
const oldest = [0, 1, 2].map((index) => (asked: Asked) => asked.stretches[index]!.oldest);
const TERM = sql<Asked>`websearch_to_tsquery('simple', ${({ term }) => term})`;
const NOTHING = sql<Asked>``;

/** The latest matches of one stretch of time. To add nothing to a position keeps its index from being walked instead of that of words. */
function matchesOf(within: Fragment<Asked>, older: Fragment<Asked>): Fragment<Asked> {
  return sql<Asked>`(
    SELECT s.room_nid, s.position, s.edit_nid, s.words FROM sync.words s
    WHERE s.words @@ (${TERM} && ${scope}::tsquery${within}) AND numnode(${TERM}) > 0
      AND s.room_nid + 0 = ANY(${nids}::bigint[]) AND s.key = ANY(${keys}::smallint[])
      AND (s.position + 0, s.room_nid + 0) < (${topPosition}::bigint, ${topRoom}::bigint)${older}
    ORDER BY s.position DESC, s.room_nid DESC LIMIT ${most})`;
}

function stretch(index: number): Fragment<Asked> {
  const within = sql<Asked>` && ${({ stretches }) => stretches[index]!.query}::tsquery`;
  return matchesOf(within, index === 0 ? NOTHING : sql<Asked>` AND s.position + 0 < ${oldest[index - 1]!}::bigint`);
}

const REST = matchesOf(NOTHING, sql<Asked>` AND s.position + 0 < ${oldest.at(-1)!}::bigint`);

/** From one stretch to the next as long as there is not enough: where much matches, the latest stretch alone is looked at. */
const matching = statement(
  'search',
  sql<Asked>`
  SELECT count(*)::int AS size, coalesce(json_agg(json_build_array(f.room_nid, f.position, f.rank, f.edit_nid)
      ORDER BY CASE WHEN ${isRanked}::boolean THEN f.rank END DESC, f.position DESC, f.room_nid DESC)
    FILTER (WHERE ${isFirst}::boolean OR CASE WHEN ${isRanked}::boolean
      THEN (f.rank, f.position, f.room_nid) < (${afterRank}::float8, ${afterPosition}::bigint, ${afterRoom}::bigint)
      ELSE (f.position, f.room_nid) < (${afterPosition}::bigint, ${afterRoom}::bigint) END), '[]') AS matches,
    (array_agg(f.position ORDER BY f.position, f.room_nid))[1] AS "lastPosition",
    (array_agg(f.room_nid ORDER BY f.position, f.room_nid))[1] AS "lastRoom"
  FROM (
    SELECT m.room_nid, m.position, m.edit_nid, ts_rank_cd(m.words, ${TERM})::float8 AS rank FROM (
      ${stretch(0)} UNION ALL ${stretch(1)} UNION ALL ${stretch(2)} UNION ALL ${REST} LIMIT ${most}) AS m) AS f`,
);

interface MatchesRow extends Record<string, unknown> {
  readonly size: number;
  readonly matches: readonly (readonly [number, number, number, number | null])[];
  readonly lastPosition: number | null;
  readonly lastRoom: number | null;
}

interface Shown {
  readonly matches: readonly Match[];
}

const places = statement(
  'search-places',
  sql<Shown>`
  SELECT ${PLACE_FOR_ALL} FROM (${rowsOf('m', { room_nid: 'bigint', position: 'bigint' }, ({ matches }: Shown) =>
    matches.map(({ roomNid, position }) => ({ room_nid: roomNid, position })),
  )}) AS m JOIN sync.timeline t ON t.room_nid = m.room_nid AND t.position = m.position
  UNION ALL
  SELECT ${PLACE_FOR_ALL} FROM (${rowsOf('e', { room_nid: 'bigint', event_nid: 'bigint' }, ({ matches }: Shown) =>
    matches.flatMap(({ roomNid, editNid }) => (editNid === undefined ? [] : { room_nid: roomNid, event_nid: editNid })),
  )}) AS e JOIN sync.timeline t ON t.room_nid = e.room_nid AND t.event_nid = e.event_nid`,
);

/** The words of events in PostgreSQL, as they are looked for. */
export class SearchStore implements SearchModel {
  constructor(private readonly db: Database) {}

  async unencrypted(roomNids: readonly number[]): Promise<SizedRoom[]> {
    const { rows } = await this.db.query<SizedRoom & Record<string, unknown>>({
      name: 'unencrypted-rooms',
      text: `SELECT r.room_nid AS nid, r.room_seq - r.back_seq AS events FROM sync.rooms r
        WHERE r.room_nid = ANY($1::bigint[]) AND NOT EXISTS (
          SELECT FROM sync.state_keys k
          WHERE k.room_nid = r.room_nid AND k.type = 'm.room.encryption' AND k.state_key = '')`,
      values: [roomNids],
    });
    return rows;
  }

  async search(request: SearchRequest): Promise<Matches> {
    const asked: Asked = { ...request, scope: scopeOf(request), stretches: stretchesBefore(request.top.position) };
    const {
      size = 0,
      matches = [],
      lastPosition,
      lastRoom,
    } = (await this.db.query<MatchesRow>(matching(asked))).rows[0]!;
    return {
      matches: matches.map(([roomNid, position, rank, editNid]) => {
        return { roomNid, position, rank, editNid: editNid ?? undefined };
      }),
      below: size < most(asked) ? undefined : { position: lastPosition!, roomNid: lastRoom! },
    };
  }

  async places(matches: readonly Match[]): Promise<EventPlace[]> {
    if (matches.length === 0) return [];
    return (await this.db.query<PlaceRow>(places({ matches }))).rows.map(placeOf);
  }
}

/** Rooms are looked for by the index where they are a small part of all there is. */
function scopeOf({ rooms, senders, upTo }: SearchRequest): string {
  const events = rooms.reduce((sum, room) => sum + room.events, 0);
  const parts = [
    ...(events < upTo * LARGE_PART ? [roomsQuery(rooms.map(({ nid }) => nid))] : []),
    ...(senders === undefined ? [] : [sendersQuery(senders)]),
  ];
  return parts.join(' & ');
}
