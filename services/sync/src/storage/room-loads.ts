import { type Database, sql, statement } from '@ganglion/database';
import type { LoadedRoom, RoomsPage } from '../domain/ports/read-model.js';
import type { EventPlace } from '../domain/timeline-event.js';
import { ITS_PLACE, PLACE_FOR_ALL, type PlaceRow, placeOf, VERSION, type VersionRow, versionOf } from './place-rows.js';

interface Rooms {
  readonly roomNids: readonly number[];
  readonly recent: number;
}

interface RoomRow extends Record<string, unknown> {
  room_nid: number;
  joined: number;
  invited: number;
  members_position: number;
  relations_position: number;
  jump_position: number;
  whole_from: number;
}

interface Windows {
  readonly roomNids: readonly number[];
  readonly starts: readonly number[];
}

const rooms = statement(
  'view-rooms',
  sql<Rooms>`
  SELECT room_nid, joined, invited, members_position, relations_position, jump_position, whole_from
  FROM sync.rooms
  WHERE room_nid = ANY(${({ roomNids }) => roomNids}::bigint[])`,
);

const recentEvents = statement(
  'view-recent-events',
  sql<Rooms>`
  SELECT ${PLACE_FOR_ALL} FROM unnest(${({ roomNids }) => roomNids}::bigint[]) AS wanted(room_nid)
  CROSS JOIN LATERAL (
    SELECT * FROM sync.timeline e WHERE e.room_nid = wanted.room_nid AND e.position > 0
    ORDER BY e.position DESC LIMIT ${({ recent }) => recent}) AS t`,
);

const latest = statement(
  'latest-events',
  sql<RoomsPage>`
  SELECT ${PLACE_FOR_ALL} FROM unnest(${({ roomNids }) => roomNids}::bigint[]) AS wanted(room_nid)
  CROSS JOIN LATERAL (
    SELECT * FROM sync.timeline e
    WHERE e.room_nid = wanted.room_nid AND e.position > 0 AND e.position <= ${({ upTo }) => upTo}
    ORDER BY e.position DESC LIMIT ${({ limit }) => limit}) AS t
  ORDER BY t.position DESC LIMIT ${({ limit }) => limit}`,
);

/** The latest live events of rooms together, the latest first. */
export async function latestEvents(db: Database, page: RoomsPage): Promise<EventPlace[]> {
  return (await db.query<PlaceRow>(latest(page))).rows.map(placeOf);
}

const WINDOWS = sql<Windows>`unnest(${({ roomNids }) => roomNids}::bigint[], ${({ starts }) => starts}::bigint[])
  AS w(room_nid, start)`;

/** Entries but members: the last version up to the start of the window, and all later ones. */
const entries = statement(
  'view-state',
  sql<Windows>`
  SELECT ${VERSION} FROM ${WINDOWS}
  JOIN sync.state_keys k ON k.room_nid = w.room_nid AND k.type <> 'm.room.member'
  CROSS JOIN LATERAL (
    (SELECT * FROM sync.state_log v WHERE v.room_nid = k.room_nid AND v.key_nid = k.key_nid AND v.position <= w.start
      ORDER BY v.position DESC LIMIT 1)
    UNION ALL
    SELECT * FROM sync.state_log v WHERE v.room_nid = k.room_nid AND v.key_nid = k.key_nid AND v.position > w.start) AS s
  ${ITS_PLACE} ORDER BY s.position`,
);

/** Changes of members within the window. */
const memberChanges = statement(
  'view-member-changes',
  sql<Windows>`
  SELECT ${VERSION} FROM ${WINDOWS}
  JOIN sync.state_log s ON s.room_nid = w.room_nid AND s.position > w.start
  JOIN sync.state_keys k ON k.room_nid = s.room_nid AND k.key_nid = s.key_nid AND k.type = 'm.room.member'
  ${ITS_PLACE} ORDER BY s.position`,
);

/**
 * Rooms as replicas have them in memory, as many as are asked for in a few statements. What is appended in between may be in
 * the answer of one and not of another: whoever listens to what is appended has it all in the end.
 */
export async function loadRooms(db: Database, roomNids: readonly number[], recent: number): Promise<LoadedRoom[]> {
  const [{ rows }, latest] = await Promise.all([
    db.query<RoomRow>(rooms({ roomNids, recent })),
    db.query<PlaceRow>(recentEvents({ roomNids, recent })),
  ]);
  const events = byRoom(latest.rows);
  const loaded = rows.map((row) => loadedRoom(row, events.get(row.room_nid) ?? [], recent));
  const windows = {
    roomNids: loaded.map(({ roomNid }) => roomNid),
    starts: loaded.map(({ windowStart }) => windowStart),
  };
  const [state, members] = await Promise.all([
    db.query<VersionRow>(entries(windows)),
    db.query<VersionRow>(memberChanges(windows)),
  ]);
  const versions = { state: byRoom(state.rows), members: byRoom(members.rows) };
  return loaded.map((room) => ({
    ...room,
    state: (versions.state.get(room.roomNid) ?? []).map(versionOf),
    memberChanges: (versions.members.get(room.roomNid) ?? []).map(versionOf),
  }));
}

/** A window reaches back as far as events are loaded, but not beyond what the state jumped over. */
function loadedRoom(row: RoomRow, events: PlaceRow[], limit: number): Omit<LoadedRoom, 'state' | 'memberChanges'> {
  const latest = events.map(placeOf).sort((one, other) => one.position - other.position);
  const first = latest.length < limit ? 0 : (latest[0]?.position ?? 1) - 1;
  const windowStart = Math.max(first, row.jump_position);
  const { room_nid: roomNid, joined, invited, members_position: membersPosition } = row;
  const recent = latest.filter(({ position }) => position > windowStart);
  return {
    ...{ roomNid, recent, windowStart, counts: { joined, invited, membersPosition } },
    ...{ relationsPosition: row.relations_position, wholeFrom: row.whole_from },
  };
}

function byRoom<Row extends { room_nid: number }>(rows: Row[]): Map<number, Row[]> {
  return Map.groupBy(rows, ({ room_nid }) => room_nid);
}
