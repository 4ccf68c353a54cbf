import { type Database, rowsOf, sql, statement, type Transaction } from '@ganglion/database';
import type { OwnedPusher, Pusher, PusherOwner, PusherStore } from '../domain/ports.js';

interface PusherRow extends Record<string, unknown> {
  pusher_id: number;
  device_id: string;
  set_at_ms: number;
  app_id: string;
  pushkey: string;
  kind: 'http';
  app_display_name: string;
  device_display_name: string;
  profile_tag: string | null;
  lang: string;
  data: string;
}

const putPusher = statement(
  'put-pusher',
  sql<PusherOwner & Pusher>`
  INSERT INTO push.pushers (user_id, device_id, app_id, pushkey, kind, app_display_name, device_display_name,
    profile_tag, lang, data)
  VALUES (${(p) => p.userId}, ${(p) => p.deviceId}, ${(p) => p.appId}, ${(p) => p.pushkey}, ${(p) => p.kind},
    ${(p) => p.appDisplayName}, ${(p) => p.deviceDisplayName}, ${(p) => p.profileTag}, ${(p) => p.lang}, ${(p) => p.data})
  ON CONFLICT (user_id, app_id, pushkey) DO UPDATE SET device_id = excluded.device_id, kind = excluded.kind,
    app_display_name = excluded.app_display_name, device_display_name = excluded.device_display_name,
    profile_tag = excluded.profile_tag, lang = excluded.lang, data = excluded.data, set_at = clock_timestamp()`,
);

/** As a number of milliseconds; the fractions tell whether a pusher was set anew. */
const SET_AT_MS = sql`(extract(epoch FROM set_at) * 1000)::float8`;

const listPushers = statement(
  'list-pushers',
  sql<{ userId: string }>`
  SELECT pusher_id, device_id, app_id, pushkey, kind, app_display_name, device_display_name, profile_tag, lang, data,
    ${SET_AT_MS} AS set_at_ms
  FROM push.pushers WHERE user_id = ${(p) => p.userId} ORDER BY pusher_id`,
);

const forgetPushers = statement(
  'forget-pushers',
  sql<readonly OwnedPusher[]>`
  DELETE FROM push.pushers p USING (
    ${rowsOf('s', { pusher_id: 'bigint', set_at_ms: 'float8' }, (pushers) =>
      pushers.map(({ pusherId, setAtMs }) => ({ pusher_id: pusherId, set_at_ms: setAtMs })),
    )}) AS seen
  WHERE p.pusher_id = seen.pusher_id AND ${SET_AT_MS} = seen.set_at_ms`,
);

/** Pushers in PostgreSQL. */
export class PostgresPusherStore implements PusherStore {
  constructor(private readonly db: Database) {}

  async list(userId: string): Promise<OwnedPusher[]> {
    const { rows } = await this.db.query<PusherRow>(listPushers({ userId }));
    return rows.map(pusher);
  }

  put(owner: PusherOwner, pusher: Pusher, { append, most }: { append: boolean; most: number }): Promise<boolean> {
    return this.db.transaction(async (tx) => {
      const { userId } = owner;
      const { appId, pushkey } = pusher;
      // One after the other for each key and each user: else two could each leave the other's pusher, or go past the bound.
      await lock(tx, `key ${appId} ${pushkey}`);
      await lock(tx, `user ${userId}`);
      if (!append) {
        await tx.query({
          name: 'remove-pushers-of-others',
          text: 'DELETE FROM push.pushers WHERE app_id = $1 AND pushkey = $2 AND user_id <> $3',
          values: [appId, pushkey, userId],
        });
      }
      await tx.query(putPusher({ ...owner, ...pusher }));
      return dropBeyond(tx, { userId, appId, pushkey }, most);
    });
  }

  async remove(userId: string, appId: string, pushkey: string): Promise<void> {
    await this.db.query({
      name: 'remove-pusher',
      text: 'DELETE FROM push.pushers WHERE user_id = $1 AND app_id = $2 AND pushkey = $3',
      values: [userId, appId, pushkey],
    });
  }

  async forget(pushers: readonly OwnedPusher[]): Promise<void> {
    await this.db.query(forgetPushers(pushers));
  }
}

async function lock(tx: Transaction, what: string): Promise<void> {
  const text = `SELECT pg_advisory_xact_lock(hashtextextended('push.pushers ' || $1, 0))`;
  await tx.query({ name: 'lock-pushers', text, values: [what] });
}

/** Takes a pusher away again that made the user's too many; whether it may stay. */
async function dropBeyond(tx: Transaction, key: { userId: string; appId: string; pushkey: string }, most: number) {
  const { rowCount } = await tx.query({
    name: 'drop-pusher-beyond',
    text: `DELETE FROM push.pushers WHERE user_id = $1 AND app_id = $2 AND pushkey = $3
      AND (SELECT count(*) FROM push.pushers WHERE user_id = $1) > $4`,
    values: [key.userId, key.appId, key.pushkey, most],
  });
  return rowCount === 0;
}

function pusher(row: PusherRow): OwnedPusher {
  return {
    pusherId: row.pusher_id,
    deviceId: row.device_id,
    setAtMs: row.set_at_ms,
    appId: row.app_id,
    pushkey: row.pushkey,
    kind: row.kind,
    appDisplayName: row.app_display_name,
    deviceDisplayName: row.device_display_name,
    profileTag: row.profile_tag ?? undefined,
    lang: row.lang,
    data: row.data,
  };
}
