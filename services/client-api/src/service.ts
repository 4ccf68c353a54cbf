import {
  type RoomDirectory,
  RoomDirectoryDefinition,
  type RoomReads,
  RoomReadsDefinition,
  type RoomSummaries,
  RoomSummariesDefinition,
  type Rooms,
  RoomsDefinition,
} from '@ganglion/contracts/room';
import { type Users, UsersDefinition } from '@ganglion/contracts/user';
import type { ServiceDescriptor } from '@ganglion/service';
import { clientApiModule } from './client-api.module.js';

/** The Client-Server API of rooms, in front of the services that own what it is about. */
export const service: ServiceDescriptor = {
  name: 'client-api',
  offers: {},
  async compose({ config }, interfaces) {
    const owners = {
      rooms: await interfaces.find<Rooms>(RoomsDefinition),
      roomReads: await interfaces.find<RoomReads>(RoomReadsDefinition),
      roomDirectory: await interfaces.find<RoomDirectory>(RoomDirectoryDefinition),
      roomSummaries: await interfaces.find<RoomSummaries>(RoomSummariesDefinition),
      users: await interfaces.find<Users>(UsersDefinition),
    };
    return { module: clientApiModule(owners, config) };
  },
};
