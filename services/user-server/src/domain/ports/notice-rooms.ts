import type { RoomReads, Rooms } from '@ganglion/contracts/room';

/** In which room each user is told what the server has to say. */
export interface NoticeRoomStore {
  find(userId: string): Promise<string | undefined>;
  /** Remembers a room, unless there is one already: the one there is. */
  keep(userId: string, roomId: string): Promise<string>;
}

/** What is asked of rooms to that end. */
export interface NoticeRooms {
  readonly rooms: Pick<Rooms, 'createRoom' | 'changeMembership' | 'sendEvent'>;
  readonly roomReads: Pick<RoomReads, 'getState'>;
}
