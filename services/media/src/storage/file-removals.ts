import type { Transaction } from '@ganglion/database';

/**
 * Removes files, and their bytes with what was made of them where nothing else has these bytes: their keys are the sweeper's.
 * Locks are taken in the order in which an upload takes them.
 */
export async function removeFiles(tx: Transaction, fileNids: readonly number[]): Promise<void> {
  await tx.query({
    name: 'lock-blobs-of-files',
    text: `SELECT FROM media.blobs WHERE blob_nid IN (SELECT blob_nid FROM media.files WHERE file_nid = ANY ($1::bigint[]))
      ORDER BY blob_nid FOR UPDATE`,
    values: [fileNids],
  });
  const { rows } = await tx.query<{ blob_nid: number; user_id: string | null; server_name: string; bytes: number }>({
    name: 'remove-files',
    text: `WITH gone AS (DELETE FROM media.files WHERE file_nid = ANY ($1::bigint[])
        RETURNING blob_nid, user_id, server_name)
      SELECT blob_nid, user_id, server_name, bytes FROM gone JOIN media.blobs USING (blob_nid)`,
    values: [fileNids],
  });
  const uploaded = rows.filter(({ user_id }) => user_id !== null);
  await discount(
    tx,
    uploaded.map(({ user_id, bytes }) => ({ owner: user_id!, bytes })),
  );
  await discount(
    tx,
    uploaded.map(({ server_name, bytes }) => ({ owner: server_name, bytes })),
  );
  await dropReferences(
    tx,
    rows.map(({ blob_nid }) => blob_nid),
  );
}

async function discount(tx: Transaction, files: readonly { owner: string; bytes: number }[]): Promise<void> {
  const owners = files.map(({ owner }) => owner);
  await tx.query({ name: 'lock-media-usage', text: LOCK_USAGE, values: [owners] });
  await tx.query({
    name: 'discount-media-usage',
    text: `UPDATE media.usage u SET bytes = u.bytes - gone.bytes, files = u.files - gone.files
      FROM (SELECT owner, sum(bytes)::bigint AS bytes, count(*) AS files
        FROM unnest($1::text[], $2::bigint[]) AS t(owner, bytes) GROUP BY owner) AS gone
      WHERE u.owner = gone.owner`,
    values: [owners, files.map(({ bytes }) => bytes)],
  });
}

const LOCK_USAGE = 'SELECT FROM media.usage WHERE owner = ANY ($1::text[]) ORDER BY owner FOR UPDATE';

/** @param blobNids once for each reference; each locked */
async function dropReferences(tx: Transaction, blobNids: readonly number[]): Promise<void> {
  await tx.query({
    name: 'drop-blob-references',
    text: `UPDATE media.blobs b SET refs = b.refs - gone.refs
      FROM (SELECT blob_nid, count(*) AS refs FROM unnest($1::bigint[]) AS t(blob_nid) GROUP BY blob_nid) AS gone
      WHERE b.blob_nid = gone.blob_nid`,
    values: [blobNids],
  });
  const thumbnails = await tx.query<{ store_key: string | null }>({
    name: 'remove-thumbnails',
    text: `DELETE FROM media.thumbnails t USING media.blobs b
      WHERE t.blob_nid = b.blob_nid AND b.blob_nid = ANY ($1::bigint[]) AND b.refs <= 0 RETURNING t.store_key`,
    values: [blobNids],
  });
  const blobs = await tx.query<{ store_key: string | null }>({
    name: 'remove-blobs',
    text: 'DELETE FROM media.blobs WHERE blob_nid = ANY ($1::bigint[]) AND refs <= 0 RETURNING store_key',
    values: [blobNids],
  });
  const keys = [...thumbnails.rows, ...blobs.rows].flatMap(({ store_key }) => store_key ?? []);
  await tx.query({
    name: 'loosen-keys',
    text: 'INSERT INTO media.loose_keys (store_key, due_at) SELECT key, now() FROM unnest($1::text[]) AS t(key)',
    values: [keys],
  });
}
