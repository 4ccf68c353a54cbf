import { type Database, type Queryable, rowsOf, sql, statement, type Transaction } from '@ganglion/database';
import type {
  AskedUser,
  CrossSigningKey,
  DehydratedDevice,
  DeviceKeys,
  KeyChangeRecord,
  KeyEdit,
  KeyStore,
  OtherDevices,
  PublishedKeys,
  SectionTexts,
  UserKeys,
  UserSignature,
} from '../domain/ports.js';
import { type CrossSigningRow, type DeviceRow, usersOf } from './key-rows.js';
import { crossSigningOf, devicesOf, readSections, userSignaturesOf } from './key-sections.js';
import { forgetKeyless, putKeyless, readOthers } from './keyless-devices.js';
import { addNewKeys } from './new-keys.js';

export interface Written<T> {
  readonly userId: string;
  readonly seq: number;
  readonly rows: readonly T[];
}

/** A device with the number of its change. */
interface NumberedDevice extends DeviceKeys {
  readonly seq: number;
}

interface WrittenDevices {
  readonly userId: string;
  readonly rows: readonly NumberedDevice[];
}

const DEVICE = {
  device_id: 'text',
  json: 'text',
  signatures: 'text',
  display_name: 'text',
  created_at_ms: 'float8',
  seq: 'bigint',
} as const;

export const putDevices = statement(
  'put-device-keys',
  sql<WrittenDevices>`
  INSERT INTO key_server.devices (user_id, device_id, json, signatures, display_name, created_at_ms, seq)
  SELECT ${(p) => p.userId}, d.device_id, d.json, d.signatures, d.display_name, d.created_at_ms, d.seq FROM (
    ${rowsOf('d', DEVICE, ({ rows }: WrittenDevices) => rows.map(deviceRow))}) AS d
  ON CONFLICT (user_id, device_id) DO UPDATE SET json = excluded.json, signatures = excluded.signatures,
    display_name = excluded.display_name, created_at_ms = excluded.created_at_ms, seq = excluded.seq`,
);

export const putCrossSigningKeys = statement(
  'put-cross-signing-keys',
  sql<Written<CrossSigningKey>>`
  INSERT INTO key_server.cross_signing_keys (user_id, usage, public_key, json, signatures, seq)
  SELECT ${(p) => p.userId}, k.usage, k.public_key, k.json, k.signatures, ${(p) => p.seq} FROM (
    ${rowsOf(
      'k',
      { usage: 'text', public_key: 'text', json: 'text', signatures: 'text' },
      ({ rows }: Written<CrossSigningKey>) => rows.map(crossSigningRow),
    )}) AS k
  ON CONFLICT (user_id, usage) DO UPDATE SET public_key = excluded.public_key, json = excluded.json,
    signatures = excluded.signatures, seq = excluded.seq`,
);

const putUserSignatures = statement(
  'put-user-signatures',
  sql<Written<UserSignature>>`
  INSERT INTO key_server.user_signatures (user_id, signed_user_id, signed_key, key_id, signature, seq)
  SELECT ${(p) => p.userId}, s.signed_user_id, s.signed_key, s.key_id, s.signature, ${(p) => p.seq} FROM (
    ${rowsOf(
      's',
      { signed_user_id: 'text', signed_key: 'text', key_id: 'text', signature: 'text' },
      ({ rows }: Written<UserSignature>) => rows.map(signatureRow),
    )}) AS s
  ON CONFLICT (user_id, signed_user_id) DO UPDATE SET signed_key = excluded.signed_key, key_id = excluded.key_id,
    signature = excluded.signature, seq = excluded.seq`,
);

const NO_KEYS: UserKeys = { devices: new Map(), crossSigning: new Map() };

/** The keys of users in PostgreSQL. */
export class PostgresKeyStore implements KeyStore {
  constructor(private readonly db: Database) {}

  async published(userIds: readonly string[], asking: string): Promise<PublishedKeys> {
    if (userIds.length === 0) return { users: new Map(), userSignatures: [] };
    const [users, { rows: userSignatures }] = await Promise.all([
      readUsers(this.db, userIds),
      this.db.query<UserSignature & Record<string, unknown>>(userSignaturesOf({ userIds, asking })),
    ]);
    return { users, userSignatures };
  }

