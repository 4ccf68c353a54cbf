import type { FileAccount } from '../domain/ports/moderation-store.js';

/** A file, in the words of Synapse's tools for administrators. */
export function fileAccount(file: FileAccount) {
  return {
    media_id: file.mediaId,
    media_type: file.contentType,
    media_length: file.bytes,
    upload_name: file.uploadName ?? null,
    created_ts: file.createdAtMs,
    last_access_ts: file.lastAccessAtMs,
    quarantined_by: file.quarantinedBy ?? null,
    safe_from_quarantine: file.isProtected,
  };
}
