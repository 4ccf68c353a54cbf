import { createHash } from 'node:crypto';
import type { Database } from '@ganglion/database';
import type { FileName, StoredBytes } from '../domain/ports/file-store.js';
import type { PreviewAnswer, PreviewStore } from '../domain/ports/preview-ports.js';
import { claimKey, putBlob } from './file-writes.js';

/** Previews in PostgreSQL, where every replica finds them. */
export class PostgresPreviewStore implements PreviewStore {
  constructor(private readonly db: Database) {}

  async find(url: string): Promise<PreviewAnswer | undefined> {
    const { rows } = await this.db.query<{ answer: PreviewAnswer }>({
      name: 'find-preview',
      text: 'SELECT answer FROM media.previews WHERE url_sha256 = $1 AND fresh_until > now()',
      values: [digest(url)],
    });
    return rows[0]?.answer;
  }

  async keep(url: string, answer: PreviewAnswer, lifetimeMs: number): Promise<void> {
    await this.db.query({
      name: 'keep-preview',
      text: `INSERT INTO media.previews (url_sha256, answer, fresh_until)
        VALUES ($1, $2, now() + $3 * interval '1 millisecond')
        ON CONFLICT (url_sha256) DO UPDATE SET answer = excluded.answer, fresh_until = excluded.fresh_until`,
      values: [digest(url), JSON.stringify(answer), lifetimeMs],
    });
  }

  async addImage(
    { serverName, mediaId, contentType, ...stored }: FileName & StoredBytes & { contentType: string },
    lifetimeMs: number,
  ): Promise<void> {
    await this.db.transaction(async (tx) => {
      await claimKey(tx, stored.key);
      const blobNid = await putBlob(tx, stored);
      await tx.query({
        name: 'add-preview-image',
        text: `WITH file AS (INSERT INTO media.files (server_name, media_id, content_type, blob_nid, uploaded_at)
            VALUES ($1, $2, $3, $4, now()) RETURNING file_nid)
          INSERT INTO media.preview_images (file_nid, remove_at)
          SELECT file_nid, now() + $5 * interval '1 millisecond' FROM file`,
        values: [serverName, mediaId, contentType, blobNid, lifetimeMs],
      });
    });
  }

  async oldImages(most: number): Promise<FileName[]> {
    const { rows } = await this.db.query<{ server_name: string; media_id: string }>({
      name: 'old-preview-images',
      text: `SELECT f.server_name, f.media_id FROM media.preview_images i JOIN media.files f USING (file_nid)
        WHERE i.remove_at <= now() AND NOT f.protected ORDER BY i.remove_at LIMIT $1`,
      values: [most],
    });
    return rows.map(({ server_name: serverName, media_id: mediaId }) => ({ serverName, mediaId }));
  }

  async forgetOld(): Promise<void> {
    await this.db.query({ name: 'forget-old-previews', text: 'DELETE FROM media.previews WHERE fresh_until <= now()' });
  }
}

function digest(url: string): Buffer {
  return createHash('sha256').update(url).digest();
}
