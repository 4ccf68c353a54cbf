import type { Bus } from '@ganglion/bus';
import type { Config } from '@ganglion/config';
import type { RemoteQueries } from '@ganglion/contracts/federation';
import type { KeyCounts, KeyLog, KeysForServers } from '@ganglion/contracts/keys';
import type { RoomIntake } from '@ganglion/contracts/room';
import type { Devices, InteractiveAuth } from '@ganglion/contracts/user';
import { type Database, markAnew } from '@ganglion/database';
import { ready } from '@ganglion/protocol';
import { OutboxPublisher, Periodically } from '@ganglion/service';
import type { Logger } from '@ganglion/telemetry';
import { DeviceLogFollower } from './consumers/device-log-follower.js';
import { RevocationListener } from './consumers/revocation-listener.js';
import { Backups } from './domain/backups.js';
import { CrossSigning } from './domain/cross-signing.js';
import { DehydratedDevices } from './domain/dehydrated-devices.js';
import { EndedDevices } from './domain/ended-devices.js';
import { KeyClaims } from './domain/key-claims.js';
import { KeyQueries } from './domain/key-queries.js';
import { KeyUploads } from './domain/key-uploads.js';
import { LocalUsers } from './domain/local-users.js';
import { RemoteDeviceLists } from './domain/remote-lists.js';
import { SignatureUploads } from './domain/signature-uploads.js';
import { Announcer } from './publish/announcer.js';
import { keyOutbox } from './publish/key-outbox.js';
import { FederatedServers } from './remote/federated-servers.js';
import { RoomServerSharing } from './remote/room-server-sharing.js';
import { UserServerAuth } from './remote/user-server-auth.js';
import { KeyCountsService } from './rpc/key-counts.js';
import { KeyLogService } from './rpc/key-log.js';
import { KeysForServersRpc } from './rpc/keys-for-servers.js';
import { PostgresBackupStore } from './storage/backup-store.js';
import { CursorStore } from './storage/cursor-store.js';
import { KEY_MARKS, KeyLogStore } from './storage/key-log-store.js';
import { PostgresKeyStore } from './storage/key-store.js';
import { PostgresOneTimeKeyStore } from './storage/one-time-key-store.js';
import { KeyOutboxStore } from './storage/outbox-store.js';
import { PostgresRemoteListStore } from './storage/remote-list-store.js';

export interface KeyServerDependencies {
  readonly config: Config;
  readonly db: Database;
  readonly bus: Bus;
  readonly logger: Logger;
  readonly devices: Devices;
  readonly interactiveAuth: InteractiveAuth;
  readonly roomIntake: Pick<RoomIntake, 'listSharingUsers'>;
  readonly remoteQueries: Pick<RemoteQueries, 'queryUserKeys' | 'claimUserKeys'>;
}

/** A key server: what its HTTP side is made of, and what it offers the other services. */
export interface KeyServer {
  readonly uploads: KeyUploads;
  readonly queries: KeyQueries;
  readonly claims: KeyClaims;
  readonly crossSigning: CrossSigning;
  readonly signatures: SignatureUploads;
  readonly backups: Backups;
  readonly endedDevices: EndedDevices;
  readonly dehydratedDevices: DehydratedDevices;
  readonly keyCounts: KeyCounts;
  readonly keyLog: KeyLog;
  readonly keysForServers: KeysForServers;
  /** Begins the work in the background. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

const SWEEP_EVERY_MS = 1_000;
const LOOK_EVERY_MS = 3_000;
const FORGET_EVERY_MS = 60 * 60_000;
/** By then no device sends again what was given out. */
const REMEMBER_CLAIMED_MS = 7 * 24 * 60 * 60_000;
/** By then other servers were told, or have missed more than that. */
const REMEMBER_REMOVED_MS = 90 * 24 * 60 * 60_000;

/** Puts one key server together. Any number may run on one database. */
export function createKeyServer(deps: KeyServerDependencies): KeyServer {
  const { config, db, bus, logger, devices } = deps;
  const local = new LocalUsers(config.server_names.map(({ name }) => name));
  const keys = new PostgresKeyStore(db);
  const oneTimeKeys = new PostgresOneTimeKeyStore(db);
  const publisher = new OutboxPublisher(keyOutbox(new KeyOutboxStore(db), bus), bus, logger);
  const announcements = new Announcer(bus, publisher);
  const servers = new FederatedServers(deps.remoteQueries);
  const lists = new PostgresRemoteListStore(db);
  const rooms = new RoomServerSharing(deps.roomIntake);
  const endedDevices = new EndedDevices(keys, devices, announcements);
  const revocations = new RevocationListener(bus, endedDevices, logger);
  const deviceLog = new DeviceLogFollower(devices, endedDevices, new CursorStore(db), logger);
  const log = new KeyLogStore(db);
  const forget = async () => {
    await oneTimeKeys.forgetClaimed(REMEMBER_CLAIMED_MS);
    await log.forgetRemoved(REMEMBER_REMOVED_MS);
  };
  const background = [
    new Periodically('forgetting claimed keys and ended devices', FORGET_EVERY_MS, forget, logger),
    new Periodically('publishing what was left behind', SWEEP_EVERY_MS, () => publisher.sweep(), logger),
    new Periodically('looking for ended devices', LOOK_EVERY_MS, () => deviceLog.look(), logger),
  ];
  const uploads = new KeyUploads(keys, oneTimeKeys, devices, announcements, endedDevices);
  const remoteLists = new RemoteDeviceLists({ store: lists, servers, rooms, logger });
  const queries = new KeyQueries(keys, local, remoteLists);
  const claims = new KeyClaims({ store: oneTimeKeys, local, servers, keys, lists, announcements });
  return {
    uploads,
    dehydratedDevices: new DehydratedDevices(keys, uploads, devices, endedDevices),
    queries,
    claims,
    crossSigning: new CrossSigning(keys, new UserServerAuth(deps.interactiveAuth), announcements),
    signatures: new SignatureUploads(keys, announcements, local, remoteLists),
    backups: new Backups(new PostgresBackupStore(db)),
    endedDevices,
    keyCounts: new KeyCountsService(oneTimeKeys),
    keyLog: new KeyLogService(log),
    keysForServers: new KeysForServersRpc(queries, claims, local, log, keys, announcements, rooms, lists),
    async start() {
      await ready();
      await markAnew(db, KEY_MARKS);
      await revocations.start();
      for (const work of background) work.start();
    },
    async stop() {
      remoteLists.stop();
      await Promise.all([...background.map((work) => work.stop()), revocations.stop()]);
      await publisher.drained();
    },
  };
}
