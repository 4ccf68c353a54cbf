import type { Database, Transaction } from '@ganglion/database';
import type { FileName } from '../domain/ports/file-store.js';
import type {
  Decision,
  FileAccount,
  FileSelection,
  ModerationAction,
  ModerationStore,
  OwnedFile,
} from '../domain/ports/moderation-store.js';
import { removeFiles } from './file-removals.js';
import { selected } from './file-selection.js';

interface AccountRow extends Record<string, unknown> {
  file_nid: number;
  server_name: string;
  media_id: string;
  user_id: string | null;
  content_type: string;
  upload_name: string | null;
  bytes: number;
  created_at_ms: number;
  last_access_at_ms: number;
  quarantined_by: string | null;
  protected: boolean;
  total: number;
}

interface FileNameRow extends Record<string, unknown> {
  server_name: string;
  media_id: string;
}

interface NameRow extends FileNameRow {
  file_nid: number;
}

interface QuarantinedRow extends FileNameRow {
  sha256: Buffer | null;
}

const MILLISECONDS = (column: string) => `(extract(epoch FROM ${column}) * 1000)::float8`;

/** What is done to files, in PostgreSQL. */
export class PostgresModerationStore implements ModerationStore {
  constructor(private readonly db: Database) {}

  quarantine(selection: FileSelection, decision: Decision, absent: readonly FileName[] = []): Promise<number> {
    return this.db.transaction(async (tx) => {
      const { rows: here } = await tx.query<QuarantinedRow>({
        name: 'files-to-quarantine',
        text: `SELECT f.server_name, f.media_id, b.sha256
          FROM media.files f JOIN media.blobs b USING (blob_nid)
          WHERE ${selected} AND NOT EXISTS (SELECT FROM media.files p WHERE p.blob_nid = b.blob_nid AND p.protected)`,
        values: selected.values(selection),
      });
      await tx.query({
        name: 'quarantine-bytes',
        text: `INSERT INTO media.quarantine (sha256, quarantined_by)
          SELECT DISTINCT sha256, $2::text FROM unnest($1::bytea[]) AS t(sha256) ORDER BY 1 ON CONFLICT DO NOTHING`,
        values: [here.map(({ sha256 }) => sha256), decision.actor],
      });
      const all = [...here, ...(await notHere(tx, absent))];
      await quarantineNames(tx, all, decision);
      await record(tx, 'quarantine', all, decision);
      return all.length;
    });
  }

  /** With all that have the same bytes. */
  unquarantine(names: readonly FileName[], decision: Decision): Promise<number> {
    return this.db.transaction(async (tx) => {
      const { rows } = await tx.query<FileNameRow>({
        name: 'unquarantine-files',
        text: `WITH named AS (SELECT server_name, media_id FROM unnest($1::text[], $2::text[]) AS t(server_name, media_id)),
          hashes AS (
            SELECT server_name, media_id, b.sha256
            FROM named JOIN media.files USING (server_name, media_id) JOIN media.blobs b USING (blob_nid)
            UNION SELECT server_name, media_id, sha256
            FROM named JOIN media.quarantined_names USING (server_name, media_id) WHERE sha256 IS NOT NULL),
          bytes AS (DELETE FROM media.quarantine WHERE sha256 IN (SELECT sha256 FROM hashes) RETURNING sha256),
          by_name AS (DELETE FROM media.quarantined_names q
            WHERE (q.server_name, q.media_id) IN (SELECT server_name, media_id FROM named)
              OR q.sha256 IN (SELECT sha256 FROM hashes) RETURNING q.server_name, q.media_id)
          SELECT server_name, media_id FROM named WHERE (server_name, media_id) IN (
            SELECT server_name, media_id FROM hashes JOIN bytes USING (sha256)
            UNION SELECT server_name, media_id FROM by_name)`,
        values: [names.map(({ serverName }) => serverName), names.map(({ mediaId }) => mediaId)],
      });
      await record(tx, 'unquarantine', rows, decision);
      return rows.length;
    });
  }

