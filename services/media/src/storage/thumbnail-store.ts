import type { Database } from '@ganglion/database';
import type { StoredThumbnail, ThumbnailStore } from '../domain/ports/thumbnail-store.js';
import { claimKey, loosenKey } from './file-writes.js';

/** Of one image; further ones are made, and not kept. */
const MOST_KINDS = 40;

interface ThumbnailRow extends Record<string, unknown> {
  content_type: string;
  store_key: string | null;
  bytes: number | null;
  sha256: Buffer | null;
}

/** What is known of thumbnails, in PostgreSQL. */
export class PostgresThumbnailStore implements ThumbnailStore {
  constructor(private readonly db: Database) {}

  async find(blobNid: number, kind: string): Promise<StoredThumbnail | undefined> {
    const { rows } = await this.db.query<ThumbnailRow>({
      name: 'find-thumbnail',
      text: 'SELECT content_type, store_key, bytes, sha256 FROM media.thumbnails WHERE blob_nid = $1 AND kind = $2',
      values: [blobNid, kind],
    });
    return rows[0] && thumbnailOf(rows[0]);
  }

  async add(blobNid: number, kind: string, { contentType, stored }: StoredThumbnail): Promise<void> {
    await this.db.transaction(async (tx) => {
      if (stored) await claimKey(tx, stored.key);
      const { rowCount } = await tx.query({
        name: 'add-thumbnail',
        // Whoever removes the image waits for this lock, and finds the thumbnail.
        text: `INSERT INTO media.thumbnails (blob_nid, kind, content_type, store_key, bytes, sha256)
          SELECT b.blob_nid, $2, $3, $4, $5, $6 FROM (
            SELECT blob_nid FROM media.blobs WHERE blob_nid = $1 FOR KEY SHARE) b
          WHERE (SELECT count(*) FROM media.thumbnails WHERE blob_nid = $1) < ${MOST_KINDS}
          ON CONFLICT DO NOTHING`,
        values: [blobNid, kind, contentType, stored?.key ?? null, stored?.bytes ?? null, stored?.sha256 ?? null],
      });
      if (rowCount === 0 && stored) await loosenKey(tx, stored.key);
    });
  }
}

function thumbnailOf({ content_type: contentType, store_key: key, bytes, sha256 }: ThumbnailRow): StoredThumbnail {
  const stored =
    key === null || bytes === null || sha256 === null ? undefined : { key, bytes, sha256, crc32: undefined };
  return { contentType, stored };
}
