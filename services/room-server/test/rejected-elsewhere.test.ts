import { PduFate } from '@ganglion/contracts/room';
import { type Pdu, ready } from '@ganglion/protocol';
import { enter, FarRoom, receive, signedByFar } from './support/far-room.js';
import { ALICE } from './support/room.js';
import { type Replica, RoomServers } from './support/room-servers.js';

let servers: RoomServers;
let replicas: [Replica, Replica];
beforeAll(async () => {
  await ready();
  servers = await RoomServers.create();
  replicas = [await servers.start(), await servers.start()];
});
afterAll(() => servers.close());

it('what one replica has rejected authorises nothing at another one, where it has waited', async () => {
  const room = new FarRoom(servers.keys, '11');
  const other = '@other:far.test';
  room.join(other);
  const join = room.join(ALICE);
  await enter(replicas[0], room, join.eventId);
  const before = room.message('before', [join.eventId]);
  const content = { users: { [other]: 100 } };
  const draft = { type: 'm.room.power_levels', sender: other, state_key: '', content, origin_server_ts: 1 };
  const rejected = room.say(draft, [before.eventId]);
  // It comes twice while it waits.
  for (const _ of [1, 2]) {
    const { outcomes } = await receive(replicas[0], room, [rejected.json]);
    expect(outcomes[0]).toMatchObject({ fate: PduFate.WAITING });
  }
  await receive(replicas[1], room, [before.json, rejected.json]);
  const { pdu } = room.message('by its grace', [before.eventId]);
  const levels = room.writer.events.find(({ pdu: each }) => each.type === 'm.room.power_levels')!.eventId;
  const auth_events = (pdu.auth_events as string[]).map((id) => (id === levels ? rejected.eventId : id));
  expect(auth_events).toContain(rejected.eventId);
  const forged = signedByFar({ ...pdu, auth_events } as Pdu, '11');
  const { outcomes } = await receive(replicas[0], room, [forged.json]);
  expect(outcomes[0]).toMatchObject({ fate: PduFate.REJECTED });
});