  protect(names: readonly FileName[], isProtected: boolean, decision: Decision): Promise<number> {
    return this.db.transaction(async (tx) => {
      const { rows } = await tx.query<NameRow>({
        name: 'protect-files',
        text: `UPDATE media.files SET protected = $${selected.count + 1} WHERE file_nid IN (
            SELECT f.file_nid FROM media.files f LEFT JOIN media.blobs b USING (blob_nid) WHERE ${selected})
          RETURNING file_nid, server_name, media_id`,
        values: [...selected.values({ names }), isProtected],
      });
      await record(tx, isProtected ? 'protect' : 'unprotect', rows, decision);
      return rows.length;
    });
  }

  remove(selection: FileSelection, most: number, decision: Decision): Promise<FileName[]> {
    return this.db.transaction(async (tx) => {
      const { rows } = await tx.query<NameRow>({
        name: 'files-to-remove',
        text: `SELECT f.file_nid, f.server_name, f.media_id FROM media.files f LEFT JOIN media.blobs b USING (blob_nid)
          WHERE ${selected} ORDER BY f.file_nid LIMIT $${selected.count + 1} FOR UPDATE OF f SKIP LOCKED`,
        values: [...selected.values(selection), most],
      });
      if (rows.length === 0) return [];
      await removeFiles(
        tx,
        rows.map(({ file_nid }) => file_nid),
      );
      await record(tx, 'delete', rows, decision);
      return rows.map(nameOf);
    });
  }

  async select(selection: FileSelection, afterNid: number, most: number): Promise<OwnedFile[]> {
    const { rows } = await this.db.query<NameRow & { user_id: string | null }>({
      name: 'select-files',
      text: `SELECT f.file_nid, f.server_name, f.media_id, f.user_id
        FROM media.files f LEFT JOIN media.blobs b USING (blob_nid)
        WHERE ${selected} AND f.file_nid > $${selected.count + 1} ORDER BY f.file_nid LIMIT $${selected.count + 2}`,
      values: [...selected.values(selection), afterNid, most],
    });
    return rows.map((row) => ({ ...nameOf(row), fileNid: row.file_nid, userId: row.user_id ?? undefined }));
  }

  async list(userId: string, { from, limit }: { from: number; limit: number }) {
    const { rows } = await this.db.query<AccountRow>({
      name: 'files-of-user',
      text: `SELECT f.file_nid, f.server_name, f.media_id, f.user_id, f.content_type, f.upload_name, b.bytes,
          ${MILLISECONDS('f.created_at')} AS created_at_ms, ${MILLISECONDS('f.last_access_at')} AS last_access_at_ms,
          coalesce(q.quarantined_by, n.quarantined_by) AS quarantined_by, f.protected, count(*) OVER () AS total
        FROM media.files f JOIN media.blobs b USING (blob_nid) LEFT JOIN media.quarantine q USING (sha256)
          LEFT JOIN media.quarantined_names n USING (server_name, media_id)
        WHERE f.user_id = $1 ORDER BY f.file_nid DESC LIMIT $2 OFFSET $3`,
      values: [userId, limit, from],
    });
    return { files: rows.map(accountOf), total: rows[0]?.total ?? from };
  }

  async known(names: readonly FileName[]): Promise<FileName[]> {
    const { rows } = await this.db.query<NameRow>({
      name: 'known-files',
      text: `SELECT f.file_nid, f.server_name, f.media_id FROM media.files f LEFT JOIN media.blobs b USING (blob_nid)
        WHERE ${selected} AND b.blob_nid IS NOT NULL ORDER BY f.file_nid`,
      values: selected.values({ names }),
    });
    return rows.map(nameOf);
  }

