import { type RemoteQueries, RemoteQueriesDefinition } from '@ganglion/contracts/federation';
import {
  type RoomReads,
  RoomReadsDefinition,
  type RoomSummaries,
  RoomSummariesDefinition,
  type Rooms,
  RoomsDefinition,
} from '@ganglion/contracts/room';
import {
  AccountDataDefinition,
  DevicesDefinition,
  InteractiveAuthDefinition,
  TokensDefinition,
  UserLogDefinition,
  UsersDefinition,
} from '@ganglion/contracts/user';
import type { ServiceDescriptor } from '@ganglion/service';
import { RemoteServersProfiles } from './remote/remote-servers-profiles.js';
import { userServerSchema } from './storage/migrations.js';
import { createUserServer } from './user-server.js';
import { userServerModule } from './user-server.module.js';

/** Accounts with their devices, tokens, profiles, filters and account data. */
export const service: ServiceDescriptor = {
  name: 'user-server',
  schema: userServerSchema,
  offers: {
    tokens: TokensDefinition,
    users: UsersDefinition,
    userLog: UserLogDefinition,
    accountData: AccountDataDefinition,
    devices: DevicesDefinition,
    interactiveAuth: InteractiveAuthDefinition,
  },
  async compose(foundation, interfaces) {
    const rooms = await interfaces.find<Rooms>(RoomsDefinition);
    const roomReads = await interfaces.find<RoomReads>(RoomReadsDefinition);
    const roomSummaries = await interfaces.find<RoomSummaries>(RoomSummariesDefinition);
    const profilesElsewhere = new RemoteServersProfiles(await interfaces.find<RemoteQueries>(RemoteQueriesDefinition));
    const server = createUserServer({ ...foundation, rooms: { rooms, roomReads, roomSummaries }, profilesElsewhere });
    return { part: server, module: userServerModule(server), offers: server };
  },
};
