import { setTimeout as pause } from 'node:timers/promises';
import type { Bus } from '@ganglion/bus';
import type { Config } from '@ganglion/config';
import type {
  DelayedEvents,
  RoomBlocks,
  RoomDirectory,
  RoomFederation,
  RoomIntake,
  RoomLog,
  RoomPurges,
  RoomReads,
  RoomSummaries,
  Rooms,
  SendEventRequest,
} from '@ganglion/contracts/room';
import { type Database, markAnew } from '@ganglion/database';
import { OutboxSweeper, Periodically } from '@ganglion/service';
import type { Logger, Metrics } from '@ganglion/telemetry';
import type { AccountStatuses } from './domain/delayed/check-sender.js';
import { EventBuilder, type SigningKeys } from './domain/event-builder.js';
import { ErasedUsers, type ErasureSource } from './domain/federation/erased-users.js';
import { StatesForServers } from './domain/federation/states-for-servers.js';
import { EventGraph } from './domain/graph/event-graph.js';
import type { PolicyAsker } from './domain/ports/policy-asker.js';
import type { PurgeStore } from './domain/ports/purge-store.js';
import { Purger } from './domain/purging/purger.js';
import { Retention } from './domain/purging/retention.js';
import { RoomActors } from './domain/room-actors.js';
import { States } from './domain/state/states.js';
import { CommitCounts } from './publish/commit-counts.js';
import { DelayedSender } from './publish/delayed-sender.js';
import { Publisher } from './publish/publisher.js';
import { roomOutbox } from './publish/room-outbox.js';
import { DelayedEventsRpc } from './rpc/delayed-events-rpc.js';
import { RoomBlocksRpc } from './rpc/room-blocks-rpc.js';
import { RoomDirectoryRpc } from './rpc/room-directory-rpc.js';
import { RoomFederationRpc } from './rpc/room-federation-rpc.js';
import { RoomIntakeRpc } from './rpc/room-intake-rpc.js';
import { RoomLogRpc } from './rpc/room-log-rpc.js';
import { RoomPurgesRpc } from './rpc/room-purges-rpc.js';
import { RoomReadsRpc } from './rpc/room-reads-rpc.js';
import { RoomSummariesRpc } from './rpc/room-summaries-rpc.js';
import { RoomsRpc } from './rpc/rooms-rpc.js';
import { DelayedEventStore } from './storage/delayed-event-store.js';
import { DirectoryStore } from './storage/directory-store.js';
import { EventLog } from './storage/event-log.js';
import { PostgresFederationRows } from './storage/federation-rows.js';
import { PostgresGraphRows } from './storage/graph-rows.js';
import { GroupCommitter } from './storage/group-committer.js';
import { PostgresIntakeStore } from './storage/intake-store.js';
import { MemberSearchRows } from './storage/member-search.js';
import { Numbers } from './storage/numbers.js';
import { RoomOutboxStore } from './storage/outbox-store.js';
import { PostgresOutlierRows } from './storage/outlier-rows.js';
import { pruneTransactions } from './storage/prune-transactions.js';
import { PostgresPurgeStore } from './storage/purge-store.js';
import { PostgresRoomBlocks } from './storage/room-blocks.js';
import { PostgresRoomCreator } from './storage/room-creator.js';
import { PostgresRoomStore } from './storage/room-store.js';
import { RoomSummaryRows } from './storage/room-summary-rows.js';
import { joinedAmong, serversOf, serversOfRooms, sharingUsers } from './storage/sharing-users.js';
import { StateJumps } from './storage/state-jumps.js';
import { StateReader } from './storage/state-reader.js';
import { PostgresStateRows } from './storage/state-rows.js';

export interface RoomServerDependencies {
  readonly config: Config;
  readonly db: Database;
  readonly bus: Bus;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Of every server name that is ours. */
  readonly signingKeys: SigningKeys;
  /** Who asks the policy servers of rooms. */
  readonly policy?: PolicyAsker;
  /** Whether who has asked for something before may still do it, and who was erased. */
  readonly accounts: AccountStatuses & ErasureSource;
}

/** The truth of every room: what it offers to other services, in this process or over gRPC. */
export interface RoomServer {
  readonly rooms: Rooms;
  readonly roomReads: RoomReads;
  readonly roomDirectory: RoomDirectory;
  readonly roomLog: RoomLog;
  readonly roomIntake: RoomIntake;
  readonly roomFederation: RoomFederation;
  readonly roomSummaries: RoomSummaries;
  readonly roomPurges: RoomPurges;
  readonly roomBlocks: RoomBlocks;
  readonly delayedEvents: DelayedEvents;
  start(): void;
  stop(): Promise<void>;
}

const SWEEP_EVERY_MS = 1_000;
const PRUNE_EVERY_MS = 10 * 60_000;
/** What an operator asks for begins within this time. */
const LOOK_FOR_PURGES_EVERY_MS = 5_000;

