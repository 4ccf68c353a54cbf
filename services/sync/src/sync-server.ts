import { randomUUID } from 'node:crypto';
import type { Bus } from '@ganglion/bus';
import type { Config } from '@ganglion/config';
import { DEVICE_MESSAGES_LEAVING, isMatrixError, LOCAL_EPHEMERA } from '@ganglion/contracts';
import type { RemoteRooms } from '@ganglion/contracts/federation';
import type { KeyLog } from '@ganglion/contracts/keys';
import type { RoomDirectory, RoomIntake, RoomLog } from '@ganglion/contracts/room';
import type { LeavingDeviceMessages, RemoteEphemeral, RoomTraces } from '@ganglion/contracts/sync';
import type { AccountData, Devices, UserLog, Users } from '@ganglion/contracts/user';
import { type Database, Lease } from '@ganglion/database';
import { Periodically } from '@ganglion/service';
import type { Logger, Metrics } from '@ganglion/telemetry';
import { AppenderService } from './consumers/appender-service.js';
import { DEVICE_MESSAGES } from './consumers/device-message-intake.js';
import { RECEIPTS, TYPING } from './consumers/ephemeral-intake.js';
import { APPENDED, feedSource, type Heard } from './consumers/feed-source.js';
import { RevocationListener } from './consumers/revocation-listener.js';
import { SEARCH_WANTED, SearchIndexing } from './consumers/search-indexing.js';
import { DeviceListReader } from './domain/answer/device-list-reader.js';
import { EphemeralReader } from './domain/answer/ephemeral-reader.js';
import { Filters } from './domain/answer/filters.js';
import { InboxReader } from './domain/answer/inbox-reader.js';
import { SentMembers } from './domain/answer/lazy-members.js';
import { PresenceReader } from './domain/answer/presence-reader.js';
import { SyncService } from './domain/answer/sync-service.js';
import { Backlog } from './domain/append/backlog.js';
import type { AppendBatch } from './domain/append-batch.js';
import { DehydratedInbox } from './domain/devices/dehydrated-inbox.js';
import { DeviceListQueries } from './domain/devices/device-list-queries.js';
import { DeviceMessaging } from './domain/devices/device-messaging.js';
import { EndedInboxes } from './domain/devices/ended-inboxes.js';
import { AwaitedReceipts } from './domain/ephemeral/awaited-receipts.js';
import { FullyReadMarkers } from './domain/ephemeral/fully-read.js';
import { JoinedRooms } from './domain/ephemeral/joined-rooms.js';
import { LeavingEphemera } from './domain/ephemeral/leaving-ephemera.js';
import { Receipts } from './domain/ephemeral/receipts.js';
import { Typing } from './domain/ephemeral/typing.js';
import { TypingCalls } from './domain/ephemeral/typing-calls.js';
import { Announcements } from './domain/feed/announcements.js';
import { broadcastParts } from './domain/feed/broadcast-parts.js';
import { Deliveries } from './domain/feed/deliveries.js';
import { LiveFeed } from './domain/feed/live-feed.js';
import { MembershipHistories } from './domain/history/membership-histories.js';
import { RoomHistory } from './domain/history/room-history.js';
import { RoomRelations } from './domain/history/room-relations.js';
import { OldSync } from './domain/old/old-sync.js';
import { RoomWaits } from './domain/old/room-waits.js';
import { OwnPresence } from './domain/presence/own-presence.js';
import type { PresenceStatus } from './domain/presence/presence.js';
import { PresenceLog } from './domain/presence/presence-log.js';
import { Reports } from './domain/reports.js';
import { Search } from './domain/search/search.js';
import { SearchIndexer } from './domain/search/search-indexer.js';
import { WordsReader } from './domain/search/words-reader.js';
import { EventTexts } from './domain/texts/event-texts.js';
import { ThreadSubscriptions } from './domain/thread-subscriptions.js';
import { Notifications } from './domain/unread/notifications.js';
import { UnreadCounts } from './domain/unread/unread-counts.js';
import { ErasedUsers } from './domain/views/erased-users.js';
import { EventFinder } from './domain/views/event-finder.js';
import { RoomTails } from './domain/views/room-tails.js';
import { RoomViews } from './domain/views/room-views.js';
import { TypingNow } from './domain/views/typing-now.js';
import { UserViews } from './domain/views/user-views.js';
import { FetchedHistory } from './remote/fetched-history.js';
import { LeavingDeviceMessagesRpc } from './rpc/leaving-device-messages.js';
import { RemoteEphemeralRpc } from './rpc/remote-ephemeral.js';
import { RemotePastStates } from './rpc/remote-past-states.js';
import { RoomTracesRpc } from './rpc/room-traces.js';
import { AppendStore } from './storage/append-store.js';
import { DeviceListStore } from './storage/device-list-store.js';
import { DeviceMessageStore } from './storage/device-message-store.js';
import { LeavingMessageStore } from './storage/leaving-message-store.js';
import { PresenceStore } from './storage/presence-store.js';
import { ReadStore } from './storage/read-store.js';
import { ReceiptStore } from './storage/receipt-store.js';
import { RelationStore } from './storage/relation-store.js';
import { ReportStore } from './storage/report-store.js';
import { SearchStore } from './storage/search-store.js';
import { ThreadSubscriptionStore } from './storage/thread-subscription-store.js';
import { WordStore } from './storage/word-store.js';

