import { randomUUID } from 'node:crypto';
import { type Bus, jsonCodec, type Topic } from '@ganglion/bus';
import type { Config } from '@ganglion/config';
import { ANNOUNCEMENTS } from '@ganglion/contracts';
import type { RoomLog } from '@ganglion/contracts/room';
import type { AccountData, UserLog, Users } from '@ganglion/contracts/user';
import { type Database, Lease } from '@ganglion/database';
import type { Logger, Metrics } from '@ganglion/telemetry';
import { AppenderService } from './consumers/appender-service.js';
import { RECEIPTS, TYPING } from './consumers/ephemeral-intake.js';
import { EphemeralReader } from './domain/answer/ephemeral-reader.js';
import { Filters } from './domain/answer/filters.js';
import { SentMembers } from './domain/answer/lazy-members.js';
import { SyncService } from './domain/answer/sync-service.js';
import { Backlog } from './domain/append/backlog.js';
import type { AppendBatch } from './domain/append-batch.js';
import { FullyReadMarkers } from './domain/ephemeral/fully-read.js';
import { JoinedRooms } from './domain/ephemeral/joined-rooms.js';
import { Receipts } from './domain/ephemeral/receipts.js';
import { Typing } from './domain/ephemeral/typing.js';
import { Announcements } from './domain/feed/announcements.js';
import { Deliveries } from './domain/feed/deliveries.js';
import { type FeedSource, LiveFeed } from './domain/feed/live-feed.js';
import { RoomHistory } from './domain/history/room-history.js';
import { UnreadCounts } from './domain/unread/unread-counts.js';
import { RoomViews } from './domain/views/room-views.js';
import { UserViews } from './domain/views/user-views.js';
import { AppendStore } from './storage/append-store.js';
import { ReadStore } from './storage/read-store.js';
import { ReceiptStore } from './storage/receipt-store.js';

export interface SyncServerDependencies {
  readonly config: Config;
  readonly db: Database;
  readonly bus: Bus;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly roomLog: RoomLog;
  readonly userLog: UserLog;
  readonly users: Users;
  readonly accountData: AccountData;
}

export interface SyncServer {
  readonly service: SyncService;
  readonly history: RoomHistory;
  readonly receipts: Receipts;
  readonly typing: Typing;
  readonly filters: Filters;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** A batch as it was appended. Replicas trust each other, and a batch that does not follow is read from the database. */
const APPENDED: Topic<AppendBatch> = { name: 'sync-appended', codec: jsonCodec((input) => input as AppendBatch) };

/** A broadcast has to fit into one message; a replica reads a larger batch from the database. */
const MAX_BROADCAST_CHARACTERS = 400_000;

/** Puts one sync replica together: a candidate for the appender, and a reader. */
export function createSyncServer(deps: SyncServerDependencies): SyncServer {
  const { config, db, bus } = deps;
  const model = new ReadStore(db);
  const receipts = new ReceiptStore(db);
  const users = new UserViews(model, receipts);
  const rooms = new RoomViews(model, config.sync.max_cached_rooms, config.sync.recent_events_per_room);
  const ephemeral = new EphemeralReader(receipts, users.receipts);
  const unread = new UnreadCounts(model);
  const appendModel = new AppendStore(db);
  const backlog = new Backlog(appendModel, deps.roomLog, deps.userLog);
  const announcements = new Announcements({
    get heard() {
      return bus.connected;
    },
    async unread() {
      const unread = await backlog.read();
      await feed.reach(await model.position());
      return unread;
    },
  });
  const deliveries = new Deliveries();
  const waiting = deps.metrics.gauge({
    name: 'ganglion_sync_waiting_requests',
    help: 'Requests for /sync that wait for something to happen.',
  });
  const alone = config.bus.kind === 'embedded';
  const feed = new LiveFeed(
    feedSource(bus, deliveries),
    model,
    rooms,
    users,
    announcements,
    alone ? Infinity : undefined,
  );
  const joined = new JoinedRooms(users, announcements);
  const fullyRead = new FullyReadMarkers(deps.accountData, model);
  const announce = () => bus.broadcast(RECEIPTS, {});
  const lease = new Lease(db, { name: 'sync.appender', holder: randomUUID() });
  const appended = (batch: AppendBatch) => bus.broadcast(APPENDED, fitting(batch));
  const appender = new AppenderService({ ...deps, model: appendModel, receipts, lease, appended });
  const limits = { defaultLimit: config.sync.default_timeline_limit, maximumLimit: config.sync.max_timeline_limit };
  return {
    service: new SyncService({
      ...{ feed, model, rooms, users, announcements, ephemeral, unread, deliveries },
      ...{ sent: new SentMembers(), roomLog: deps.roomLog, waiting },
    }),
    history: new RoomHistory({ feed, model, rooms, users, announcements }),
    receipts: new Receipts({ feed, model, receipts, joined, announcements, fullyRead, announce }),
    typing: new Typing(feed, joined, (note) => bus.broadcast(TYPING, note)),
    filters: new Filters(deps.users, limits),
    async start() {
      appender.start();
      if (alone) await feed.use(async () => {});
    },
    async stop() {
      await appender.stop();
      await feed.stop();
    },
  };
}

function feedSource(bus: Bus, deliveries: Deliveries): FeedSource {
  return {
    get connected() {
      return bus.connected;
    },
    async listen(onBatch, onAnnouncement) {
      const subscriptions = await Promise.all([
        bus.listen(APPENDED, (batch) => {
          deliveries.note(batch);
          onBatch(batch);
        }),
        bus.listen(ANNOUNCEMENTS, ({ id, seq }) => onAnnouncement(id, seq)),
      ]);
      return async () => {
        await Promise.all(subscriptions.map((subscription) => subscription.stop()));
      };
    },
    onReset: (listener) => bus.onReset(listener),
  };
}

/** The batch, or without its rows when it is too large to broadcast. */
function fitting(batch: AppendBatch): AppendBatch {
  const size = batch.events.reduce((sum, { json, fixedUnsigned }) => sum + json.length + fixedUnsigned.length + 300, 0);
  const content = batch.accountData.reduce((sum, row) => sum + row.content.length + 300, 0);
  const typists = batch.typing.reduce((sum, { typing }) => sum + typing.length + 1, 0);
  const ephemeral = (batch.receipts.length + typists) * 500;
  if (size + content + ephemeral <= MAX_BROADCAST_CHARACTERS) return batch;
  const nothing = { rooms: [], events: [], stateLog: [], redactions: [], accountData: [], userSeqs: [] };
  return { ...batch, ...nothing, receipts: [], typing: [] };
}
