import type { StoredFile } from '../domain/ports/file-store.js';

export interface FileRow extends Record<string, unknown> {
  file_nid: number;
  server_name: string;
  media_id: string;
  user_id: string | null;
  content_type: string;
  upload_name: string | null;
  authenticated_only: boolean;
  expires_at_ms: number | null;
  blob_nid: number | null;
  store_key: string;
  bytes: number;
  sha256: Buffer;
  crc32: number | null;
  quarantined: boolean;
}

/** A file beside its bytes, as `fileOf` reads it. */
export const FILE_COLUMNS = `f.file_nid, f.server_name, f.media_id, f.user_id, f.content_type, f.upload_name,
  f.authenticated_only, (extract(epoch FROM f.expires_at) * 1000)::float8 AS expires_at_ms,
  f.blob_nid, b.store_key, b.bytes, b.sha256, b.crc32,
  (EXISTS (SELECT FROM media.quarantine q WHERE q.sha256 = b.sha256) OR EXISTS (
    SELECT FROM media.quarantined_names n WHERE n.server_name = f.server_name AND n.media_id = f.media_id)) AS quarantined`;

export function fileOf(row: FileRow): StoredFile {
  const { blob_nid: blobNid, store_key: key, bytes, sha256, crc32 } = row;
  return {
    fileNid: row.file_nid,
    serverName: row.server_name,
    mediaId: row.media_id,
    userId: row.user_id ?? undefined,
    contentType: row.content_type,
    uploadName: row.upload_name ?? undefined,
    authenticatedOnly: row.authenticated_only,
    expiresAtMs: row.expires_at_ms ?? undefined,
    quarantined: row.quarantined,
    blob: blobNid === null ? undefined : { blobNid, key, bytes, sha256, crc32: crc32 ?? undefined },
  };
}
