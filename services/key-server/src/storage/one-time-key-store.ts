import { type Database, rowsOf, sql, statement } from '@ganglion/database';
import type { ClaimedKey, DeviceName, KeyCounts, OneTimeKeyStore, WantedKey } from '../domain/ports.js';

/**
 * Marks the oldest key of each device as given out, passing over those that somebody else is about to take; where there is
 * none left, the fallback key is used from now on.
 */
const claim = statement(
  'claim-one-time-keys',
  sql<readonly WantedKey[]>`
  WITH wanted AS MATERIALIZED (
    ${rowsOf('w', { user_id: 'text', device_id: 'text', algorithm: 'text' }, (keys: readonly WantedKey[]) =>
      keys.map(({ userId, deviceId, algorithm }) => ({ user_id: userId, device_id: deviceId, algorithm })),
    )}
  ), picked AS MATERIALIZED (
    SELECT oldest.* FROM wanted w CROSS JOIN LATERAL (
      SELECT k.user_id, k.device_id, k.algorithm, k.key_id FROM key_server.one_time_keys k
      WHERE k.user_id = w.user_id AND k.device_id = w.device_id AND k.algorithm = w.algorithm AND k.claimed_at IS NULL
      ORDER BY k.key_nid LIMIT 1 FOR UPDATE SKIP LOCKED) AS oldest
  ), claimed AS (
    UPDATE key_server.one_time_keys k SET claimed_at = clock_timestamp() FROM picked p
    WHERE k.user_id = p.user_id AND k.device_id = p.device_id AND k.algorithm = p.algorithm AND k.key_id = p.key_id
    RETURNING k.user_id, k.device_id, k.algorithm, k.key_id, k.json
  ), fallback AS MATERIALIZED (
    SELECT f.* FROM wanted w JOIN key_server.fallback_keys f USING (user_id, device_id, algorithm)
    WHERE NOT EXISTS (SELECT FROM picked p WHERE p.user_id = w.user_id AND p.device_id = w.device_id)
  ), used AS (
    UPDATE key_server.fallback_keys f SET is_used = true FROM fallback
    WHERE f.user_id = fallback.user_id AND f.device_id = fallback.device_id AND f.algorithm = fallback.algorithm
      AND f.key_id = fallback.key_id AND NOT f.is_used
  )
  SELECT user_id, device_id, algorithm, key_id, json, false AS is_fallback FROM claimed
  UNION ALL SELECT user_id, device_id, algorithm, key_id, json, true FROM fallback`,
);

interface ClaimedRow extends Record<string, unknown> {
  user_id: string;
  device_id: string;
  algorithm: string;
  key_id: string;
  json: string;
  is_fallback: boolean;
}

const counts = statement(
  'one-time-key-counts',
  sql<readonly DeviceName[]>`
  SELECT w.place, k.algorithm, k.count::integer AS count FROM (
    ${rowsOf('w', { place: 'integer', user_id: 'text', device_id: 'text' }, (devices: readonly DeviceName[]) =>
      devices.map(({ userId, deviceId }, place) => ({ place, user_id: userId, device_id: deviceId })),
    )}) AS w
  CROSS JOIN LATERAL (
    SELECT o.algorithm, count(*) AS count FROM key_server.one_time_keys o
    WHERE o.user_id = w.user_id AND o.device_id = w.device_id AND o.claimed_at IS NULL GROUP BY o.algorithm
    UNION ALL
    SELECT f.algorithm, 0 FROM key_server.fallback_keys f
    WHERE f.user_id = w.user_id AND f.device_id = w.device_id AND NOT f.is_used) AS k`,
);

/** One-time keys in PostgreSQL. */
export class PostgresOneTimeKeyStore implements OneTimeKeyStore {
  constructor(private readonly db: Database) {}

  async claim(wanted: readonly WantedKey[]): Promise<ClaimedKey[]> {
    const { rows } = await this.db.query<ClaimedRow>(claim(wanted));
    return rows.map((row) => ({
      ...{ userId: row.user_id, deviceId: row.device_id, algorithm: row.algorithm },
      ...{ keyId: row.key_id, json: row.json, isFallback: row.is_fallback },
    }));
  }

  async counts(devices: readonly DeviceName[]): Promise<KeyCounts[]> {
    const { rows } = await this.db.query<{ place: number; algorithm: string; count: number }>(counts(devices));
    const ofPlaces = Map.groupBy(rows, ({ place }) => place);
    return devices.map((_, place) => countsOf(ofPlaces.get(place) ?? []));
  }

  async forgetClaimed(olderThanMs: number): Promise<void> {
    await this.db.query({
      name: 'forget-claimed-keys',
      text: `DELETE FROM key_server.one_time_keys WHERE claimed_at < clock_timestamp() - $1 * interval '1 millisecond'`,
      values: [olderThanMs],
    });
  }
}

/** A count of 0 stands for a fallback key that is unused. */
function countsOf(rows: readonly { algorithm: string; count: number }[]): KeyCounts {
  const counted = rows.filter(({ count }) => count > 0).map(({ algorithm, count }) => [algorithm, count] as const);
  return {
    oneTimeKeys: Object.fromEntries(counted),
    unusedFallbackAlgorithms: rows.filter(({ count }) => count === 0).map(({ algorithm }) => algorithm),
  };
}
