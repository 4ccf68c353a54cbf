import { type Database, type Filled, sql, statement } from '@ganglion/database';
import type {
  AnnotationsQuery,
  Children,
  ChildrenPage,
  ParentsQuery,
  RelatedQuery,
  RelationModel,
  ThreadPlace,
  ThreadsPage,
} from '../domain/ports/relation-model.js';
import type { EventPlace } from '../domain/timeline-event.js';
import { PLACE_FOR_ONE } from './order-statements.js';
import { type PlaceRow, placeOf } from './place-rows.js';

/** Of edits and replies a few, as the newest may be one that the viewer may not see. */
const NEWEST = 5;
/** More references than anybody follows. */
const MOST_REFERENCES = 100;
/** Who has annotated an event more often is not kept from doing it once more. */
const MOST_ANNOTATIONS = 200;

const CHILD = sql<ParentsQuery>`r.room_nid = ${({ roomNid }) => roomNid} AND r.parent_id = p.parent_id
  AND r.position <= ${({ upTo }) => upTo} AND r.sender <> ALL(${({ ignored }) => ignored}::text[])`;

const childrenOf = statement(
  'relations-children',
  sql<ParentsQuery>`
  SELECT p.parent_id AS "parentId", edits.nids AS edits, thread.count AS "threadCount",
    thread.participated AS "hasParticipated", thread.nids AS replies, refs.ids AS references
  FROM unnest(${({ parents }) => parents.map(({ eventId }) => eventId)}::text[],
    ${({ parents }) => parents.map(({ type }) => type)}::text[],
    ${({ parents }) => parents.map(({ sender }) => sender)}::text[]) AS p(parent_id, type, sender)
  CROSS JOIN LATERAL (
    SELECT coalesce(json_agg(event_nid), '[]') AS nids FROM (
      SELECT r.event_nid FROM sync.relations r
      WHERE ${CHILD} AND r.rel_type = 'm.replace' AND r.type = p.type AND r.sender = p.sender
      ORDER BY r.origin_server_ts DESC, r.event_id DESC LIMIT ${() => NEWEST}) AS newest) AS edits
  CROSS JOIN LATERAL (
    SELECT count(*) AS count, coalesce(bool_or(r.sender = ${({ userId }) => userId}), false) AS participated,
      to_json((array_agg(r.event_nid ORDER BY r.position DESC))[1:${() => NEWEST}]) AS nids
    FROM sync.relations r WHERE ${CHILD} AND r.rel_type = 'm.thread') AS thread
  CROSS JOIN LATERAL (
    SELECT coalesce(json_agg(event_id), '[]') AS ids FROM (
      SELECT r.event_id FROM sync.relations r WHERE ${CHILD} AND r.rel_type = 'm.reference'
      ORDER BY r.position LIMIT ${() => MOST_REFERENCES}) AS first) AS refs
  WHERE EXISTS (SELECT FROM sync.relations r WHERE ${CHILD})`,
);

/** Of a child of a child it is enough that it is one: only what is asked for has to be of a kind. */
function childrenPage(direction: ChildrenPage['direction']): Filled<ChildrenPage> {
  const order = direction === 'forwards' ? sql`ASC` : sql`DESC`;
  return statement(
    `relations-page-${direction}`,
    sql<ChildrenPage>`
    WITH RECURSIVE down AS (
      SELECT r.event_id, r.position, r.rel_type, r.type, r.sender, 1 AS depth FROM sync.relations r
      WHERE r.room_nid = ${({ roomNid }) => roomNid} AND r.parent_id = ${({ parentId }) => parentId}
      UNION
      SELECT r.event_id, r.position, r.rel_type, r.type, r.sender, down.depth + 1
      FROM down JOIN sync.relations r ON r.room_nid = ${({ roomNid }) => roomNid} AND r.parent_id = down.event_id
      WHERE down.depth < ${({ depth }) => depth}::integer)
    SELECT ${PLACE_FOR_ONE} FROM sync.timeline t
    WHERE t.room_nid = ${({ roomNid }) => roomNid} AND t.position IN (
      SELECT d.position FROM down d
      WHERE d.position > ${({ above }) => above} AND d.position <= ${({ upTo }) => upTo}
        AND d.rel_type = coalesce(${({ relType }) => relType}::text, d.rel_type)
        AND d.type = coalesce(${({ type }) => type}::text, d.type)
        AND d.sender <> ALL(${({ ignored }) => ignored}::text[])
      ORDER BY d.position ${order} LIMIT ${({ limit }) => limit})
    ORDER BY t.position ${order}`,
  );
}

