import type { ListUsersWithoutGuestsResponse } from '@ganglion/contracts/room';
import { ready } from '@ganglion/protocol';
import { RoomReadsRpc } from '../src/rpc/room-reads-rpc.js';
import { PostgresRoomStore } from '../src/storage/room-store.js';
import { NOBODY_ERASED } from './support/erased.js';
import { ALICE, BOB, change, createRoom } from './support/room.js';
import { RoomServers } from './support/room-servers.js';

let servers: RoomServers;
beforeAll(async () => {
  await ready();
  servers = await RoomServers.create();
});
afterAll(() => servers.close());

it('guests are looked for among all members of a room, however many there are', async () => {
  const replica = await servers.start();
  const roomId = await createRoom(replica);
  await change(replica, roomId, BOB, 'join');
  const states = {} as never;
  const reads = new RoomReadsRpc(states, new PostgresRoomStore(replica.db), ['one.test', 'two.test'], NOBODY_ERASED, 1);
  const found: string[] = [];
  for (let afterUser: string | undefined = ''; afterUser !== undefined; ) {
    const { userIds, nextUser }: ListUsersWithoutGuestsResponse = await reads.listUsersWithoutGuests({
      roomId,
      afterUser,
    });
    expect(userIds.length).toBeLessThan(2);
    found.push(...userIds);
    afterUser = nextUser;
  }
  expect(found.sort()).toEqual([ALICE, BOB].sort());
});
