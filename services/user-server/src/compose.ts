import { type RemoteQueries, RemoteQueriesDefinition } from '@ganglion/contracts/federation';
import {
  type RoomReads,
  RoomReadsDefinition,
  type RoomSummaries,
  RoomSummariesDefinition,
  type Rooms,
  RoomsDefinition,
} from '@ganglion/contracts/room';
import type { ServiceDescriptor } from '@ganglion/service';
import { RemoteServersProfiles } from './remote/remote-servers-profiles.js';
import { createUserServer } from './user-server.js';
import { userServerModule } from './user-server.module.js';

/** Puts the service together. */
export const compose: ServiceDescriptor['compose'] = async (foundation, interfaces) => {
  const rooms = await interfaces.find<Rooms>(RoomsDefinition);
  const roomReads = await interfaces.find<RoomReads>(RoomReadsDefinition);
  const roomSummaries = await interfaces.find<RoomSummaries>(RoomSummariesDefinition);
  const profilesElsewhere = new RemoteServersProfiles(await interfaces.find<RemoteQueries>(RemoteQueriesDefinition));
  const server = createUserServer({ ...foundation, rooms: { rooms, roomReads, roomSummaries }, profilesElsewhere });
  return { part: server, module: userServerModule(server), offers: server };
};