  sections(asked: readonly AskedUser[], asking: string): Promise<SectionTexts> {
    return readSections(this.db, { asked, asking });
  }

  async dehydrated(userId: string): Promise<DehydratedDevice | undefined> {
    const { rows } = await this.db.query<{ device_id: string; device_data: string }>({
      name: 'dehydrated-device-of',
      text: 'SELECT device_id, device_data FROM key_server.dehydrated_devices WHERE user_id = $1',
      values: [userId],
    });
    return rows[0] && { deviceId: rows[0].device_id, deviceData: rows[0].device_data };
  }

  async devices(userId: string) {
    const [users, others] = await Promise.all([readUsers(this.db, [userId]), readOthers(this.db, userId)]);
    return { keys: users.get(userId) ?? NO_KEYS, others };
  }

  edit(userId: string, edit: (keys: UserKeys) => KeyEdit): Promise<KeyChangeRecord | undefined> {
    return this.#edit(userId, async (_, known) => edit(known));
  }

  editDevices(userId: string, edit: (keys: UserKeys, others: OtherDevices) => KeyEdit) {
    return this.#edit(userId, async (tx, known) => edit(known, await readOthers(tx, userId)));
  }

  #edit(
    userId: string,
    edit: (tx: Transaction, keys: UserKeys) => Promise<KeyEdit>,
  ): Promise<KeyChangeRecord | undefined> {
    return this.db.transaction(async (tx) => {
      await lockUser(tx, userId);
      const wanted = await edit(tx, (await readUsers(tx, [userId])).get(userId) ?? NO_KEYS);
      const replacedDehydrated = await earlierDehydrated(tx, userId, wanted);
      const removed = replacedDehydrated === undefined ? [] : [replacedDehydrated];
      const whole = { ...wanted, removedDevices: [...(wanted.removedDevices ?? []), ...removed] };
      const change = await write(tx, userId, await withNewSignatures(tx, userId, whole));
      return change && { ...change, replacedDehydrated };
    });
  }
}

async function readUsers(db: Queryable, userIds: readonly string[]): Promise<Map<string, UserKeys>> {
  const [devices, keys] = await Promise.all([
    db.query<DeviceRow>(devicesOf({ userIds })),
    db.query<CrossSigningRow>(crossSigningOf({ userIds })),
  ]);
  return usersOf(devices.rows, keys.rows);
}

/** Makes the user known, if need be; their keys change one after the other. */
export async function lockUser(tx: Transaction, userId: string): Promise<void> {
  const lock = { name: 'lock-key-user', text: 'SELECT 1 FROM key_server.users WHERE user_id = $1 FOR UPDATE' };
  const { rows } = await tx.query({ ...lock, values: [userId] });
  if (rows.length > 0) return;
  await tx.query({
    name: 'make-key-user',
    text: 'INSERT INTO key_server.users (user_id) VALUES ($1) ON CONFLICT DO NOTHING',
    values: [userId],
  });
  await tx.query({ ...lock, values: [userId] });
}

/** The edit without signatures that the user has made before. */
async function withNewSignatures(tx: Transaction, userId: string, edit: KeyEdit): Promise<KeyEdit> {
  const { userSignatures = [] } = edit;
  if (userSignatures.length === 0) return edit;
  const userIds = userSignatures.map(({ signedUserId }) => signedUserId);
  const { rows } = await tx.query<UserSignature & Record<string, unknown>>(
    userSignaturesOf({ userIds, asking: userId }),
  );
  const known = new Set(rows.map(signatureKey));
  return { ...edit, userSignatures: userSignatures.filter((signature) => !known.has(signatureKey(signature))) };
}

function signatureKey({ signedUserId, signedKey, keyId, signature }: UserSignature): string {
  return JSON.stringify([signedUserId, signedKey, keyId, signature]);
}

