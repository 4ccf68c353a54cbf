import type { Database, Transaction } from '@ganglion/database';
import type { JsonObject } from '@ganglion/protocol';
import type { Succession, SuccessionStore, UserChangeRecord } from '../domain/ports.js';
import { carriedOver, type RoomSettings } from '../domain/room-settings.js';
import { storeAccountData } from './account-data-store.js';

const TYPES = ['m.direct', 'm.push_rules'];

/** Those who have nothing that could go along have followed with that. Whoever is left does. */
const FOLLOW = `
  WITH asked AS (
    SELECT a.user_id, EXISTS (
        SELECT FROM user_server.account_data d WHERE d.user_id = a.user_id AND d.content <> '{}'
          AND (d.room_id = $2 AND d.type = 'm.tag' OR d.room_id = '' AND d.type = ANY($4))) AS has_settings
    FROM user_server.accounts a
    WHERE a.user_id = ANY($1) AND a.deactivated_at IS NULL AND NOT EXISTS (
      SELECT FROM user_server.followed_rooms f WHERE f.user_id = a.user_id AND f.room_id = $3)),
  followed AS (
    INSERT INTO user_server.followed_rooms (user_id, room_id)
    SELECT user_id, $3 FROM asked WHERE NOT has_settings ON CONFLICT DO NOTHING)
  SELECT user_id FROM asked WHERE has_settings ORDER BY user_id`;

/** The account is locked first: nobody changes its data in between. */
const LOCK = 'SELECT FROM user_server.accounts WHERE user_id = $1 AND deactivated_at IS NULL FOR UPDATE';

const FOLLOW_ONE = `
  INSERT INTO user_server.followed_rooms (user_id, room_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`;

const SETTINGS = `
  SELECT room_id AS "roomId", type, content FROM user_server.account_data
  WHERE user_id = $1 AND (room_id IN ($2, $3) AND type = 'm.tag' OR room_id = '' AND type = ANY($4))`;

/** Successions in PostgreSQL. What a user is given is written in the transaction that remembers it. */
export class PostgresSuccessionStore implements SuccessionStore {
  constructor(private readonly db: Database) {}

  async isFollowed(roomId: string): Promise<boolean> {
    const { rows } = await this.db.query<{ any: boolean }>({
      name: 'is-followed-room',
      text: 'SELECT EXISTS (SELECT FROM user_server.followed_rooms WHERE room_id = $1) AS any',
      values: [roomId],
    });
    return rows[0]!.any;
  }

  async follow(userIds: readonly string[], succession: Succession): Promise<UserChangeRecord[]> {
    const { rows } = await this.db.query<{ user_id: string }>({
      ...{ name: 'follow-rooms', text: FOLLOW, values: [userIds, succession.from, succession.to, TYPES] },
    });
    const changes: UserChangeRecord[] = [];
    for (const { user_id: userId } of rows) {
      changes.push(...(await this.db.transaction((tx) => followWithSettings(tx, userId, succession))));
    }
    return changes;
  }
}

async function followWithSettings(tx: Transaction, userId: string, { from, to }: Succession) {
  const { rowCount } = await tx.query({ name: 'lock-follower', text: LOCK, values: [userId] });
  if (rowCount === 0) return [];
  const followed = await tx.query({ name: 'follow-room', text: FOLLOW_ONE, values: [userId, to] });
  if (followed.rowCount === 0) return [];
  const changed = carriedOver(await settingsOf(tx, userId, { from, to }), { from, to });
  const changes: UserChangeRecord[] = [];
  for (const { roomId, type, content } of changed) {
    const change = await storeAccountData(tx, { userId, roomId, type }, JSON.stringify(content));
    if (change !== undefined) changes.push(change);
  }
  return changes;
}

async function settingsOf(tx: Transaction, userId: string, { from, to }: Succession): Promise<RoomSettings> {
  const { rows } = await tx.query<{ roomId: string; type: string; content: string }>({
    ...{ name: 'followers-settings', text: SETTINGS, values: [userId, from, to, TYPES] },
  });
  const find = (wantedRoom: string, wantedType: string): JsonObject | undefined => {
    const row = rows.find(({ roomId, type }) => roomId === wantedRoom && type === wantedType);
    return row && (JSON.parse(row.content) as JsonObject);
  };
  return {
    'm.tag': find(from, 'm.tag'),
    ownTags: find(to, 'm.tag'),
    'm.direct': find('', 'm.direct'),
    'm.push_rules': find('', 'm.push_rules') as RoomSettings['m.push_rules'],
  };
}
