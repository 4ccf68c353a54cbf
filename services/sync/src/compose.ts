import { KEY_COUNTS_CHANGED } from '@ganglion/contracts';
import { type RemoteRooms, RemoteRoomsDefinition } from '@ganglion/contracts/federation';
import {
  KeyCountsDefinition,
  type KeyCounts as KeyCountsRpc,
  type KeyLog,
  KeyLogDefinition,
} from '@ganglion/contracts/keys';
import {
  type RoomDirectory,
  RoomDirectoryDefinition,
  type RoomIntake,
  RoomIntakeDefinition,
  type RoomLog,
  RoomLogDefinition,
} from '@ganglion/contracts/room';
import {
  type AccountData,
  AccountDataDefinition,
  type Devices,
  DevicesDefinition,
  type UserLog,
  UserLogDefinition,
  type Users,
  UsersDefinition,
} from '@ganglion/contracts/user';
import type { ServiceDescriptor } from '@ganglion/service';
import { KeyCounts } from './domain/answer/key-counts.js';
import { syncModule } from './sync.module.js';
import { createSyncServer } from './sync-server.js';

/** Puts the service together. */
export const compose: ServiceDescriptor['compose'] = async (foundation, interfaces) => {
  const server = createSyncServer({
    ...foundation,
    roomLog: await interfaces.find<RoomLog>(RoomLogDefinition),
    roomIntake: await interfaces.find<RoomIntake>(RoomIntakeDefinition),
    roomDirectory: await interfaces.find<RoomDirectory>(RoomDirectoryDefinition),
    remoteRooms: await interfaces.find<RemoteRooms>(RemoteRoomsDefinition),
    keyLog: await interfaces.find<KeyLog>(KeyLogDefinition),
    userLog: await interfaces.find<UserLog>(UserLogDefinition),
    users: await interfaces.find<Users>(UsersDefinition),
    accountData: await interfaces.find<AccountData>(AccountDataDefinition),
    devices: await interfaces.find<Devices>(DevicesDefinition),
  });
  const keyCounts = new KeyCounts(await interfaces.find<KeyCountsRpc>(KeyCountsDefinition));
  await foundation.bus.listen(KEY_COUNTS_CHANGED, ({ devices }) => keyCounts.changed(devices));
  return { part: server, module: syncModule(server, foundation.config, keyCounts), offers: server };
};
