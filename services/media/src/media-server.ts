import type { Config } from '@ganglion/config';
import type { RoomLog, RoomSummaries } from '@ganglion/contracts/room';
import type { Users } from '@ganglion/contracts/user';
import type { Database } from '@ganglion/database';
import { FederationGuard, RequestAuthentication } from '@ganglion/federation';
import { Periodically } from '@ganglion/service';
import type { Logger } from '@ganglion/telemetry';
import type { Provider } from '@nestjs/common';
import { Accesses } from './domain/accesses.js';
import { Arrivals } from './domain/arrivals.js';
import { Downloads } from './domain/downloads.js';
import { Intake } from './domain/intake.js';
import { Judgement } from './domain/judgement.js';
import { Moderation } from './domain/moderation.js';
import type { ByteStore } from './domain/ports/byte-store.js';
import type { FileName } from './domain/ports/file-store.js';
import type { RemoteSource } from './domain/ports/remote-source.js';
import { Preparation } from './domain/preparation.js';
import { Previews } from './domain/previews/previews.js';
import { RemoteFiles } from './domain/remote/remote-files.js';
import { Retention } from './domain/retention.js';
import { Sweeper } from './domain/sweeper.js';
import { Thumbnails } from './domain/thumbnails.js';
import { Uploads } from './domain/uploads.js';
import { FileAnswers } from './http/file-answers.js';
import { SETTINGS } from './http/settings.js';
import { WorkerPool } from './images/worker-pool.js';
import { poolOptionsOf, previewPolicyOf, retentionOf, settingsOf, uploadPolicyOf, webSettingsOf } from './policies.js';
import { OutgoingWebSource } from './previews/web-source.js';
import { scannerOf } from './scanner/scanners.js';
import { PostgresFileStore } from './storage/file-store.js';
import { PostgresLooseKeys } from './storage/loose-key-store.js';
import { PostgresModerationStore } from './storage/moderation-store.js';
import { PostgresPreviewStore } from './storage/preview-store.js';
import { PostgresThumbnailStore } from './storage/thumbnail-store.js';
import { ProfileAvatars } from './surroundings/profile-avatars.js';
import { LoggedRoomFiles } from './surroundings/room-files.js';

export interface MediaServerDependencies {
  readonly config: Config;
  readonly db: Database;
  readonly logger: Logger;
  readonly users: Users;
  readonly roomLog: RoomLog;
  readonly roomSummaries: Pick<RoomSummaries, 'listRoomAvatars'>;
  /** Where files of other servers come from. */
  readonly remoteSource: RemoteSource;
  /** Who finds out which server asks. */
  readonly authentication: RequestAuthentication;
  /** Where files are; closed when the server stops. */
  readonly bytes: ByteStore;
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
/** What is written of downloads is as old as this at most, and retention works as seldom as this. */
const SETTLE_EVERY_SWEEPS = 6;

/** Puts one media server together. Any number may run on one database and one byte store. */
export function createMediaServer({ config, db, logger, bytes, ...others }: MediaServerDependencies): MediaServer {
  const { media } = config;
  const localNames = config.server_names.map(({ name }) => name);
  const files = new PostgresFileStore(db);
  const loose = new PostgresLooseKeys(db);
  const moderated = new PostgresModerationStore(db);
  const arrivals = new Arrivals(files);
  const accesses = new Accesses(moderated);
  const scanner = scannerOf(media);
  const judgement = scanner && new Judgement(scanner, { whenUnavailable: media.scanner?.when_unavailable ?? 'refuse' });
  const intake = new Intake(bytes, loose, judgement);
  const pool = new WorkerPool(poolOptionsOf(media));
  const { max_source_bytes: maxSourceBytes } = media.thumbnails;
  const thumbnails = new Thumbnails(new PostgresThumbnailStore(db), pool, bytes, new Intake(bytes, loose), {
    maxSourceBytes,
    localNames,
  });
  const maxBytes = media.max_remote_bytes;
  const judged = judgement !== undefined;
  const remote = new RemoteFiles(others.remoteSource, files, intake, bytes, { maxBytes, localNames, judged });
  const downloads = new Downloads(files, arrivals, accesses, remote);
  const settings = settingsOf(media);
  const damaged = (key: string) => logger.error({ key }, 'a stored file is damaged: run ganglion media verify');
  const users = new ProfileAvatars(others.users);
  const rooms = new LoggedRoomFiles(others.roomLog, others.roomSummaries);
  const moderation = new Moderation(moderated, rooms, users, localNames);
  const sweeper = new Sweeper(bytes, loose, files);
  const kept = new PostgresPreviewStore(db);
  const retention = new Retention(moderation, moderated, users, localNames, retentionOf(media), kept);
  const web = media.previews.enabled ? new OutgoingWebSource(webSettingsOf(media)) : undefined;
  const previews = web && new Previews(kept, web, intake, bytes, pool, previewPolicyOf(media));
  const preparation = new Preparation(files, thumbnails, (error) =>
    logger.warn({ err: error }, 'the thumbnails of an image were not prepared'),
  );
  const taken = (name: FileName, type: string) => media.thumbnails.prepare && preparation.note(name, type);
  const { sweepEveryMs = SWEEP_EVERY_MS } = others;
  const settleEveryMs = sweepEveryMs * SETTLE_EVERY_SWEEPS;
  const background = [
    new Periodically('removing files that are no more', sweepEveryMs, () => sweeper.sweep(), logger),
    new Periodically('noting which files are used', settleEveryMs, () => accesses.flush(), logger),
    new Periodically('letting old files go', settleEveryMs, () => retention.apply(), logger),
  ];
  return {
    providers: [
      { provide: Uploads, useValue: new Uploads(files, intake, uploadPolicyOf(media), taken) },
      { provide: FileAnswers, useValue: new FileAnswers(downloads, thumbnails, bytes, settings, damaged) },
      { provide: Moderation, useValue: moderation },
      ...(previews ? [{ provide: Previews, useValue: previews }] : []),
      { provide: SETTINGS, useValue: settings },
      FederationGuard,
      { provide: RequestAuthentication, useValue: others.authentication },
    ],
    start() {
      for (const work of background) work.start();
    },
    async stop() {
      arrivals.stop();
      pool.stop();
      await preparation.stop();
      await Promise.all(background.map((work) => work.stop()));
      await accesses.flush();
      await bytes.close?.();
      await web?.close();
    },
  };
}
