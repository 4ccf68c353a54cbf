import type { KeyLog, ListKeyHeadsResponse } from '@ganglion/contracts/keys';
import type { ListRoomHeadsResponse, RoomLog } from '@ganglion/contracts/room';
import type { ListUserHeadsResponse, UserLog } from '@ganglion/contracts/user';

const PAGE = 500;

/** Pages of the rooms that changed since a cursor. That of the first page is where the next listing begins. */
export async function* roomHeads(log: RoomLog, sinceCursor: number): AsyncGenerator<ListRoomHeadsResponse> {
  for (let afterRoom: number | undefined = 0; afterRoom !== undefined; ) {
    const page: ListRoomHeadsResponse = await log.listRoomHeads({ sinceCursor, afterRoom, limit: PAGE });
    yield page;
    afterRoom = page.nextRoom;
  }
}

/** Pages of the users whose own data changed since a cursor, as those of rooms. */
export async function* userHeads(log: UserLog, sinceCursor: number): AsyncGenerator<ListUserHeadsResponse> {
  for (let afterUser: string | undefined = ''; afterUser !== undefined; ) {
    const page: ListUserHeadsResponse = await log.listUserHeads({ sinceCursor, afterUser, limit: PAGE });
    yield page;
    afterUser = page.nextUser;
  }
}

/** Pages of the users whose keys changed since a cursor, as those of rooms. */
export async function* keyHeads(log: KeyLog, sinceCursor: number): AsyncGenerator<ListKeyHeadsResponse> {
  for (let afterUser: string | undefined = ''; afterUser !== undefined; ) {
    const page: ListKeyHeadsResponse = await log.listKeyHeads({ sinceCursor, afterUser, limit: PAGE });
    yield page;
    afterUser = page.nextUser;
  }
}
