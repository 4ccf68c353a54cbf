import type { RoomDirectory, RoomReads, RoomSummaries, Rooms } from '@ganglion/contracts/room';
import type { Users } from '@ganglion/contracts/user';

/** The services that this one speaks for. */
export interface Owners {
  readonly rooms: Rooms;
  readonly roomReads: RoomReads;
  readonly roomDirectory: RoomDirectory;
  readonly roomSummaries: RoomSummaries;
  readonly users: Users;
}
