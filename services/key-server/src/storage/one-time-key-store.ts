import { type Database, rowsOf, sql, statement } from '@ganglion/database';
import type { ClaimedKey, DeviceName, KeyCounts, OneTimeKeyStore, WantedKeys } from '../domain/ports.js';

/**
 * Marks the oldest keys of each device as given out, passing over those that somebody else is about to take; where there are too
 * few, the fallback key is used from now on. Fallback keys are locked in one order: two who mark the same ones wait and never hold each other up.
 */
const claim = statement(
  'claim-one-time-keys',
  sql<readonly WantedKeys[]>`
  WITH wanted AS MATERIALIZED (
    ${rowsOf(
      'w',
      { user_id: 'text', device_id: 'text', algorithm: 'text', wanted: 'integer' },
      (keys: readonly WantedKeys[]) =>
        keys.map(({ userId, deviceId, algorithm, count }) => ({
          ...{ user_id: userId, device_id: deviceId, algorithm, wanted: count },
        })),
    )}
  ), picked AS MATERIALIZED (
    SELECT oldest.* FROM wanted w CROSS JOIN LATERAL (
      SELECT k.user_id, k.device_id, k.algorithm, k.key_id FROM key_server.one_time_keys k
      WHERE k.user_id = w.user_id AND k.device_id = w.device_id AND k.algorithm = w.algorithm AND k.claimed_at IS NULL
      ORDER BY k.key_nid LIMIT w.wanted FOR UPDATE SKIP LOCKED) AS oldest
  ), claimed AS (
    UPDATE key_server.one_time_keys k SET claimed_at = clock_timestamp() FROM picked p
    WHERE k.user_id = p.user_id AND k.device_id = p.device_id AND k.algorithm = p.algorithm AND k.key_id = p.key_id
    RETURNING k.user_id, k.device_id, k.algorithm, k.key_id, k.json, k.key_nid
  ), fallback AS MATERIALIZED (
    SELECT f.* FROM wanted w JOIN key_server.fallback_keys f USING (user_id, device_id, algorithm)
    WHERE w.wanted > (SELECT count(*) FROM picked p
      WHERE p.user_id = w.user_id AND p.device_id = w.device_id AND p.algorithm = w.algorithm)
  ), unused AS MATERIALIZED (
    SELECT f.user_id, f.device_id, f.algorithm, f.key_id FROM key_server.fallback_keys f
    JOIN fallback USING (user_id, device_id, algorithm, key_id)
    WHERE NOT f.is_used ORDER BY f.user_id, f.device_id, f.algorithm FOR UPDATE OF f
  ), used AS (
    UPDATE key_server.fallback_keys f SET is_used = true FROM unused
    WHERE f.user_id = unused.user_id AND f.device_id = unused.device_id AND f.algorithm = unused.algorithm
      AND f.key_id = unused.key_id
  )
  SELECT user_id, device_id, algorithm, key_id, json, false AS is_fallback, key_nid FROM claimed
  UNION ALL SELECT user_id, device_id, algorithm, key_id, json, true, NULL FROM fallback
  ORDER BY key_nid`,
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

  async claim(wanted: readonly WantedKeys[]): Promise<ClaimedKey[]> {
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
