import { createHash } from 'node:crypto';
import type { ByteInventory, ExpectedBytes } from '../ports/byte-inventory.js';
import { type ByteStore, BytesMissingError } from '../ports/byte-store.js';

/** What is wrong between what is known and what is stored. */
export type Discrepancy =
  | { readonly kind: 'missing' | 'damaged'; readonly key: string }
  /** Stored, and nothing stands for it. */
  | { readonly kind: 'unknown'; readonly key: string; readonly bytes: number };

const AT_ONCE = 200;

/**
 * Compares what is known of bytes with the bytes themselves, every one of them. It may run while the service does: what comes
 * and goes meanwhile is looked at once more before anything is said of it.
 *
 * @returns how many were looked at
 */
export async function verify(
  inventory: ByteInventory,
  store: ByteStore,
  report: (found: Discrepancy) => void,
): Promise<number> {
  let count = 0;
  for (let after = ''; ; ) {
    const page = await inventory.expected(after, AT_ONCE);
    for (const each of page) {
      const kind = await faultOf(each, store);
      // It may have been removed since it was listed.
      if (kind && (await inventory.has(each.key))) report({ kind, key: each.key });
      count++;
    }
    const last = page.at(-1);
    if (last === undefined) break;
    after = last.key;
  }
  await reportUnknown(inventory, store, report);
  return count;
}

async function faultOf(
  { key, sha256, bytes }: ExpectedBytes,
  store: ByteStore,
): Promise<'missing' | 'damaged' | undefined> {
  try {
    const hash = createHash('sha256');
    let length = 0;
    for await (const chunk of await store.get(key)) {
      hash.update(chunk as Buffer);
      length += (chunk as Buffer).length;
    }
    return length === bytes && hash.digest().equals(sha256) ? undefined : 'damaged';
  } catch (error) {
    if (error instanceof BytesMissingError) return 'missing';
    throw error;
  }
}

async function reportUnknown(inventory: ByteInventory, store: ByteStore, report: (found: Discrepancy) => void) {
  let page = new Map<string, number>();
  const look = async () => {
    for (const key of await inventory.unknown([...page.keys()]))
      report({ kind: 'unknown', key, bytes: page.get(key) ?? 0 });
    page = new Map();
  };
  for await (const { key, bytes } of store.list()) {
    page.set(key, bytes);
    if (page.size >= AT_ONCE) await look();
  }
  await look();
}
