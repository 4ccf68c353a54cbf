import { type Database, rowsOf, sql, statement } from '@ganglion/database';
import { domainOf } from '@ganglion/protocol';
import type { EphemeraStore, Ephemeron, RoomServers } from '../domain/ports/sending.js';

const EPHEMERON = {
  room_id: 'text',
  kind: 'text',
  user_id: 'text',
  thread_id: 'text',
  origin: 'text',
  content: 'text',
  lasts_ms: 'bigint',
} as const;

const putAll = statement(
  'put-ephemera',
  sql<readonly Ephemeron[]>`
  INSERT INTO federation_api.ephemera AS e (room_id, kind, user_id, thread_id, origin, version, content, expires_at)
  SELECT room_id, kind, user_id, thread_id, origin, nextval('federation_api.ephemera_version'), content,
    now() + lasts_ms * interval '1 millisecond'
  FROM (${rowsOf('e', EPHEMERON, (ephemera) => ephemera.map(rowOf))}) AS given ORDER BY room_id, kind, user_id, thread_id
  ON CONFLICT (room_id, kind, user_id, thread_id) DO UPDATE SET version = excluded.version, content = excluded.content,
    updated_at = now(), expires_at = excluded.expires_at`,
);

interface ServerRow {
  readonly room_id: string;
  readonly server_name: string;
}

const SERVER = { room_id: 'text', server_name: 'text' } as const;

/** Whoever has left gets nothing more of a room. */
const setServers = statement(
  'set-ephemera-rooms',
  sql<{ roomIds: readonly string[]; rows: readonly ServerRow[] }>`
  WITH given AS MATERIALIZED (${rowsOf('s', SERVER, ({ rows }: { rows: readonly ServerRow[] }) => rows)}), gone AS (
    DELETE FROM federation_api.ephemera_rooms r WHERE r.room_id = ANY(${({ roomIds }) => roomIds}::text[])
      AND NOT EXISTS (SELECT FROM given WHERE given.room_id = r.room_id AND given.server_name = r.server_name)
  )
  INSERT INTO federation_api.ephemera_rooms (room_id, server_name)
  SELECT room_id, server_name FROM given ORDER BY room_id, server_name ON CONFLICT DO NOTHING`,
);

/**
 * Those that do not answer are woken by time, and nothing is written for them, unless nothing is left that they are tried with. In the
 * order of the keys of the table, whatever that of the database is: whoever takes several of them waits for others, and they for it.
 */
const wake = statement(
  'wake-destinations',
  sql<readonly { server_name: string; origin: string }[]>`
  INSERT INTO federation_api.destinations AS d (server_name, origin, retry_at)
  SELECT given.*, now() - interval '1 minute' FROM (${rowsOf('r', { server_name: 'text', origin: 'text' }, (rows) => rows)}) AS given
  ORDER BY server_name COLLATE "C", origin COLLATE "C"
  ON CONFLICT (server_name, origin) DO UPDATE SET work = d.work + 1, has_work = true WHERE d.failures = 0 OR NOT d.has_work`,
);

/** What passes, in PostgreSQL. */
export class PostgresEphemeraStore implements EphemeraStore {
  constructor(private readonly db: Database) {}

  async put(ephemera: readonly Ephemeron[], rooms: readonly RoomServers[]): Promise<void> {
    const rows = rooms.flatMap(({ roomId, servers }) =>
      servers.map((server_name) => ({ room_id: roomId, server_name })),
    );
    await this.db.transaction(async (tx) => {
      await tx.query(putAll(ephemera));
      await tx.query(setServers({ roomIds: rooms.map(({ roomId }) => roomId), rows }));
      await tx.query(wake(routesOf(ephemera, rooms)));
    });
  }

  async forgetOld(): Promise<void> {
    await this.db.query({
      name: 'forget-ephemera',
      text: `DELETE FROM federation_api.ephemera WHERE updated_at < now() - interval '1 day' OR expires_at < now()`,
    });
    await this.db.query({
      name: 'forget-ephemera-rooms',
      text: `DELETE FROM federation_api.ephemera_rooms r
        WHERE NOT EXISTS (SELECT FROM federation_api.ephemera e WHERE e.room_id = r.room_id)`,
    });
  }
}

function rowOf({ roomId, kind, userId, threadId, content, lastsMs }: Ephemeron) {
  return {
    ...{ room_id: roomId, kind, user_id: userId, thread_id: threadId, origin: domainOf(userId) },
    ...{ content: JSON.stringify(content), lasts_ms: lastsMs },
  };
}

function routesOf(ephemera: readonly Ephemeron[], rooms: readonly RoomServers[]) {
  const servers = new Map(rooms.map((room) => [room.roomId, room.servers]));
  const routes = ephemera.flatMap(({ roomId, userId }) =>
    (servers.get(roomId) ?? []).map((server_name) => ({ server_name, origin: domainOf(userId) })),
  );
  return [...new Map(routes.map((route) => [`${route.server_name} ${route.origin}`, route])).values()];
}
