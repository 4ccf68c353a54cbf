import { PduFate } from '@ganglion/contracts/room';
import { ready } from '@ganglion/protocol';
import { enter, FarRoom, REMOTE, receive } from './support/far-room.js';
import { ALICE } from './support/room.js';
import { type Replica, RoomServers } from './support/room-servers.js';

const LENGTH = 60;

let servers: RoomServers;
let replica: Replica;
beforeAll(async () => {
  await ready();
  servers = await RoomServers.create();
  replica = await servers.start();
});
afterAll(() => servers.close());

/** So many statements of a name are sent meanwhile. */
async function counting(name: string, run: () => Promise<unknown>): Promise<number> {
  let count = 0;
  const query = replica.db.query.bind(replica.db);
  replica.db.query = ((statement: { name?: string }) => {
    if (statement.name === name) count += 1;
    return query(statement as never);
  }) as never;
  await run();
  replica.db.query = query as never;
  return count;
}

/** A change of name after some event. */
function renamed(room: FarRoom, userId: string, index: number, after: string) {
  const content = { membership: 'join', displayname: `Number ${index}` };
  return room.say({ type: 'm.room.member', sender: userId, state_key: userId, content, origin_server_ts: index }, [
    after,
  ]);
}

it.each(['11', '12'])(
  'in a room of version %s what an event of a long fork costs does not grow with the fork, be it that one grows or both',
  async (version) => {
    const room = new FarRoom(servers.keys, version);
    const other = '@other:far.test';
    room.join(other);
    const join = room.join(ALICE);
    await enter(replica, room, join.eventId);
    const said = room.message('on the other fork', [join.eventId]);
    await receive(replica, room, [said.json]);
    const last = [join.eventId, said.eventId];
    const costs: number[] = [];
    const take = async (fork: 0 | 1, index: number) => {
      const event = renamed(room, fork === 0 ? REMOTE : other, index, last[fork]!);
      last[fork] = event.eventId;
      const cost = await counting('authorised-by', async () => {
        const { outcomes } = await receive(replica, room, [event.json]);
        expect(outcomes[0]).toMatchObject({ fate: PduFate.ACCEPTED });
      });
      costs.push(cost);
    };
    for (let index = 0; index < LENGTH; index++) await take(0, index);
    for (let index = 0; index < LENGTH; index++) {
      await take(1, index);
      await take(0, LENGTH + index);
    }
    // Where a fork goes on for the first time, it is compared with all of the other one.
    expect(costs.reduce((sum, cost) => sum + cost)).toBeLessThan(3 * costs.length);
  },
  120_000,
);
