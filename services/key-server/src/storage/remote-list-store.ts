import { type Database, sql, statement, type Transaction } from '@ganglion/database';
import type { AskedList, RemoteListState, RemoteListStore } from '../domain/ports.js';
import { lockUser, putCrossSigningKeys, putDevices } from './key-store.js';

const listStates = statement(
  'remote-list-states',
  sql<{ userIds: readonly string[] }>`
  SELECT asked.user_id AS "userId", coalesce(u.list_seq, 0) AS "heardSeq", l.list_seq AS "keptSeq",
    coalesce(l.evidence, '') AS evidence
  FROM unnest(${({ userIds }) => userIds}::text[]) AS asked(user_id)
  LEFT JOIN key_server.users u USING (user_id)
  LEFT JOIN key_server.remote_lists l USING (user_id)`,
);

type StateRow = { userId: string; heardSeq: number; keptSeq: number | null; evidence: string };

/** The devices and keys of users of other servers, in PostgreSQL. */
export class PostgresRemoteListStore implements RemoteListStore {
  constructor(private readonly db: Database) {}

  async states(userIds: readonly string[]): Promise<RemoteListState[]> {
    const { rows } = await this.db.query<StateRow>(listStates({ userIds }));
    return rows.map(({ keptSeq, ...row }) => ({ ...row, keptSeq: keptSeq ?? undefined }));
  }

  async begin(userIds: readonly string[]): Promise<void> {
    await this.db.query({
      name: 'begin-to-ask-for-lists',
      text: `INSERT INTO key_server.users (user_id) SELECT asked FROM unnest($1::text[]) AS asked ORDER BY asked
        ON CONFLICT DO NOTHING`,
      values: [userIds],
    });
  }

  async askedFor(userIds: readonly string[]): Promise<ReadonlySet<string>> {
    const { rows } = await this.db.query<{ user_id: string }>({
      name: 'lists-asked-for',
      text: 'SELECT user_id FROM key_server.users WHERE user_id = ANY($1::text[])',
      values: [userIds],
    });
    return new Set(rows.map((row) => row.user_id));
  }

  keep({ userId, heardSeq, evidence, keys }: AskedList): Promise<void> {
    return this.db.transaction(async (tx) => {
      await lockUser(tx, userId);
      if ((await heardOf(tx, userId)) !== heardSeq) return;
      const devices = [...keys.devices.values()];
      const crossSigning = [...keys.crossSigning.values()];
      await forgetOthers(tx, userId, [...keys.devices.keys()], [...keys.crossSigning.keys()]);
      if (devices.length > 0) {
        await tx.query(putDevices({ userId, rows: devices.map((device) => ({ ...device, seq: heardSeq })) }));
      }
      if (crossSigning.length > 0) await tx.query(putCrossSigningKeys({ userId, seq: heardSeq, rows: crossSigning }));
      await tx.query({
        name: 'keep-remote-list',
        text: `INSERT INTO key_server.remote_lists (user_id, list_seq, evidence) VALUES ($1, $2, $3)
               ON CONFLICT (user_id) DO UPDATE SET list_seq = excluded.list_seq, evidence = excluded.evidence`,
        values: [userId, heardSeq, evidence],
      });
    });
  }
}

async function heardOf(tx: Transaction, userId: string): Promise<number | undefined> {
  const { rows } = await tx.query<{ seq: number }>({
    name: 'list-seq',
    text: 'SELECT list_seq AS seq FROM key_server.users WHERE user_id = $1',
    values: [userId],
  });
  return rows[0]?.seq;
}

async function forgetOthers(
  tx: Transaction,
  userId: string,
  deviceIds: readonly string[],
  usages: readonly string[],
): Promise<void> {
  await tx.query({
    name: 'forget-other-devices',
    text: 'DELETE FROM key_server.devices WHERE user_id = $1 AND device_id <> ALL($2::text[])',
    values: [userId, deviceIds],
  });
  await tx.query({
    name: 'forget-other-cross-signing-keys',
    text: 'DELETE FROM key_server.cross_signing_keys WHERE user_id = $1 AND usage <> ALL($2::text[])',
    values: [userId, usages],
  });
}
