import type { Config } from '@ganglion/config';
import { type DynamicModule, Module } from '@nestjs/common';
import { Filters } from './domain/answer/filters.js';
import { KeyCounts } from './domain/answer/key-counts.js';
import { SyncService } from './domain/answer/sync-service.js';
import { DehydratedInbox } from './domain/devices/dehydrated-inbox.js';
import { DeviceListQueries } from './domain/devices/device-list-queries.js';
import { DeviceMessaging } from './domain/devices/device-messaging.js';
import { Receipts } from './domain/ephemeral/receipts.js';
import { Typing } from './domain/ephemeral/typing.js';
import { RoomHistory } from './domain/history/room-history.js';
import { RoomRelations } from './domain/history/room-relations.js';
import { OldSync } from './domain/old/old-sync.js';
import { OwnPresence } from './domain/presence/own-presence.js';
import { Reports } from './domain/reports.js';
import { Search } from './domain/search/search.js';
import { ThreadSubscriptions } from './domain/thread-subscriptions.js';
import { Notifications } from './domain/unread/notifications.js';
import { DehydratedInboxController } from './http/dehydrated-inbox.controller.js';
import { DeviceListsController } from './http/device-lists.controller.js';
import { DeviceMessagesController } from './http/device-messages.controller.js';
import { NotificationsController } from './http/notifications.controller.js';
import { OldSyncController } from './http/old-sync.controller.js';
import { PresenceController } from './http/presence.controller.js';
import { ReceiptsController } from './http/receipts.controller.js';
import { RelationsController } from './http/relations.controller.js';
import { ReportsController } from './http/reports.controller.js';
import { EventsByTimeController, RoomHistoryController } from './http/room-history.controller.js';
import { SearchController } from './http/search.controller.js';
import { SYNC_CONFIG, SyncController } from './http/sync.controller.js';
import { ThreadSubscriptionController, ThreadSubscriptionsController } from './http/thread-subscriptions.controller.js';
import { TypingController } from './http/typing.controller.js';
import type { SyncServer } from './sync-server.js';

@Module({})
class SyncModule {}

/** The HTTP side of a sync replica. */
export function syncModule(server: SyncServer, config: Config, keyCounts: KeyCounts): DynamicModule {
  return {
    module: SyncModule,
    controllers: [
      SyncController,
      OldSyncController,
      RoomHistoryController,
      EventsByTimeController,
      RelationsController,
      NotificationsController,
      ThreadSubscriptionController,
      ThreadSubscriptionsController,
      ReceiptsController,
      TypingController,
      PresenceController,
      SearchController,
      ReportsController,
      DeviceListsController,
      DeviceMessagesController,
      DehydratedInboxController,
    ],
    providers: [
      { provide: SyncService, useValue: server.service },
      { provide: OldSync, useValue: server.oldSync },
      { provide: RoomHistory, useValue: server.history },
      { provide: Notifications, useValue: server.notifications },
      { provide: RoomRelations, useValue: server.roomRelations },
      { provide: ThreadSubscriptions, useValue: server.threadSubscriptions },
      { provide: Receipts, useValue: server.receipts },
      { provide: OwnPresence, useValue: server.presence },
      { provide: Reports, useValue: server.reports },
      { provide: Search, useValue: server.search },
      { provide: Typing, useValue: server.typing },
      { provide: DeviceListQueries, useValue: server.deviceLists },
      { provide: DehydratedInbox, useValue: server.dehydratedInbox },
      { provide: DeviceMessaging, useValue: server.deviceMessaging },
      { provide: Filters, useValue: server.filters },
      { provide: KeyCounts, useValue: keyCounts },
      { provide: SYNC_CONFIG, useValue: config.sync },
    ],
  };
}
