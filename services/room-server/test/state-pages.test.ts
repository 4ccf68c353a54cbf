import type { GetStateResponse } from '@ganglion/contracts/room';
import { States } from '../src/domain/state/states.js';
import { RoomReadsRpc } from '../src/rpc/room-reads-rpc.js';
import { PostgresRoomStore } from '../src/storage/room-store.js';
import { StateReader } from '../src/storage/state-reader.js';
import { PostgresStateRows } from '../src/storage/state-rows.js';
import { NOBODY_ERASED } from './support/erased.js';
import { ALICE, BOB, CAROL, change, createRoom, send } from './support/room.js';
import { type Replica, RoomServers } from './support/room-servers.js';

let servers: RoomServers;
let replica: Replica;
let reads: RoomReadsRpc;
beforeAll(async () => {
  servers = await RoomServers.create();
  replica = await servers.start();
  const states = new StateReader(replica.db, new States(new PostgresStateRows(replica.db)));
  reads = new RoomReadsRpc(states, new PostgresRoomStore(replica.db), ['one.test', 'two.test'], NOBODY_ERASED, 100, 2);
});
afterAll(() => servers.close());

const topic = (text: string) => ({ type: 'm.room.topic', stateKey: '', content: { topic: text } });
const tag = (stateKey: string, body = '') => ({ type: 'org.example.tag', stateKey, content: { body } });

/** All of a state by its pages; between them something else may happen. */
async function paged(query: { roomId: string; userId: string; type?: string | undefined }, between = async () => {}) {
  const pages: string[][] = [];
  for (let afterKey: number | undefined = 0; afterKey !== undefined; ) {
    const page: GetStateResponse = await reads.getState({ ...query, afterKey });
    pages.push(page.events.map(({ eventId }) => eventId));
    afterKey = page.nextKey;
    await between();
  }
  return pages;
}
const whole = async (query: { roomId: string; userId: string; type?: string | undefined }) =>
  (await reads.getState(query)).events.map(({ eventId }) => eventId).sort();

describe('the state of a room in pages', () => {
  it('is the whole of it, as it is now or was when somebody left', async () => {
    const roomId = await createRoom(replica);
    for (const userId of [BOB, CAROL]) await change(replica, roomId, userId, 'join');
    await send(replica, roomId, ALICE, topic('while Bob is there'));
    await change(replica, roomId, BOB, 'leave');
    await send(replica, roomId, ALICE, topic('afterwards'));
    await send(replica, roomId, ALICE, tag('later'));
    for (const userId of [ALICE, BOB]) {
      for (const type of [undefined, 'm.room.member', 'm.room.topic', 'org.example.unknown']) {
        const pages = await paged({ roomId, userId, type });
        for (const page of pages) expect(page.length).toBeLessThanOrEqual(2);
        expect(pages.flat().sort()).toEqual(await whole({ roomId, userId, type }));
      }
    }
    await expect(reads.getState({ roomId, userId: '@stranger:two.test', afterKey: 0 })).rejects.toMatchObject({
      status: 403,
    });
  });

  it('has each entry once, also of those that change while it is read', async () => {
    const roomId = await createRoom(replica);
    for (let index = 0; index < 6; index++) await send(replica, roomId, ALICE, tag(`${index}`));
    let round = 0;
    const change = () => send(replica, roomId, ALICE, tag(`${round++ % 6}`, `${round}`)).then(() => {});
    const pages = await paged({ roomId, userId: ALICE, type: 'org.example.tag' }, change);
    expect(new Set(pages.flat()).size).toBe(6);
    expect(pages.flat().length).toBe(6);
  });

  it('ends a page early where its events are large', async () => {
    const roomId = await createRoom(replica);
    const large = new RoomReadsRpc(
      new StateReader(replica.db, new States(new PostgresStateRows(replica.db))),
      new PostgresRoomStore(replica.db),
      ['one.test', 'two.test'],
      NOBODY_ERASED,
    );
    for (let index = 0; index < 80; index++) await send(replica, roomId, ALICE, tag(`${index}`, 'x'.repeat(60_000)));
    const query = { roomId, userId: ALICE, type: 'org.example.tag' };
    const first = await large.getState({ ...query, afterKey: 0 });
    expect(first.events.length).toBeGreaterThan(1);
    expect(first.events.length).toBeLessThan(80);
    const second = await large.getState({ ...query, afterKey: first.nextKey });
    expect([first.events.length + second.events.length, second.nextKey]).toEqual([80, undefined]);
  });
});
