import type { Config } from '@ganglion/config';
import { FederationGuard, RequestAuthentication } from '@ganglion/federation';
import { type DynamicModule, Module } from '@nestjs/common';
import { Transactions } from './domain/incoming/transactions.js';
import { BoundAddresses } from './domain/serving/bound-addresses.js';
import { ExchangedInvites } from './domain/serving/exchanged-invites.js';
import { Memberships } from './domain/serving/memberships.js';
import { BoundAddressesController } from './http/bound-addresses.controller.js';
import { InvitesController } from './http/invites.controller.js';
import { MembershipsController } from './http/memberships.controller.js';
import { QueriesController } from './http/queries.controller.js';
import { RoomEventsController } from './http/room-events.controller.js';
import { SpacesController } from './http/spaces.controller.js';
import { ThirdPartyInvitesController } from './http/third-party-invites.controller.js';
import { CONFIG, KEYS_FOR_SERVERS, ROOM_DIRECTORY, ROOM_FEDERATION, ROOM_SUMMARIES, USERS } from './http/tokens.js';
import { TransactionsController } from './http/transactions.controller.js';
import { UsersController } from './http/users.controller.js';
import type { Incoming } from './incoming.js';
import type { Owners } from './owners.js';

@Module({})
class IncomingModule {}

/** What other servers send us and ask of us, once it is certain who they are. */
export function incomingModule(
  config: Config,
  { authentication, transactions, memberships }: Pick<Incoming, 'authentication' | 'transactions' | 'memberships'>,
  owners: Pick<Owners, 'roomFederation' | 'roomDirectory' | 'roomSummaries' | 'users' | 'keysForServers'>,
  thirdParties: { readonly exchanged: ExchangedInvites; readonly bound: BoundAddresses },
): DynamicModule {
  return {
    module: IncomingModule,
    controllers: [
      TransactionsController,
      RoomEventsController,
      MembershipsController,
      InvitesController,
      QueriesController,
      UsersController,
      SpacesController,
      ThirdPartyInvitesController,
      BoundAddressesController,
    ],
    providers: [
      FederationGuard,
      { provide: CONFIG, useValue: config },
      { provide: RequestAuthentication, useValue: authentication },
      { provide: Transactions, useValue: transactions },
      { provide: Memberships, useValue: memberships },
      { provide: ExchangedInvites, useValue: thirdParties.exchanged },
      { provide: BoundAddresses, useValue: thirdParties.bound },
      { provide: ROOM_FEDERATION, useValue: owners.roomFederation },
      { provide: ROOM_SUMMARIES, useValue: owners.roomSummaries },
      { provide: ROOM_DIRECTORY, useValue: owners.roomDirectory },
      { provide: KEYS_FOR_SERVERS, useValue: owners.keysForServers },
      { provide: USERS, useValue: owners.users },
    ],
  };
}
