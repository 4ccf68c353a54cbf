import type { Database } from './database.js';
import { UNLIMITED } from './transaction.js';

/** Serialises every change of structure in this database, whichever service makes it. */
export const STRUCTURE_LOCK = 'SELECT pg_advisory_xact_lock(7021836540238617191)';

const DDL = `
CREATE SCHEMA IF NOT EXISTS ganglion_meta;
CREATE TABLE IF NOT EXISTS ganglion_meta.schema_versions (
  schema text PRIMARY KEY,
  version integer NOT NULL,
  oldest_compatible integer NOT NULL,
  migrated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS ganglion_meta.schema_history (
  schema text NOT NULL,
  version integer NOT NULL,
  name text NOT NULL,
  milliseconds integer NOT NULL,
  migrated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (schema, version)
);
CREATE TABLE IF NOT EXISTS ganglion_meta.leases (
  name text PRIMARY KEY,
  holder text NOT NULL,
  epoch bigint NOT NULL,
  expires_at timestamptz NOT NULL,
  -- Makes a change of epoch, unlike a renewal, wait for those who hold the row with FOR KEY SHARE.
  UNIQUE (name, epoch)
);
-- The connection of who has it in that epoch: where it is gone, so is the holder.
ALTER TABLE ganglion_meta.leases
  ADD COLUMN IF NOT EXISTS session_epoch bigint,
  ADD COLUMN IF NOT EXISTS session_pid integer,
  ADD COLUMN IF NOT EXISTS session_started timestamptz;`;

const IS_THERE = `
  SELECT EXISTS (
    SELECT FROM pg_attribute
    WHERE attrelid = to_regclass('ganglion_meta.leases') AND attname = 'session_started' AND NOT attisdropped) AS there`;

/** Creates the tables that the house keeps about itself, unless they are there. */
export async function ensureMeta(db: Database): Promise<void> {
  const { rows } = await db.query<{ there: boolean }>({ text: IS_THERE });
  if (rows[0]?.there) return;
  await db.transaction(async (tx) => {
    await tx.query({ text: STRUCTURE_LOCK });
    await tx.query({ text: DDL });
  }, UNLIMITED);
}