  async leastUsed(servers: readonly string[], maxBytes: number, most: number): Promise<FileName[]> {
    const { rows } = await this.db.query<NameRow>({
      name: 'least-used-files',
      text: `SELECT file_nid, server_name, media_id FROM (
          SELECT f.file_nid, f.server_name, f.media_id, f.protected, f.last_access_at,
            sum(b.bytes) OVER (ORDER BY f.last_access_at DESC, f.file_nid DESC) AS together
          FROM media.files f JOIN media.blobs b USING (blob_nid) WHERE f.server_name <> ALL ($1::text[])) AS remote
        WHERE together > $2 AND NOT protected ORDER BY last_access_at, file_nid LIMIT $3`,
      values: [servers, maxBytes, most],
    });
    return rows.map(nameOf);
  }

  async touch(fileNids: readonly number[]): Promise<void> {
    await this.db.query({
      name: 'touch-files',
      text: `UPDATE media.files SET last_access_at = now()
        WHERE file_nid IN (SELECT file_nid FROM media.files WHERE file_nid = ANY ($1::bigint[])
          AND last_access_at < now() - interval '10 minutes' ORDER BY file_nid FOR UPDATE SKIP LOCKED)`,
      values: [fileNids],
    });
  }
}

/** Those of some names that nothing here goes by. */
async function notHere(tx: Transaction, names: readonly FileName[]): Promise<QuarantinedRow[]> {
  if (names.length === 0) return [];
  const { rows } = await tx.query<FileNameRow>({
    name: 'names-without-files',
    text: `SELECT server_name, media_id FROM unnest($1::text[], $2::text[]) AS t(server_name, media_id)
      WHERE NOT EXISTS (SELECT FROM media.files f WHERE f.server_name = t.server_name AND f.media_id = t.media_id)`,
    values: [names.map(({ serverName }) => serverName), names.map(({ mediaId }) => mediaId)],
  });
  return rows.map((row) => ({ ...row, sha256: null }));
}

async function quarantineNames(tx: Transaction, rows: readonly QuarantinedRow[], { actor }: Decision): Promise<void> {
  await tx.query({
    name: 'quarantine-names',
    text: `INSERT INTO media.quarantined_names AS q (server_name, media_id, sha256, quarantined_by)
      SELECT server_name, media_id, sha256, $4::text
      FROM unnest($1::text[], $2::text[], $3::bytea[]) AS t(server_name, media_id, sha256) ORDER BY 1, 2
      ON CONFLICT (server_name, media_id) DO UPDATE SET sha256 = coalesce(excluded.sha256, q.sha256)`,
    values: [
      rows.map((row) => row.server_name),
      rows.map((row) => row.media_id),
      rows.map(({ sha256 }) => sha256),
      actor,
    ],
  });
}

async function record(
  tx: Transaction,
  action: ModerationAction,
  rows: readonly FileNameRow[],
  { actor, reason }: Decision,
) {
  if (rows.length === 0) return;
  await tx.query({
    name: 'record-moderation',
    text: `INSERT INTO media.moderation_record (actor, action, reason, server_name, media_id)
      SELECT $1, $2, $3, server_name, media_id FROM unnest($4::text[], $5::text[]) AS t(server_name, media_id)`,
    values: [actor, action, reason ?? null, rows.map((row) => row.server_name), rows.map((row) => row.media_id)],
  });
}

function nameOf({ server_name: serverName, media_id: mediaId }: FileNameRow): FileName {
  return { serverName, mediaId };
}

function accountOf(row: AccountRow): FileAccount {
  return {
    ...nameOf(row),
    fileNid: row.file_nid,
    userId: row.user_id ?? undefined,
    contentType: row.content_type,
    uploadName: row.upload_name ?? undefined,
    bytes: row.bytes,
    createdAtMs: Math.floor(row.created_at_ms),
    lastAccessAtMs: Math.floor(row.last_access_at_ms),
    quarantinedBy: row.quarantined_by ?? undefined,
    isProtected: row.protected,
  };
}
