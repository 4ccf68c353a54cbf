import { jest } from '@jest/globals';
import { States } from '../src/domain/state/states.js';
import { RoomReadsRpc } from '../src/rpc/room-reads-rpc.js';
import { PostgresRoomStore } from '../src/storage/room-store.js';
import { StateReader } from '../src/storage/state-reader.js';
import { PostgresStateRows } from '../src/storage/state-rows.js';
import { ALICE, BOB, change, createRoom, send } from './support/room.js';
import { type Replica, RoomServers } from './support/room-servers.js';

/** What a room costs, counted: a test with a clock would say nothing on a busy machine. */
describe('the statements that a replica needs', () => {
  let servers: RoomServers;
  let one: Replica;
  let two: Replica;
  beforeAll(async () => {
    servers = await RoomServers.create();
    [one, two] = [await servers.start(), await servers.start()];
  });
  afterAll(() => servers.close());

  /** How often each statement was asked while something ran, by its name; what is about no room is left out. */
  async function counted({ db }: Replica, run: () => Promise<unknown>): Promise<Record<string, number>> {
    const query = jest.spyOn(db, 'query');
    try {
      await run();
      const names = query.mock.calls.map(([{ name = 'without a name' }]) => name);
      const ofRooms = names.filter((name) => !name.startsWith('allocate'));
      return Object.fromEntries([...Map.groupBy(ofRooms, (name) => name)].map(([name, all]) => [name, all.length]));
    } finally {
      query.mockRestore();
    }
  }

  it('to commit where another one was faster are what has changed, and no room that is loaded anew', async () => {
    const roomId = await createRoom(one);
    await send(two, roomId, ALICE);
    await send(one, roomId, ALICE);
    const statements = await counted(two, () => send(two, roomId, ALICE));
    expect(statements).toMatchObject({ 'refresh-head': 1 });
    expect(Object.keys(statements)).not.toContain('load-head');
    expect(Object.keys(statements)).not.toContain('load-members');
  });

  it('for what authorises a whole group are one, however many people it has not heard of', async () => {
    const roomId = await createRoom(one);
    const people = Array.from({ length: 30 }, (_, index) => `@person-${index}:one.test`);
    for (const person of people) await change(one, roomId, person, 'join');
    const cold = await servers.start();
    await send(cold, roomId, ALICE);
    const statements = await counted(cold, () => Promise.all(people.map((person) => send(cold, roomId, person))));
    // The first of them is alone in its group, as nobody else has come yet.
    expect(statements['load-members']).toBeLessThanOrEqual(2);
    expect(statements['event-bodies'] ?? 0).toBeLessThanOrEqual(2);
    expect(Object.keys(statements)).not.toContain('load-head');
  });

  it('for names of people who were erased since is one, however many they are', async () => {
    const roomId = await createRoom(one);
    const people = Array.from({ length: 20 }, (_, index) => `@gone-${index}:one.test`);
    const comes = (person: string) => change(one, roomId, person, 'join', person, { displayname: 'Secret name' });
    for (const person of people.slice(0, 8)) await comes(person);
    await change(one, roomId, BOB, 'join');
    for (const person of people.slice(8)) await comes(person);
    const gone = new Set<string>();
    const states = new StateReader(one.db, new States(new PostgresStateRows(one.db)));
    const store = new PostgresRoomStore(one.db);
    const reads = new RoomReadsRpc(states, store, ['one.test'], { known: () => Promise.resolve(gone) });
    const names = async () => JSON.stringify(await reads.getState({ roomId, userId: BOB })).split('Secret').length - 1;
    const before = await counted(one, async () => expect(await names()).toBe(20));
    for (const person of people) gone.add(person);
    const statements = await counted(one, async () => expect(await names()).toBe(12));
    expect(statements).toEqual({ ...before, 'key-after-events': 1 });
  });
});
