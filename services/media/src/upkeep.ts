import type { Config } from '@ganglion/config';
import type { Database } from '@ganglion/database';
import type { ByteStore } from './domain/ports/byte-store.js';
import { type Moved, move } from './domain/upkeep/move.js';
import { type Discrepancy, verify } from './domain/upkeep/verify.js';
import { PostgresByteInventory } from './storage/byte-inventory.js';
import { openByteStore, openCurrentStore, openPreviousStore } from './storage/byte-stores.js';

/** Compares what is known of files with what is stored; how many were looked at. */
export async function verifyMedia(config: Config, db: Database, report: (found: Discrepancy) => void): Promise<number> {
  const store = await openByteStore(config.media);
  return closing([store], () => verify(new PostgresByteInventory(db), store, report));
}

/**
 * Moves files from the previous store of the configuration to the current one.
 *
 * @returns undefined when there is no previous store
 */
export async function moveMedia(config: Config, db: Database): Promise<Moved | undefined> {
  const previous = await openPreviousStore(config.media);
  if (previous === undefined) return undefined;
  const current = await openCurrentStore(config.media);
  return closing([previous, current], () => move(new PostgresByteInventory(db), previous, current));
}

async function closing<T>(stores: readonly ByteStore[], work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    for (const store of stores) await store.close?.();
  }
}