async function write(tx: Transaction, userId: string, edit: KeyEdit): Promise<KeyChangeRecord | undefined> {
  const { devices = [], removedDevices = [], crossSigning = [], removedUsages = [], userSignatures = [] } = edit;
  const { keyless = [], quietKeyless = [] } = edit;
  const ofDevices = devices.length + removedDevices.length + keyless.length;
  const usages = [...crossSigning.map(({ usage }) => usage), ...removedUsages];
  const forOthers = usages.filter((usage) => usage !== 'user_signing').length;
  const listChanged = edit.isChangedElsewhere === true || ofDevices + forOthers > 0;
  const hasChanged = listChanged || userSignatures.length + usages.length > 0;
  // What only its owner may see is told to their own devices alone, as signatures of others are.
  const own = usages.includes('user_signing') ? [userId] : [];
  const signedUserIds = [...new Set([...own, ...userSignatures.map(({ signedUserId }) => signedUserId)])];
  // Each device has a number of its own: other servers are told of them one by one.
  const steps = Math.max(1, ofDevices);
  const seq = hasChanged ? await nextSeq(tx, { userId, listChanged, signedUserIds }, steps) : 0;
  const ofDevice = (index: number) => seq - steps + 1 + index;
  if (removedDevices.length > 0) {
    const seqs = removedDevices.map((_, index) => ofDevice(devices.length + index));
    await removeDevices(tx, userId, removedDevices, seqs);
  }
  const numbered = devices.map((device, index) => ({ ...device, seq: ofDevice(index) }));
  if (devices.length > 0) await replaceDevices(tx, { userId, rows: numbered });
  if (keyless.length + quietKeyless.length > 0) {
    const before = devices.length + removedDevices.length;
    const told = keyless.map((device, index) => ({ ...device, seq: ofDevice(before + index) }));
    await putKeyless(tx, { userId, rows: [...told, ...quietKeyless.map((device) => ({ ...device, seq: 0 }))] });
  }
  if (edit.dehydrated !== undefined) await putDehydrated(tx, userId, edit.dehydrated);
  if (removedUsages.length > 0) await removeUsages(tx, userId, removedUsages);
  if (crossSigning.length > 0) await tx.query(putCrossSigningKeys({ userId, seq, rows: crossSigning }));
  if (userSignatures.length > 0) {
    const latest = new Map(userSignatures.map((signature) => [signature.signedUserId, signature]));
    await tx.query(putUserSignatures({ userId, seq, rows: [...latest.values()] }));
  }
  if (edit.isGone) await forgetUser(tx, userId);
  if (edit.newKeys !== undefined) await addNewKeys(tx, userId, edit.newKeys);
  if (!hasChanged) return undefined;
  return { userId, seq, listChanged, signedUserIds };
}

/** Takes the numbers of a change, which waits to be published from then on under the last of them. */
async function nextSeq(tx: Transaction, change: Omit<KeyChangeRecord, 'seq'>, steps: number): Promise<number> {
  const { userId, listChanged, signedUserIds } = change;
  const { rows } = await tx.query<{ seq: number }>({
    name: 'next-key-seq',
    text: `WITH changed AS (
             UPDATE key_server.users SET seq = seq + $4, list_seq = CASE WHEN $2 THEN seq + $4 ELSE list_seq END,
               updated_xid = pg_current_xact_id() WHERE user_id = $1 RETURNING user_id, seq)
           INSERT INTO key_server.outbox (user_id, seq, list_changed, signed)
           SELECT user_id, seq, $2, $3 FROM changed RETURNING seq`,
    values: [userId, listChanged, JSON.stringify(signedUserIds), steps],
  });
  return rows[0]!.seq;
}

async function removeDevices(
  tx: Transaction,
  userId: string,
  deviceIds: readonly string[],
  seqs: readonly number[],
): Promise<void> {
  await tx.query({
    name: 'remove-device-keys',
    text: `WITH with_keys AS (
             DELETE FROM key_server.devices WHERE user_id = $1 AND device_id = ANY($2::text[]) RETURNING device_id
           ), without AS (
             DELETE FROM key_server.keyless_devices WHERE user_id = $1 AND device_id = ANY($2::text[]) RETURNING device_id)
           INSERT INTO key_server.removed_devices (user_id, device_id, seq)
           SELECT $1, device_id, seq FROM (SELECT device_id FROM with_keys UNION SELECT device_id FROM without) AS gone JOIN unnest($2::text[], $3::bigint[]) AS removed(device_id, seq) USING (device_id)
           ON CONFLICT (user_id, device_id) DO UPDATE SET seq = excluded.seq, removed_at = excluded.removed_at`,
    values: [userId, deviceIds, seqs],
  });
}

