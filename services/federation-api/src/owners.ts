import { type KeyLog, KeyLogDefinition, type KeysForServers, KeysForServersDefinition } from '@ganglion/contracts/keys';
import {
  type RoomDirectory,
  RoomDirectoryDefinition,
  type RoomFederation,
  RoomFederationDefinition,
  type RoomIntake,
  RoomIntakeDefinition,
  type RoomLog,
  RoomLogDefinition,
  type RoomReads,
  RoomReadsDefinition,
  type RoomSummaries,
  RoomSummariesDefinition,
  type Rooms,
  RoomsDefinition,
} from '@ganglion/contracts/room';
import {
  type LeavingDeviceMessages,
  LeavingDeviceMessagesDefinition,
  type RemoteEphemeral,
  RemoteEphemeralDefinition,
} from '@ganglion/contracts/sync';
import {
  type AccountData,
  AccountDataDefinition,
  type Devices,
  DevicesDefinition,
  type Users,
  UsersDefinition,
} from '@ganglion/contracts/user';
import type { Interfaces } from '@ganglion/service';

/** The services that own what other servers ask for and bring. */
export interface Owners {
  readonly roomIntake: RoomIntake;
  readonly roomLog: RoomLog;
  readonly roomFederation: RoomFederation;
  readonly roomDirectory: RoomDirectory;
  readonly roomSummaries: RoomSummaries;
  readonly roomReads: RoomReads;
  readonly rooms: Pick<Rooms, 'changeMembership'>;
  readonly remoteEphemeral: RemoteEphemeral;
  readonly leavingDeviceMessages: LeavingDeviceMessages;
  readonly users: Users;
  readonly devices: Devices;
  readonly accountData: Pick<AccountData, 'getAccountData'>;
  readonly keysForServers: KeysForServers;
  readonly keyLog: KeyLog;
}

export async function findOwners(interfaces: Interfaces): Promise<Owners> {
  return {
    roomIntake: await interfaces.find<RoomIntake>(RoomIntakeDefinition),
    roomLog: await interfaces.find<RoomLog>(RoomLogDefinition),
    roomFederation: await interfaces.find<RoomFederation>(RoomFederationDefinition),
    roomDirectory: await interfaces.find<RoomDirectory>(RoomDirectoryDefinition),
    rooms: await interfaces.find<Rooms>(RoomsDefinition),
    roomReads: await interfaces.find<RoomReads>(RoomReadsDefinition),
    roomSummaries: await interfaces.find<RoomSummaries>(RoomSummariesDefinition),
    remoteEphemeral: await interfaces.find<RemoteEphemeral>(RemoteEphemeralDefinition),
    leavingDeviceMessages: await interfaces.find<LeavingDeviceMessages>(LeavingDeviceMessagesDefinition),
    keyLog: await interfaces.find<KeyLog>(KeyLogDefinition),
    keysForServers: await interfaces.find<KeysForServers>(KeysForServersDefinition),
    users: await interfaces.find<Users>(UsersDefinition),
    devices: await interfaces.find<Devices>(DevicesDefinition),
    accountData: await interfaces.find<AccountData>(AccountDataDefinition),
  };
}
