import type { Transaction } from '@ganglion/database';
import type { NewFile, Quotas, Refusal, StoredBytes } from '../domain/ports/file-store.js';

/** Leaves the transaction without anything being kept. */
export class Refused extends Error {
  constructor(readonly refusal: Refusal) {
    super(refusal);
  }
}

/** Takes a key from the loose ones. @throws Refused when it was swept up meanwhile */
export async function claimKey(tx: Transaction, key: string): Promise<void> {
  const { rowCount } = await tx.query({
    name: 'claim-loose-key',
    text: 'DELETE FROM media.loose_keys WHERE store_key = $1 AND NOT condemned',
    values: [key],
  });
  if (rowCount === 0) throw new Refused('too late');
}

/** The blob of these bytes, one reference more; when there is one already, the new key is loose and due. */
export async function putBlob(tx: Transaction, { key, sha256, bytes, crc32 }: StoredBytes): Promise<number> {
  const { rows } = await tx.query<{ blob_nid: number; store_key: string }>({
    name: 'put-blob',
    text: `INSERT INTO media.blobs (sha256, store_key, bytes, crc32) VALUES ($1, $2, $3, $4)
      ON CONFLICT (sha256) DO UPDATE SET refs = blobs.refs + 1, crc32 = coalesce(blobs.crc32, excluded.crc32)
      RETURNING blob_nid, store_key`,
    values: [sha256, key, bytes, crc32 ?? null],
  });
  const blob = rows[0]!;
  if (blob.store_key !== key) await loosenKey(tx, key);
  return blob.blob_nid;
}

/** Leaves a key, claimed in this transaction, to the sweeper. */
export async function loosenKey(tx: Transaction, key: string): Promise<void> {
  await tx.query({
    name: 'loosen-key',
    text: 'INSERT INTO media.loose_keys (store_key, due_at) VALUES ($1, now())',
    values: [key],
  });
}

/** Counts a file for its user and their server. @throws Refused when it is too much for one of them */
export async function countUsage(tx: Transaction, file: NewFile, quotas: Quotas): Promise<void> {
  const { userId, serverName, bytes } = file;
  if (!(await addUsage(tx, userId, bytes, quotas.user))) throw new Refused('over the quota of the user');
  if (!(await addUsage(tx, serverName, bytes, quotas.server))) throw new Refused('over the quota of the server');
}

async function addUsage(tx: Transaction, owner: string, bytes: number, quota: number | undefined): Promise<boolean> {
  const { rows } = await tx.query<{ bytes: number }>({
    name: 'add-media-usage',
    text: `INSERT INTO media.usage AS u (owner, bytes, files) VALUES ($1, $2, 1)
      ON CONFLICT (owner) DO UPDATE SET bytes = u.bytes + excluded.bytes, files = u.files + 1 RETURNING bytes`,
    values: [owner, bytes],
  });
  return quota === undefined || rows[0]!.bytes <= quota;
}