const PAGES = { forwards: childrenPage('forwards'), backwards: childrenPage('backwards') };

const threads = statement(
  'relations-threads',
  sql<ThreadsPage>`
  SELECT r.parent_id AS "rootId", r.position, EXISTS (
      SELECT FROM sync.relations own WHERE own.room_nid = r.room_nid AND own.parent_id = r.parent_id
        AND own.rel_type = 'm.thread' AND own.sender = ${({ userId }) => userId}) AS "hasParticipated"
  FROM sync.relations r
  WHERE r.room_nid = ${({ roomNid }) => roomNid} AND r.rel_type = 'm.thread' AND r.position <= ${({ upTo }) => upTo}
    AND r.sender <> ALL(${({ ignored }) => ignored}::text[])
    AND NOT EXISTS (
      SELECT FROM sync.relations later WHERE later.room_nid = r.room_nid AND later.parent_id = r.parent_id
        AND later.rel_type = 'm.thread' AND later.position > r.position
        AND later.sender <> ALL(${({ ignored }) => ignored}::text[]))
  ORDER BY r.position DESC LIMIT ${({ limit }) => limit}`,
);

const places = statement(
  'relations-places',
  sql<{ roomNid: number; eventNids: readonly number[]; userId: string }>`
  SELECT ${PLACE_FOR_ONE} FROM sync.timeline t
  WHERE t.room_nid = ${({ roomNid }) => roomNid} AND t.event_nid = ANY(${({ eventNids }) => eventNids}::bigint[])`,
);

const related = statement(
  'relations-related',
  sql<RelatedQuery>`
  SELECT p.parent_id FROM unnest(${({ eventIds }) => eventIds}::text[]) AS p(parent_id)
  WHERE EXISTS (
    SELECT FROM sync.relations r
    WHERE r.room_nid = ${({ roomNid }) => roomNid} AND r.parent_id = p.parent_id AND r.position <= ${({ upTo }) => upTo}
      AND (${({ senders }) => senders ?? null}::text[] IS NULL OR r.sender = ANY(${({ senders }) => senders ?? null}::text[]))
      AND (${({ relTypes }) => relTypes ?? null}::text[] IS NULL OR r.rel_type = ANY(${({ relTypes }) => relTypes ?? null}::text[])))`,
);

type ChildrenRow = Children & { replies: readonly number[] | null } & Record<string, unknown>;

/** Reads `sync.relations`. */
export class RelationStore implements RelationModel {
  constructor(private readonly db: Database) {}

  async childrenOf(query: ParentsQuery): Promise<Children[]> {
    const { rows } = await this.db.query<ChildrenRow>(childrenOf(query));
    return rows.map((row) => ({ ...row, replies: row.replies ?? [] }));
  }

  async related(query: RelatedQuery): Promise<ReadonlySet<string>> {
    if (query.eventIds.length === 0) return new Set();
    const { rows } = await this.db.query<{ parent_id: string }>(related(query));
    return new Set(rows.map((row) => row.parent_id));
  }

  async annotationsBy({ roomNid, parentId, type, sender }: AnnotationsQuery): Promise<number[]> {
    const { rows } = await this.db.query<{ event_nid: number }>({
      name: 'relations-annotations-by',
      text: `SELECT event_nid FROM sync.relations
        WHERE room_nid = $1 AND parent_id = $2 AND rel_type = 'm.annotation' AND type = $3 AND sender = $4
        ORDER BY position LIMIT ${MOST_ANNOTATIONS}`,
      values: [roomNid, parentId, type, sender],
    });
    return rows.map((row) => row.event_nid);
  }

  async childrenPage(page: ChildrenPage): Promise<EventPlace[]> {
    return (await this.db.query<PlaceRow>(PAGES[page.direction](page))).rows.map(placeOf);
  }

  async threads(page: ThreadsPage): Promise<ThreadPlace[]> {
    return (await this.db.query<ThreadPlace & Record<string, unknown>>(threads(page))).rows;
  }

  async places(roomNid: number, eventNids: readonly number[], userId: string): Promise<EventPlace[]> {
    return (await this.db.query<PlaceRow>(places({ roomNid, eventNids, userId }))).rows.map(placeOf);
  }
}
