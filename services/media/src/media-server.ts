import type { Config } from '@ganglion/config';
import type { Database } from '@ganglion/database';
import { Periodically } from '@ganglion/service';
import type { Logger } from '@ganglion/telemetry';
import type { Provider } from '@nestjs/common';
import { Arrivals } from './domain/arrivals.js';
import { Downloads } from './domain/downloads.js';
import { Intake } from './domain/intake.js';
import type { ByteStore } from './domain/ports/byte-store.js';
import { Sweeper } from './domain/sweeper.js';
import { Thumbnails } from './domain/thumbnails.js';
import { type UploadPolicy, Uploads } from './domain/uploads.js';
import { FileAnswers } from './http/file-answers.js';
import { SETTINGS, type Settings } from './http/settings.js';
import { type PoolOptions, WorkerPool } from './images/worker-pool.js';
import { PostgresFileStore } from './storage/file-store.js';
import { FolderStore } from './storage/folder-store.js';
import { PostgresLooseKeys } from './storage/loose-key-store.js';
import { PostgresThumbnailStore } from './storage/thumbnail-store.js';

export interface MediaServerDependencies {
  readonly config: Config;
  readonly db: Database;
  readonly logger: Logger;
  /** In the place of what the configuration says. */
  readonly bytes?: ByteStore;
  readonly sweepEveryMs?: number;
}

/** A media server: what its HTTP side is made of, and the work that it does by itself. */
export interface MediaServer {
  /** For mediaModule. */
  readonly providers: readonly Provider[];
  start(): void;
  stop(): Promise<void>;
}

const SWEEP_EVERY_MS = 10_000;

/** Puts one media server together. Any number may run on one database and one byte store. */
export function createMediaServer({ config, db, logger, ...others }: MediaServerDependencies): MediaServer {
  const { media } = config;
  const bytes = others.bytes ?? new FolderStore(media.folder_dir);
  const files = new PostgresFileStore(db);
  const loose = new PostgresLooseKeys(db);
  const arrivals = new Arrivals(files);
  const sweeper = new Sweeper(bytes, loose, files);
  const { sweepEveryMs = SWEEP_EVERY_MS } = others;
  const sweeping = new Periodically('removing files that are no more', sweepEveryMs, () => sweeper.sweep(), logger);
  const settings = settingsOf(media);
  const intake = new Intake(bytes, loose);
  const uploads = new Uploads(files, intake, policyOf(media));
  const pool = new WorkerPool(poolOptionsOf(media));
  const { max_source_bytes: maxSourceBytes } = media.thumbnails;
  const thumbnails = new Thumbnails(new PostgresThumbnailStore(db), pool, bytes, intake, { maxSourceBytes });
  return {
    providers: [
      { provide: Uploads, useValue: uploads },
      { provide: FileAnswers, useValue: new FileAnswers(new Downloads(files, arrivals), thumbnails, bytes, settings) },
      { provide: SETTINGS, useValue: settings },
    ],
    start: () => sweeping.start(),
    async stop() {
      arrivals.stop();
      pool.stop();
      await sweeping.stop();
    },
  };
}

function settingsOf(media: Config['media']): Settings {
  return {
    maxUploadBytes: media.max_upload_bytes,
    uploadIdleMs: media.upload_idle_ms,
    answersAnybody: media.unauthenticated_downloads !== 'off',
  };
}

function policyOf(media: Config['media']): UploadPolicy {
  return {
    maxBytes: media.max_upload_bytes,
    quotas: { user: media.user_quota_bytes, server: media.server_quota_bytes },
    allowedTypes: media.allowed_types,
    refusedTypes: media.refused_types,
    unusedLifetimeMs: media.unused_lifetime_ms,
    maxPending: media.max_pending_uploads,
    openToAnybody: media.unauthenticated_downloads === 'open',
  };
}

function poolOptionsOf({ thumbnails }: Config['media']): PoolOptions {
  return {
    processes: thumbnails.processes,
    maxPixels: thumbnails.max_pixels,
    maxMemoryBytes: thumbnails.max_memory_bytes,
    timeoutMs: thumbnails.timeout_ms,
  };
}