function retentionOf({ rooms: { retention } }: Config, store: PurgeStore): Retention | undefined {
  if (!retention.enabled) return undefined;
  const { default_ms: defaultMs, least_ms: leastMs, most_ms: mostMs } = retention;
  return new Retention(store, { defaultMs, leastMs, mostMs }, () => Date.now());
}

/** Puts one room-server together. Any number may run on one database. */
export function createRoomServer(dependencies: RoomServerDependencies): RoomServer {
  const { config, db, bus, logger, metrics, signingKeys, policy, accounts } = dependencies;
  const store = new PostgresRoomStore(db);
  const numbers = new Numbers(db);
  const states = new States(new PostgresStateRows(db));
  const graph = new EventGraph(new PostgresGraphRows(db));
  const committer = new GroupCommitter(db);
  const builder = new EventBuilder(signingKeys);
  const serverNames = [...signingKeys.keys()];
  const listener = new CommitCounts(metrics, serverNames, new Publisher(bus, committer, logger));
  const planning = { store, states, graph, numbers, policy, builder, listener };
  const actors = new RoomActors({ ...planning, committer, serverNames, pause }, config.rooms.max_loaded);
  const creation = { ...planning, creator: new PostgresRoomCreator(db) };
  const reader = new StateReader(db, states);
  const log = new EventLog(db);
  const directory = new DirectoryStore(db);
  const intake = new PostgresIntakeStore(db, numbers);
  const outliers = { graph, numbers, rows: new PostgresOutlierRows(db, numbers) };
  const federation = new PostgresFederationRows(db);
  const outbox = new RoomOutboxStore(db);
  const sweeper = new OutboxSweeper(roomOutbox(outbox, log), bus, logger);
  const forgetPublished = () => outbox.remove(committer.takePublished());
  const purges = new PostgresPurgeStore(db, serverNames);
  const purger = new Purger(purges, retentionOf(config, purges));
  const background = [
    new Periodically('publishing what was left behind', SWEEP_EVERY_MS, () => sweeper.sweep(), logger),
    new Periodically('emptying the outbox', SWEEP_EVERY_MS, forgetPublished, logger),
    new Periodically('forgetting old transactions', PRUNE_EVERY_MS, () => pruneTransactions(db), logger),
    new Periodically('purging', LOOK_FOR_PURGES_EVERY_MS, () => purger.work(), logger),
    new Periodically('letting old messages go', config.rooms.retention.every_ms, () => purger.retain(), logger),
  ];
  const erased = new ErasedUsers(accounts);
  const rooms = new RoomsRpc(actors, store, creation, serverNames, directory);
  const delaying = {
    model: new DelayedEventStore(db),
    accounts,
    send: (request: SendEventRequest) => rooms.sendEvent(request),
  };
  const delayedSender = new DelayedSender({ ...delaying, logger });
  return {
    rooms,
    delayedEvents: new DelayedEventsRpc({
      ...{ ...delaying, limits: config.rooms.delayed_events, note: (inMs) => delayedSender.note(inMs) },
    }),
    roomReads: new RoomReadsRpc(reader, store, serverNames, erased),
    roomDirectory: new RoomDirectoryRpc(db, directory, store, intake, reader, actors),
    roomLog: new RoomLogRpc(log, reader, new StateJumps(db, states, store)),
    roomIntake: new RoomIntakeRpc(actors, store, intake, outliers, federation, serverNames, {
      sharingUsers: (users) => sharingUsers(db, users),
      serversOf: (userId, but) => serversOf(db, userId, but),
      serversOfRooms: (roomIds) => serversOfRooms(db, roomIds),
      joinedAmong: (users) => joinedAmong(db, users),
    }),
    roomFederation: new RoomFederationRpc({
      ...{ actors, store, intake, rows: federation, graph, states, builder, serverNames },
      paged: new StatesForServers(federation, graph, states),
      erased,
    }),
    roomPurges: new RoomPurgesRpc(store, purges),
    roomBlocks: new RoomBlocksRpc(new PostgresRoomBlocks(db)),
    roomSummaries: new RoomSummariesRpc(
      ...([new RoomSummaryRows(db), federation, directory, store, new MemberSearchRows(db)] as const),
    ),
    start() {
      // Whatever a restored database holds was committed by transactions with numbers of another one.
      void markAnew(db, { table: 'room_server.rooms', column: 'updated_xid', type: 'bigint' }).catch((error: unknown) =>
        logger.warn({ err: error }, 'rooms of a restored database could not be marked anew'),
      );
      delayedSender.start();
      for (const work of background) work.start();
    },
    async stop() {
      purger.stop();
      await Promise.all([delayedSender.stop(), ...background.map((work) => work.stop())]);
      await forgetPublished();
    },
  };
}