export interface SyncServerDependencies {
  readonly config: Config;
  readonly db: Database;
  readonly bus: Bus;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly roomLog: RoomLog;
  readonly userLog: UserLog;
  readonly keyLog: KeyLog;
  readonly users: Users;
  readonly accountData: AccountData;
  readonly devices: Pick<Devices, 'listDevicesOf'>;
  readonly roomIntake: Pick<RoomIntake, 'listHistoryGaps'>;
  readonly roomDirectory: Pick<RoomDirectory, 'getVisibility'>;
  readonly remoteRooms: Pick<RemoteRooms, 'fetchHistory' | 'fetchEventNearTime'>;
}

export interface SyncServer {
  readonly service: SyncService;
  readonly oldSync: OldSync;
  readonly history: RoomHistory;
  readonly roomRelations: RoomRelations;
  readonly threadSubscriptions: ThreadSubscriptions;
  readonly search: Search;
  readonly notifications: Notifications;
  readonly reports: Reports;
  readonly receipts: Receipts;
  readonly typing: Typing;
  readonly presence: OwnPresence;
  readonly remoteEphemeral: RemoteEphemeral;
  readonly leavingDeviceMessages: LeavingDeviceMessages;
  readonly roomTraces: RoomTraces;
  readonly deviceMessaging: DeviceMessaging;
  readonly deviceLists: DeviceListQueries;
  readonly dehydratedInbox: DehydratedInbox;
  readonly filters: Filters;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** A broadcast has to fit into one message. */
const MAX_BROADCAST_CHARACTERS = 400_000;

const FORGET_EVERY_MS = 60 * 60_000;
/** By then no device repeats a request. */
const REMEMBER_TRANSACTIONS_MS = 2 * 24 * 60 * 60_000;

/** Puts one sync replica together: a candidate for the appender, and a reader. */
export function createSyncServer(deps: SyncServerDependencies): SyncServer {
  const { config, db, bus } = deps;
  const serverNames = config.server_names.map(({ name }) => name);
  const isLocal = (userId: string) => serverNames.includes(userId.slice(userId.indexOf(':') + 1));
  const model = new ReadStore(db, config.rooms.forget_on_leave);
  const receipts = new ReceiptStore(db);
  const relations = new RelationStore(db);
  const deviceMessages = new DeviceMessageStore(db);
  const deviceLists = new DeviceListStore(db);
  const presenceModel = new PresenceStore(db);
  const presenceLog = new PresenceLog();
  const { enabled: hasPresence } = config.presence;
  const endedInboxes = new EndedInboxes(model, deviceMessages, deps.devices);
  const revocations = new RevocationListener(bus, endedInboxes, deps.logger);
  const deviceListReader = new DeviceListReader(deviceLists);
  const users = new UserViews({ model, receipts, deviceMessages });
  const texts = new EventTexts(deps.roomLog, config.sync.event_cache_bytes);
  const rooms = new RoomViews(model, texts, config.sync.max_cached_rooms, config.sync.recent_events_per_room);
  const tails = new RoomTails(model);
  const erased = new ErasedUsers(model);
  const histories = new MembershipHistories(model);
  const finder = new EventFinder(model, rooms, texts);
  const awaited = new AwaitedReceipts();
  const replica = randomUUID();
  const calls = new TypingCalls({
    get connected() {
      return bus.connected;
    },
    send: (call) => bus.broadcast(TYPING, { replica, ...call }),
  });
  const typing = new TypingNow(
    {
      get connected() {
        return bus.connected;
      },
      ask: () => calls.ask([], true),
      reach: (position) => feed.reach(position),
    },
    (rows) => users.touch(rows),
  );
  const ephemeral = new EphemeralReader(receipts, users.receipts, typing);
  const rules = { threads: config.rooms.thread_subscriptions };
  const threads = new ThreadSubscriptionStore(db);
  const tellingThreads = rules.threads ? threads : undefined;
  const unread = new UnreadCounts(model, texts, tellingThreads);
  const appendModel = new AppendStore(db, serverNames);
  const backlog = new Backlog(appendModel, deps.roomLog, deps.userLog);
  const announcements = new Announcements({
    get heard() {
      return bus.connected;
    },
    async unread() {
      const unread = await backlog.read();
      await feed.reach((await model.head()).position);
      return unread;
    },
  });
  const deliveries = new Deliveries();
  const waiting = deps.metrics.gauge({
    name: 'ganglion_sync_waiting_requests',
    help: 'Requests for /sync that wait for something to happen.',
  });
  const assembling = deps.metrics.histogram({
    name: 'ganglion_sync_assembly_seconds',
    help: 'How long answers to /sync take that tell of something, from when there is something to tell.',
    labels: { of: ['everything', 'news'] },
  });
  const alone = config.bus.kind === 'embedded';
  const waits = new RoomWaits();
  const followers = [
    { begin: () => rooms.clear(), apply: (batch: AppendBatch) => rooms.apply(batch) },
    announcements,
    { begin: () => unread.clear(), apply() {} },
    presenceLog,
    users,
    typing,
    awaited,
    erased,
    histories,
    tails,
    waits,
  ];
  const heard: Heard = {
    batch: (batch) => deliveries.note(batch),
    announcement: (announcement) => announcements.announce(announcement),
    typing: (reply) => calls.answered(reply),
  };
  const feed = new LiveFeed(feedSource(bus, replica, heard), model, followers, alone ? Infinity : undefined);
  const joined = new JoinedRooms(users, announcements);
  const fullyRead = new FullyReadMarkers(deps.accountData, finder);
  const announce = () => bus.broadcast(RECEIPTS, {});
  const lease = new Lease(db, { name: 'sync.appender', holder: randomUUID(), watched: !alone });
  const leaving = new LeavingEphemera((ephemera) => {
    if (config.federation.enabled) bus.broadcast(LOCAL_EPHEMERA, ephemera);
  });
  const tellPresence = (statuses: readonly PresenceStatus[]) =>
    leaving.presence(
      statuses.flatMap(({ userId, presence, statusMsg, lastActiveTs }) =>
        isLocal(userId) ? [{ userId, presence, statusMsg, lastActiveTs }] : [],
      ),
    );
  const appended = (batch: AppendBatch) => {
    for (const part of broadcastParts(batch, MAX_BROADCAST_CHARACTERS)) bus.broadcast(APPENDED, part);
    tellPresence(batch.presence);
  };
  const appender = new AppenderService({
    ...deps,
    model: appendModel,
    receipts,
    deviceMessages,
    deviceLists,
    presence: hasPresence ? presenceModel : undefined,
    lease,
    isLocal,
    appended,
    presenceGoesOn: tellPresence,
  });
  const forgetting = new Periodically(
    'forgetting requests to send to devices',
    FORGET_EVERY_MS,
    () => deviceMessages.forgetTransactions(REMEMBER_TRANSACTIONS_MS),
    deps.logger,
  );
  const pastStates = new RemotePastStates(deps.roomLog);
  const past = {
    feed,
    model,
    relations,
    texts,
    finder,
    rooms,
    tails,
    users,
    announcements,
    erased,
    histories,
    pastStates,
  };
  const history = new RoomHistory({ ...past, earlier: new FetchedHistory({ ...deps, model: appendModel }) });
  const words = new WordStore(db);
  const indexing = new SearchIndexing(
    new SearchIndexer({
      ...{ model: words, head: () => model.head() },
      words: new WordsReader({ model: words, relations, texts: texts.passing, named: texts }),
    }),
    new Lease(db, { name: 'sync.words', holder: randomUUID() }),
    bus,
    deps.logger,
  );
  const receiptIntake = new Receipts({
    ...{ feed, finder, receipts, users, awaited, joined, announcements, fullyRead, announce },
    tellOthers: (receipts) => leaving.receipts(receipts),
  });
  const deviceMessaging = new DeviceMessaging({
    ...{ model: deviceMessages, devices: deps.devices, isLocal, federates: config.federation.enabled },
    announce: () => bus.broadcast(DEVICE_MESSAGES, {}),
    announceLeaving: () => bus.broadcast(DEVICE_MESSAGES_LEAVING, {}),
  });
  const typingIntake = new Typing(feed, joined, calls, (typing) => leaving.typing(typing));
  const presence = new OwnPresence({
    ...{ isEnabled: hasPresence, feed, model: presenceModel, isLocal },
    tell: (notes, remote) => calls.ask([], false, { notes, remote }),
  });
  const limits = { defaultLimit: config.sync.default_timeline_limit, maximumLimit: config.sync.max_timeline_limit };
  const service = new SyncService({
    ...{ feed, model, relations, texts, rooms, users, announcements, ephemeral, typing, unread, deliveries },
    ...{
      erased,
      rules,
      inbox: new InboxReader(deviceMessages, endedInboxes),
      deviceLists: deviceListReader,
      presence: new PresenceReader(presenceModel, presenceLog, hasPresence),
      sent: new SentMembers(),
      roomLog: deps.roomLog,
      waiting,
      assembling,
    },
  });
  return {
    service,
    oldSync: new OldSync({
      ...{ ...past, history, service, waits, roomLog: deps.roomLog },
      isPublic: (roomId) => isPublic(deps.roomDirectory, roomId),
    }),
    history,
    notifications: new Notifications(past, tellingThreads),
    reports: new Reports(past, deps.users, new ReportStore(db), isLocal),
    search: new Search({
      ...{ ...past, search: new SearchStore(db), words, history },
      hurry: () => bus.broadcast(SEARCH_WANTED, {}),
    }),
    roomRelations: new RoomRelations(past),
    threadSubscriptions: new ThreadSubscriptions(past, threads),
    receipts: receiptIntake,
    typing: typingIntake,
    presence,
    remoteEphemeral: new RemoteEphemeralRpc({
      ...{ feed, model, deviceMessaging, typing: typingIntake, receipts: receiptIntake, presence },
    }),
    leavingDeviceMessages: new LeavingDeviceMessagesRpc(new LeavingMessageStore(db)),
    roomTraces: new RoomTracesRpc(model, relations, texts, announcements),
    deviceLists: new DeviceListQueries(feed, users, deviceListReader),
    deviceMessaging,
    dehydratedInbox: new DehydratedInbox(feed, users, deviceMessages, deps.devices),
    filters: new Filters(deps.users, limits),
    async start() {
      await revocations.start();
      appender.start();
      await indexing.start();
      forgetting.start();
      if (alone) await feed.use(async () => {});
    },
    async stop() {
      await Promise.all([revocations.stop(), forgetting.stop()]);
      await Promise.all([appender.stop(), indexing.stop()]);
      await feed.stop();
    },
  };
}

/** What room-server does not know is not published. */
async function isPublic(directory: Pick<RoomDirectory, 'getVisibility'>, roomId: string): Promise<boolean> {
  try {
    return (await directory.getVisibility({ roomId })).published;
  } catch (error) {
    if (isMatrixError(error) && error.status === 404) return false;
    throw error;
  }
}
