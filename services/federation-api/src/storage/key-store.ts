import { type Database, rowsOf, sql, statement } from '@ganglion/database';
import { canonicalJsonString, type VerifyKey } from '@ganglion/protocol';
import type { KeyAnswer, KeyStore, StoredKeys } from '../domain/ports/keys.js';

interface KeyRow extends Record<string, unknown> {
  server_name: string;
  ask_again_in_ms: number;
  key_id: string | null;
  public_key: Buffer | null;
  valid_until_ts: number | null;
  expired_ts: number | null;
}

const loadKeys = statement(
  'load-server-keys',
  sql<{ serverNames: readonly string[] }>`
  SELECT s.server_name, k.key_id, k.public_key, k.valid_until_ts, k.expired_ts,
    (extract(epoch FROM s.ask_again_at - clock_timestamp()) * 1000)::float8 AS ask_again_in_ms
  FROM federation_api.key_servers s LEFT JOIN federation_api.server_keys k USING (server_name)
  WHERE s.server_name = ANY (${(p) => p.serverNames}::text[])`,
);

/** A server that has answered is not asked again at once for a key that it does not have. */
const saveServers = statement(
  'save-key-servers',
  sql<readonly KeyAnswer[]>`
  INSERT INTO federation_api.key_servers AS s (server_name, answer, is_vouched_for, failures, ask_again_at)
  SELECT a.server_name, a.answer, a.is_vouched_for, 0,
    clock_timestamp() + CASE WHEN a.is_vouched_for THEN interval '0' ELSE interval '30 seconds' END
  FROM (${rowsOf('r', { server_name: 'text', answer: 'text', is_vouched_for: 'boolean' }, (answers) => answers.map(serverRow))}) a
  ORDER BY a.server_name
  ON CONFLICT (server_name) DO UPDATE SET answer = excluded.answer, is_vouched_for = excluded.is_vouched_for,
    failures = CASE WHEN excluded.is_vouched_for THEN s.failures ELSE 0 END,
    ask_again_at = CASE WHEN excluded.is_vouched_for THEN s.ask_again_at ELSE excluded.ask_again_at END`,
);

/**
 * Whoever holds a key says how long it is valid; what a notary says never puts another key in the place of one. A key that has
 * ended stays ended.
 */
const saveKeys = statement(
  'save-server-keys',
  sql<readonly KeyAnswer[]>`
  INSERT INTO federation_api.server_keys AS k
    (server_name, key_id, public_key, valid_until_ts, expired_ts, is_vouched_for)
  SELECT a.server_name, a.key_id, a.public_key, a.valid_until_ts, a.expired_ts, a.is_vouched_for
  FROM (${rowsOf(
    'r',
    {
      server_name: 'text',
      key_id: 'text',
      public_key: 'bytea',
      valid_until_ts: 'float8',
      expired_ts: 'float8',
      is_vouched_for: 'boolean',
    },
    (answers) => answers.flatMap(keyRows),
  )}) a
  ORDER BY a.server_name, a.key_id
  ON CONFLICT (server_name, key_id) DO UPDATE SET public_key = excluded.public_key,
    is_vouched_for = excluded.is_vouched_for,
    expired_ts = coalesce(excluded.expired_ts, CASE WHEN k.public_key = excluded.public_key THEN k.expired_ts END),
    valid_until_ts = CASE WHEN k.public_key = excluded.public_key AND excluded.is_vouched_for
      THEN greatest(k.valid_until_ts, excluded.valid_until_ts) ELSE excluded.valid_until_ts END
  WHERE NOT excluded.is_vouched_for OR k.is_vouched_for OR k.public_key = excluded.public_key`,
);

const noteFailures = statement(
  'note-failures-of-key-servers',
  sql<{ serverNames: readonly string[] }>`
  INSERT INTO federation_api.key_servers AS s (server_name, failures, ask_again_at)
  SELECT name, 1, clock_timestamp() + interval '1 minute' FROM unnest(${(p) => p.serverNames}::text[]) name ORDER BY name
  ON CONFLICT (server_name) DO UPDATE SET failures = least(s.failures + 1, 20),
    ask_again_at = clock_timestamp() + least(interval '1 minute' * 2 ^ s.failures, interval '6 hours')`,
);

/** Keys of other servers in PostgreSQL. */
export class PostgresKeyStore implements KeyStore {
  constructor(private readonly db: Database) {}

  async load(serverNames: readonly string[]): Promise<ReadonlyMap<string, StoredKeys>> {
    const { rows } = await this.db.query<KeyRow>(loadKeys({ serverNames }));
    const servers = new Map<string, { keys: Map<string, VerifyKey>; askAgainInMs: number }>();
    for (const row of rows) {
      const server = servers.get(row.server_name) ?? { keys: new Map(), askAgainInMs: row.ask_again_in_ms };
      servers.set(row.server_name, server);
      if (row.key_id !== null && row.public_key !== null) server.keys.set(row.key_id, verifyKey(row, row.public_key));
    }
    return servers;
  }

  async save(answers: readonly KeyAnswer[]): Promise<void> {
    if (answers.length === 0) return;
    await this.db.transaction(async (tx) => {
      await tx.query(saveServers(answers));
      await tx.query(saveKeys(answers));
    });
  }

  async noteFailures(serverNames: readonly string[]): Promise<void> {
    if (serverNames.length > 0) await this.db.query(noteFailures({ serverNames }));
  }

  async answers(serverNames: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const { rows } = await this.db.query<{ server_name: string; answer: string }>({
      name: 'answers-of-key-servers',
      text: `SELECT server_name, answer FROM federation_api.key_servers
        WHERE server_name = ANY ($1::text[]) AND answer IS NOT NULL`,
      values: [serverNames],
    });
    return new Map(rows.map(({ server_name, answer }) => [server_name, answer]));
  }
}

function serverRow({ serverName, answer, notary }: KeyAnswer) {
  const text = canonicalJsonString(answer, { strict: false });
  return { server_name: serverName, answer: text, is_vouched_for: notary !== undefined };
}

function keyRows({ serverName, keys, notary }: KeyAnswer) {
  return [...keys].map(([keyId, { publicKey, validUntilTs, expiredTs }]) => ({
    server_name: serverName,
    key_id: keyId,
    public_key: publicKey,
    // An old key has no time until which it is valid.
    valid_until_ts: expiredTs === undefined ? validUntilTs : undefined,
    expired_ts: expiredTs,
    is_vouched_for: notary !== undefined,
  }));
}

function verifyKey({ valid_until_ts, expired_ts }: KeyRow, publicKey: Buffer): VerifyKey {
  if (expired_ts !== null) return { publicKey, expiredTs: expired_ts };
  return valid_until_ts === null ? { publicKey } : { publicKey, validUntilTs: valid_until_ts };
}
