/** What a database is asked with. */
export interface Rows {
  query<T extends Record<string, unknown>>(statement: { text: string; values: unknown[] }): Promise<{ rows: T[] }>;
}

/** What one server has of a room. */
export interface RoomCopy {
  /** The ids of the events of the current state, by type and state key. */
  readonly state: Readonly<Record<string, string>>;
  readonly forwardExtremities: readonly string[];
  /** The ids of all events after some depth, taken or not. */
  readonly known: readonly string[];
  /** … of those that its clients get to see. */
  readonly shown: readonly string[];
}

const ACCEPTED = 0;

/** Looks into the database of a server: at the room as it is now, and at its events after some depth. */
export async function roomCopy(db: Rows, roomId: string, afterDepth = 0): Promise<RoomCopy> {
  const ask = <T extends Record<string, unknown>>(text: string, ...more: unknown[]) =>
    db.query<T>({ text, values: [roomId, ...more] }).then(({ rows }) => rows);
  const [state, events, room] = await Promise.all([
    ask<{ key: string; id: string }>(`SELECT concat_ws(' ', s.type, s.state_key) AS key, e.event_id AS id
      FROM room_server.rooms r JOIN room_server.state_entries s USING (room_nid)
      JOIN room_server.events e USING (room_nid, event_nid) WHERE r.room_id = $1`),
    ask<{ id: string; status: number }>(
      `SELECT e.event_id AS id, e.status FROM room_server.rooms r JOIN room_server.events e USING (room_nid)
        WHERE r.room_id = $1 AND e.depth > $2 ORDER BY e.event_id COLLATE "C"`,
      afterDepth,
    ),
    ask<{ extremities: string }>('SELECT extremities FROM room_server.rooms WHERE room_id = $1'),
  ]);
  const extremities: { id: string }[] = JSON.parse(room[0]?.extremities ?? '[]');
  return {
    state: Object.fromEntries(state.map(({ key, id }) => [key, id])),
    forwardExtremities: extremities.map(({ id }) => id).sort(),
    known: events.map(({ id }) => id),
    shown: events.filter(({ status }) => status === ACCEPTED).map(({ id }) => id),
  };
}

/** How deep a room is where a server knows it. */
export async function depthOf(db: Rows, roomId: string): Promise<number> {
  const text = `SELECT max(e.depth)::integer AS depth FROM room_server.rooms r JOIN room_server.events e USING (room_nid)
    WHERE r.room_id = $1`;
  const { rows } = await db.query<{ depth: number }>({ text, values: [roomId] });
  return rows[0]!.depth;
}
