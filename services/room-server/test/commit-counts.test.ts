import { ALICE, createRoom, send } from './support/room.js';
import { type Replica, RoomServers } from './support/room-servers.js';

let servers: RoomServers;
let replica: Replica;
beforeAll(async () => {
  servers = await RoomServers.create();
  replica = await servers.start();
});
afterAll(() => servers.close());

async function count(): Promise<number> {
  const told = /^ganglion_room_events_total\{of="us",status="accepted"\} (\d+)/m.exec(await replica.metrics.render());
  return Number(told?.[1]);
}

it('operators are told how many events rooms have got, those of a new room and those after it', async () => {
  const roomId = await createRoom(replica);
  const before = await count();
  expect(before).toBeGreaterThan(3);
  await send(replica, roomId, ALICE);
  await send(replica, roomId, ALICE);
  expect(await count()).toBe(before + 2);
});
