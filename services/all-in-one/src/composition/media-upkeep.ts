import type { Config } from '@ganglion/config';
import type { Database } from '@ganglion/database';
import { type Discrepancy, type Moved, moveMedia, verifyMedia } from '@ganglion/media';
import { openDatabase } from './foundation.js';

/** Compares files with what is known of them; how many were looked at. */
export function verifyMediaOf(config: Config, report: (line: string) => void): Promise<number> {
  return withDatabase(config, (db) => verifyMedia(config, db, (found) => report(lineOf(found))));
}

/** Moves files from the previous store of the configuration; undefined when there is none. */
export function moveMediaOf(config: Config): Promise<Moved | undefined> {
  return withDatabase(config, (db) => moveMedia(config, db));
}

function lineOf(found: Discrepancy): string {
  return found.kind === 'unknown' ? `unknown ${found.key}: ${found.bytes} bytes` : `${found.kind} ${found.key}`;
}

async function withDatabase<T>(config: Config, work: (db: Database) => Promise<T>): Promise<T> {
  const db = await openDatabase(config, 'media upkeep');
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}
