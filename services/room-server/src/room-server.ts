import { setTimeout as pause } from 'node:timers/promises';
import type { Bus } from '@ganglion/bus';
import type { Config } from '@ganglion/config';
import type { RoomDirectory, RoomLog, RoomReads, Rooms } from '@ganglion/contracts/room';
import type { Database } from '@ganglion/database';
import type { Logger } from '@ganglion/telemetry';
import { EventBuilder, type SigningKeys } from './domain/event-builder.js';
import { RoomActors } from './domain/room-actors.js';
import { Publisher } from './publish/publisher.js';
import { Sweeper } from './publish/sweeper.js';
import { RoomDirectoryRpc } from './rpc/room-directory-rpc.js';
import { RoomLogRpc } from './rpc/room-log-rpc.js';
import { RoomReadsRpc } from './rpc/room-reads-rpc.js';
import { RoomsRpc } from './rpc/rooms-rpc.js';
import { DirectoryStore } from './storage/directory-store.js';
import { EventLog } from './storage/event-log.js';
import { GroupCommitter } from './storage/group-committer.js';
import { Numbers } from './storage/numbers.js';
import { PostgresRoomCreator } from './storage/room-creator.js';
import { PostgresRoomStore } from './storage/room-store.js';
import { StateReader } from './storage/state-reader.js';

export interface RoomServerDependencies {
  readonly config: Config;
  readonly db: Database;
  readonly bus: Bus;
  readonly logger: Logger;
  /** Of every server name that is ours. */
  readonly signingKeys: SigningKeys;
}

/** The truth of every room: what it offers to other services, in this process or over gRPC. */
export interface RoomServer {
  readonly rooms: Rooms;
  readonly roomReads: RoomReads;
  readonly roomDirectory: RoomDirectory;
  readonly roomLog: RoomLog;
  start(): void;
  stop(): Promise<void>;
}

/** Puts one room-server together. Any number may run on one database. */
export function createRoomServer({ config, db, bus, logger, signingKeys }: RoomServerDependencies): RoomServer {
  const store = new PostgresRoomStore(db);
  const numbers = new Numbers(db);
  const committer = new GroupCommitter(db);
  const listener = new Publisher(bus, committer, logger);
  const builder = new EventBuilder(store, signingKeys);
  const actors = new RoomActors({ store, committer, builder, numbers, listener, pause }, config.rooms.max_loaded);
  const creation = { builder, numbers, creator: new PostgresRoomCreator(db), listener };
  const states = new StateReader(db);
  const log = new EventLog(db);
  const directory = new DirectoryStore(db);
  const sweeper = new Sweeper(db, bus, log, committer, logger);
  return {
    rooms: new RoomsRpc(actors, store, creation, signingKeys, directory),
    roomReads: new RoomReadsRpc(states, store),
    roomDirectory: new RoomDirectoryRpc(db, directory, store, states, actors),
    roomLog: new RoomLogRpc(log, states),
    start: () => sweeper.start(),
    stop: () => sweeper.stop(),
  };
}
