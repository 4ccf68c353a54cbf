import {
  type RemoteQueries,
  RemoteQueriesDefinition,
  type RemoteRooms,
  RemoteRoomsDefinition,
} from '@ganglion/contracts/federation';
import {
  type DelayedEvents,
  DelayedEventsDefinition,
  type RoomBlocks,
  RoomBlocksDefinition,
  type RoomDirectory,
  RoomDirectoryDefinition,
  type RoomIntake,
  RoomIntakeDefinition,
  type RoomPurges,
  RoomPurgesDefinition,
  type RoomReads,
  RoomReadsDefinition,
  type RoomSummaries,
  RoomSummariesDefinition,
  type Rooms,
  RoomsDefinition,
} from '@ganglion/contracts/room';
import { type RoomTraces, RoomTracesDefinition } from '@ganglion/contracts/sync';
import { type AccountData, AccountDataDefinition, type Users, UsersDefinition } from '@ganglion/contracts/user';
import { IdentityAgent } from '@ganglion/identity';
import { domainOf } from '@ganglion/protocol';
import type { ServiceDescriptor } from '@ganglion/service';
import { clientApiModule } from './client-api.module.js';
import { RemoteAddressBook } from './remote/remote-address-book.js';

/** Puts the service together. */
export const compose: ServiceDescriptor['compose'] = async ({ config }, interfaces) => {
  const identityAgent = new IdentityAgent(config.identity_servers);
  const isOurs = (serverName: string) => config.server_names.some(({ name }) => name === serverName);
  const notices = config.server_notices?.localpart;
  const owners = {
    rooms: await interfaces.find<Rooms>(RoomsDefinition),
    delayedEvents: await interfaces.find<DelayedEvents>(DelayedEventsDefinition),
    roomReads: await interfaces.find<RoomReads>(RoomReadsDefinition),
    roomDirectory: await interfaces.find<RoomDirectory>(RoomDirectoryDefinition),
    roomSummaries: await interfaces.find<RoomSummaries>(RoomSummariesDefinition),
    roomTraces: await interfaces.find<RoomTraces>(RoomTracesDefinition),
    roomBlocks: await interfaces.find<RoomBlocks>(RoomBlocksDefinition),
    roomPurges: await interfaces.find<RoomPurges>(RoomPurgesDefinition),
    users: await interfaces.find<Users>(UsersDefinition),
    accountData: await interfaces.find<AccountData>(AccountDataDefinition),
    roomIntake: await interfaces.find<RoomIntake>(RoomIntakeDefinition),
    remoteRooms: await interfaces.find<RemoteRooms>(RemoteRoomsDefinition),
    remoteQueries: await interfaces.find<RemoteQueries>(RemoteQueriesDefinition),
    addressBook: new RemoteAddressBook(identityAgent),
    isOurs,
    isServer: (userId: string) =>
      notices !== undefined && isOurs(domainOf(userId)) && userId === `@${notices}:${domainOf(userId)}`,
  };
  const part = { start() {}, stop: () => identityAgent.close() };
  return { module: clientApiModule(owners, config), part };
};
