import type { RemoteQueries, RemoteRooms } from '@ganglion/contracts/federation';
import type {
  DelayedEvents,
  RoomDirectory,
  RoomIntake,
  RoomPurges,
  RoomReads,
  RoomSummaries,
  Rooms,
} from '@ganglion/contracts/room';
import type { AccountData, Users } from '@ganglion/contracts/user';

/** The services that this one speaks for. */
export interface Owners {
  readonly rooms: Rooms;
  readonly delayedEvents: DelayedEvents;
  readonly roomReads: RoomReads;
  readonly roomDirectory: RoomDirectory;
  readonly roomSummaries: RoomSummaries;
  readonly roomPurges: RoomPurges;
  readonly users: Users;
  readonly accountData: Pick<AccountData, 'getAccountData'>;
  readonly roomIntake: Pick<RoomIntake, 'getStanding'>;
  readonly remoteRooms: RemoteRooms;
  readonly remoteQueries: RemoteQueries;
  /** Whether a server name is one of ours. */
  isOurs(serverName: string): boolean;
}
