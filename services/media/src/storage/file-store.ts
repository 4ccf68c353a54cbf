import type { Database, Transaction } from '@ganglion/database';
import type {
  FileName,
  FileStore,
  NewFile,
  Quotas,
  Refusal,
  StoredBytes,
  StoredFile,
} from '../domain/ports/file-store.js';
import type { RemoteFileStore } from '../domain/ports/remote-source.js';
import { FILE_COLUMNS, type FileRow, fileOf } from './file-row.js';
import { claimKey, countUsage, putBlob, Refused } from './file-writes.js';

/** What is known of files, in PostgreSQL. */
export class PostgresFileStore implements FileStore, RemoteFileStore {
  constructor(private readonly db: Database) {}

  async find({ serverName, mediaId }: FileName): Promise<StoredFile | undefined> {
    const { rows } = await this.db.query<FileRow>({
      name: 'find-file',
      text: `SELECT ${FILE_COLUMNS} FROM media.files f LEFT JOIN media.blobs b USING (blob_nid)
        WHERE f.server_name = $1 AND f.media_id = $2`,
      values: [serverName, mediaId],
    });
    return rows[0] && fileOf(rows[0]);
  }

  async settled(fileNids: readonly number[]): Promise<number[]> {
    const { rows } = await this.db.query<{ file_nid: number }>({
      name: 'settled-files',
      text: `SELECT wanted.file_nid FROM unnest($1::bigint[]) AS wanted(file_nid)
        WHERE NOT EXISTS (SELECT FROM media.files f WHERE f.file_nid = wanted.file_nid AND f.blob_nid IS NULL)`,
      values: [fileNids],
    });
    return rows.map(({ file_nid }) => file_nid);
  }

  async usage(userId: string, serverName: string): Promise<{ user: number; server: number }> {
    const { rows } = await this.db.query<{ owner: string; bytes: number }>({
      name: 'media-usage',
      text: 'SELECT owner, bytes FROM media.usage WHERE owner IN ($1, $2)',
      values: [userId, serverName],
    });
    const of = (owner: string) => rows.find((row) => row.owner === owner)?.bytes ?? 0;
    return { user: of(userId), server: of(serverName) };
  }

  reserve(
    { serverName, mediaId, userId }: FileName & { userId: string },
    { lifetimeMs, most }: { lifetimeMs: number; most: number },
  ): Promise<{ expiresAtMs: number } | undefined> {
    return this.db.transaction(async (tx) => {
      // One after the other for each user: else two could go past the bound together.
      await tx.query({
        name: 'lock-pending-files',
        text: `SELECT pg_advisory_xact_lock(hashtextextended('media.files ' || $1, 0))`,
        values: [userId],
      });
      const { rows } = await tx.query<{ expires_at_ms: number }>({
        name: 'reserve-file',
        text: `INSERT INTO media.files (server_name, media_id, user_id, expires_at)
          SELECT $1, $2, $3, now() + $4 * interval '1 millisecond'
          WHERE (SELECT count(*) FROM media.files
            WHERE user_id = $3 AND blob_nid IS NULL AND expires_at > now()) < $5
          RETURNING (extract(epoch FROM expires_at) * 1000)::float8 AS expires_at_ms`,
        values: [serverName, mediaId, userId, lifetimeMs, most],
      });
      return rows[0] && { expiresAtMs: Math.floor(rows[0].expires_at_ms) };
    });
  }

  add(file: NewFile, quotas: Quotas): Promise<Refusal | undefined> {
    return this.#keep(file, quotas, async (tx, blobNid) => {
      const { serverName, mediaId, userId, contentType, uploadName, authenticatedOnly } = file;
      await tx.query({
        name: 'add-file',
        text: `INSERT INTO media.files (server_name, media_id, user_id, content_type, upload_name, blob_nid,
          authenticated_only, uploaded_at) VALUES ($1, $2, $3, $4, $5, $6, $7, now())`,
        values: [serverName, mediaId, userId, contentType, uploadName ?? null, blobNid, authenticatedOnly],
      });
    });
  }

  fill(fileNid: number, file: NewFile, quotas: Quotas): Promise<Refusal | undefined> {
    return this.#keep(file, quotas, async (tx, blobNid) => {
      const { contentType, uploadName, authenticatedOnly } = file;
      const { rowCount } = await tx.query({
        name: 'fill-file',
        text: `UPDATE media.files SET blob_nid = $2, content_type = $3, upload_name = $4, authenticated_only = $5,
          uploaded_at = now(), expires_at = NULL WHERE file_nid = $1 AND blob_nid IS NULL AND expires_at > now()`,
        values: [fileNid, blobNid, contentType, uploadName ?? null, authenticatedOnly],
      });
      if (rowCount === 0) throw new Refused(await whyNot(tx, fileNid));
    });
  }

  async isQuarantined({ serverName, mediaId }: FileName): Promise<boolean> {
    const { rowCount } = await this.db.query({
      name: 'is-name-quarantined',
      text: 'SELECT FROM media.quarantined_names WHERE server_name = $1 AND media_id = $2',
      values: [serverName, mediaId],
    });
    return rowCount !== 0;
  }

  async addRemote(
    file: FileName & StoredBytes & { contentType: string; uploadName: string | undefined },
  ): Promise<boolean> {
    try {
      await this.db.transaction(async (tx) => {
        await claimKey(tx, file.key);
        const { rowCount } = await tx.query({
          name: 'add-remote-file',
          text: `INSERT INTO media.files (server_name, media_id, content_type, upload_name, blob_nid, uploaded_at)
            VALUES ($1, $2, $3, $4, $5, now()) ON CONFLICT (server_name, media_id) DO NOTHING`,
          values: [file.serverName, file.mediaId, file.contentType, file.uploadName ?? null, await putBlob(tx, file)],
        });
        if (rowCount === 0) throw new Refused('has content');
      });
      return true;
    } catch (error) {
      if (error instanceof Refused && error.refusal === 'has content') return false;
      throw error;
    }
  }

  async forgetUnused(): Promise<void> {
    await this.db.query({
      name: 'forget-unused-files',
      text: 'DELETE FROM media.files WHERE blob_nid IS NULL AND expires_at <= now()',
    });
  }

  async #keep(
    file: NewFile,
    quotas: Quotas,
    put: (tx: Transaction, blobNid: number) => Promise<void>,
  ): Promise<Refusal | undefined> {
    try {
      await this.db.transaction(async (tx) => {
        await claimKey(tx, file.key);
        await put(tx, await putBlob(tx, file));
        await countUsage(tx, file, quotas);
      });
      return undefined;
    } catch (error) {
      if (error instanceof Refused) return error.refusal;
      throw error;
    }
  }
}

async function whyNot(tx: Transaction, fileNid: number): Promise<Refusal> {
  const { rowCount } = await tx.query({
    name: 'has-file-content',
    text: 'SELECT FROM media.files WHERE file_nid = $1 AND blob_nid IS NOT NULL',
    values: [fileNid],
  });
  return rowCount === 0 ? 'too late' : 'has content';
}
