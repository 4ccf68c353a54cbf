import { rowsOf, sql, statement, type Transaction } from '@ganglion/database';
import { KeyConflictError, type NewKeys, TooManyKeysError, type UploadedKey } from '../domain/ports.js';

interface OfDevice {
  readonly userId: string;
  readonly deviceId: string;
  readonly keys: readonly UploadedKey[];
}

/** More than any client makes: a bound on what one device can make us keep. */
const MOST_KEYS = 1_000;

const COLUMNS = { algorithm: 'text', key_id: 'text', public_key: 'text', json: 'text' } as const;
const given = rowsOf('given', COLUMNS, ({ keys }: OfDevice) => keys.map(keyRow));

const conflicts = statement(
  'one-time-key-conflicts',
  sql<OfDevice>`
  SELECT known.algorithm, known.key_id FROM (${given}) AS given
  JOIN key_server.one_time_keys known ON known.user_id = ${(p) => p.userId} AND known.device_id = ${(p) => p.deviceId}
    AND known.algorithm = given.algorithm AND known.key_id = given.key_id
  WHERE known.public_key <> given.public_key`,
);

/** What is there already is left as it is, given out or not. */
const add = statement(
  'add-one-time-keys',
  sql<OfDevice>`
  INSERT INTO key_server.one_time_keys (user_id, device_id, algorithm, key_id, public_key, json)
  SELECT ${(p) => p.userId}, ${(p) => p.deviceId}, given.algorithm, given.key_id, given.public_key, given.json
  FROM (${given}) AS given
  ON CONFLICT (user_id, device_id, algorithm, key_id) DO NOTHING`,
);

/** The same key again is not unused again. */
const putFallback = statement(
  'put-fallback-keys',
  sql<OfDevice>`
  INSERT INTO key_server.fallback_keys AS known (user_id, device_id, algorithm, key_id, public_key, json)
  SELECT ${(p) => p.userId}, ${(p) => p.deviceId}, given.algorithm, given.key_id, given.public_key, given.json
  FROM (${given}) AS given
  ON CONFLICT (user_id, device_id, algorithm) DO UPDATE SET key_id = excluded.key_id, public_key = excluded.public_key,
    json = excluded.json, is_used = false
  WHERE known.key_id <> excluded.key_id OR known.public_key <> excluded.public_key`,
);

/**
 * Adds keys of a device, whose user must be locked.
 *
 * @throws KeyConflictError, TooManyKeysError
 */
export async function addNewKeys(tx: Transaction, userId: string, { deviceId, oneTime, fallback }: NewKeys) {
  if (oneTime.length > 0) {
    const ofDevice = { userId, deviceId, keys: oneTime };
    const { rows } = await tx.query<{ algorithm: string; key_id: string }>(conflicts(ofDevice));
    if (rows[0] !== undefined) throw conflict(rows[0]);
    await tx.query(add(ofDevice));
    await checkNumber(tx, userId, deviceId);
  }
  if (fallback.length > 0) await tx.query(putFallback({ userId, deviceId, keys: fallback }));
}

function conflict({ algorithm, key_id }: { algorithm: string; key_id: string }): KeyConflictError {
  return new KeyConflictError(`one_time_keys: there is another key ${algorithm}:${key_id} already`);
}

async function checkNumber(tx: Transaction, userId: string, deviceId: string): Promise<void> {
  const { rows } = await tx.query<{ count: number }>({
    name: 'count-one-time-keys',
    text: `SELECT count(*) AS count FROM key_server.one_time_keys
           WHERE user_id = $1 AND device_id = $2 AND claimed_at IS NULL`,
    values: [userId, deviceId],
  });
  if (rows[0]!.count > MOST_KEYS) throw new TooManyKeysError(`A device may have at most ${MOST_KEYS} one-time keys`);
}

function keyRow({ algorithm, keyId, publicKey, json }: UploadedKey) {
  return { algorithm, key_id: keyId, public_key: publicKey, json };
}
