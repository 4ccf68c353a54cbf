import type { Config } from '@ganglion/config';
import { FederationGuard, RequestAuthentication } from '@ganglion/federation';
import { type DynamicModule, Module } from '@nestjs/common';
import { Transactions } from './domain/incoming/transactions.js';
import { Memberships } from './domain/serving/memberships.js';
import { InvitesController } from './http/invites.controller.js';
import { MembershipsController } from './http/memberships.controller.js';
import { QueriesController } from './http/queries.controller.js';
import { RoomEventsController } from './http/room-events.controller.js';
import { CONFIG, ROOM_DIRECTORY, ROOM_FEDERATION, USERS } from './http/tokens.js';
import { TransactionsController } from './http/transactions.controller.js';
import type { Incoming } from './incoming.js';
import type { Owners } from './owners.js';

@Module({})
class IncomingModule {}

/** What other servers send us and ask of us, once it is certain who they are. */
export function incomingModule(
  config: Config,
  { authentication, transactions, memberships }: Pick<Incoming, 'authentication' | 'transactions' | 'memberships'>,
  owners: Pick<Owners, 'roomFederation' | 'roomDirectory' | 'users'>,
): DynamicModule {
  return {
    module: IncomingModule,
    controllers: [
      TransactionsController,
      RoomEventsController,
      MembershipsController,
      InvitesController,
      QueriesController,
    ],
    providers: [
      FederationGuard,
      { provide: CONFIG, useValue: config },
      { provide: RequestAuthentication, useValue: authentication },
      { provide: Transactions, useValue: transactions },
      { provide: Memberships, useValue: memberships },
      { provide: ROOM_FEDERATION, useValue: owners.roomFederation },
      { provide: ROOM_DIRECTORY, useValue: owners.roomDirectory },
      { provide: USERS, useValue: owners.users },
    ],
  };
}