/** Another device of the same id does not inherit the keys of the one before. */
async function replaceDevices(tx: Transaction, written: WrittenDevices): Promise<void> {
  const { userId, rows } = written;
  await tx.query({
    name: 'remove-earlier-device-keys',
    text: `WITH here AS (DELETE FROM key_server.removed_devices WHERE user_id = $1 AND device_id = ANY($2::text[])
           ), now AS (SELECT * FROM unnest($2::text[], $3::float8[]) AS now(device_id, created_at_ms)), keyless AS (
             DELETE FROM key_server.keyless_devices k USING now
             WHERE k.user_id = $1 AND k.device_id = now.device_id AND k.created_at_ms <> now.created_at_ms)
           DELETE FROM key_server.devices d USING now
           WHERE d.user_id = $1 AND d.device_id = now.device_id AND d.created_at_ms <> now.created_at_ms`,
    values: [userId, rows.map(({ deviceId }) => deviceId), rows.map(({ createdAtMs }) => createdAtMs)],
  });
  await tx.query(putDevices(written));
  await forgetKeyless(
    tx,
    userId,
    rows.map(({ deviceId }) => deviceId),
  );
}

/** The dehydrated device that another one takes the place of. */
async function earlierDehydrated(tx: Transaction, userId: string, edit: KeyEdit): Promise<string | undefined> {
  if (edit.dehydrated === undefined) return undefined;
  const { rows } = await tx.query<{ device_id: string }>({
    name: 'earlier-dehydrated-device',
    text: 'SELECT device_id FROM key_server.dehydrated_devices WHERE user_id = $1 AND device_id <> $2',
    values: [userId, edit.dehydrated.deviceId],
  });
  return rows[0]?.device_id;
}

async function putDehydrated(tx: Transaction, userId: string, { deviceId, deviceData }: DehydratedDevice) {
  await tx.query({
    name: 'keep-dehydrated-device',
    text: `INSERT INTO key_server.dehydrated_devices (user_id, device_id, device_data) VALUES ($1, $2, $3)
           ON CONFLICT (user_id) DO UPDATE SET device_id = excluded.device_id, device_data = excluded.device_data`,
    values: [userId, deviceId, deviceData],
  });
}

/** What a user has signed of others, and their backups; the versions of these are not used again. */
async function forgetUser(tx: Transaction, userId: string): Promise<void> {
  await tx.query({
    name: 'forget-user-signatures',
    text: 'DELETE FROM key_server.user_signatures WHERE user_id = $1',
    values: [userId],
  });
  await tx.query({
    name: 'forget-backups',
    text: 'DELETE FROM key_server.backups WHERE user_id = $1',
    values: [userId],
  });
}

async function removeUsages(tx: Transaction, userId: string, usages: readonly string[]): Promise<void> {
  await tx.query({
    name: 'remove-cross-signing-keys',
    text: 'DELETE FROM key_server.cross_signing_keys WHERE user_id = $1 AND usage = ANY($2::text[])',
    values: [userId, usages],
  });
}

function deviceRow({ deviceId, json, signatures, displayName, createdAtMs, seq }: NumberedDevice) {
  return {
    ...{ device_id: deviceId, json, signatures: JSON.stringify(signatures) },
    ...{ display_name: displayName, created_at_ms: createdAtMs, seq },
  };
}

function crossSigningRow({ usage, publicKey, json, signatures }: CrossSigningKey) {
  return { usage, public_key: publicKey, json, signatures: JSON.stringify(signatures) };
}

function signatureRow({ signedUserId, signedKey, keyId, signature }: UserSignature) {
  return { signed_user_id: signedUserId, signed_key: signedKey, key_id: keyId, signature };
}
