import { stateTuple } from '@ganglion/protocol';
import { States } from '../src/domain/state/states.js';
import { StateReader } from '../src/storage/state-reader.js';
import { PostgresStateRows } from '../src/storage/state-rows.js';
import { ALICE, BOB, CAROL, change, createRoom, roomNidOf, send, stepsBack, storedEvents } from './support/room.js';
import { type Replica, RoomServers } from './support/room-servers.js';

let servers: RoomServers;
let replica: Replica;
beforeAll(async () => {
  servers = await RoomServers.create();
  replica = await servers.start();
});
afterAll(() => servers.close());

const topic = (text: string) => ({ type: 'm.room.topic', stateKey: '', content: { topic: text } });

async function topicSeenBy(roomId: string, userId: string): Promise<string | undefined> {
  const { events } = await replica.roomReads.getState({ roomId, userId, type: 'm.room.topic', stateKey: '' });
  return events[0] && JSON.parse(events[0].pduJson).content.topic;
}

const refused = { status: 403, errcode: 'M_FORBIDDEN' };

describe('the state of a room', () => {
  it('is as of their leaving for those who have left, in whatever way', async () => {
    for (const end of ['leave', 'kick', 'ban'] as const) {
      const roomId = await createRoom(replica);
      await change(replica, roomId, BOB, 'join');
      await send(replica, roomId, ALICE, topic('while Bob is there'));
      await change(replica, roomId, end === 'leave' ? BOB : ALICE, end, BOB);
      await send(replica, roomId, ALICE, topic('afterwards'));
      expect(await topicSeenBy(roomId, BOB)).toBe('while Bob is there');
      expect(await topicSeenBy(roomId, ALICE)).toBe('afterwards');
      const own = await replica.roomReads.getState({ roomId, userId: BOB, type: 'm.room.member', stateKey: BOB });
      expect(JSON.parse(own.events[0]!.pduJson).content.membership).toBe(end === 'ban' ? 'ban' : 'leave');
    }
  });

  it('stays as of their leaving for those who are invited again, and when they have declined', async () => {
    const roomId = await createRoom(replica, { joinRules: { join_rule: 'invite' } });
    await change(replica, roomId, ALICE, 'invite', BOB);
    await change(replica, roomId, BOB, 'join');
    await send(replica, roomId, ALICE, topic('while Bob is there'));
    await change(replica, roomId, BOB, 'leave');
    await send(replica, roomId, ALICE, topic('afterwards'));
    await change(replica, roomId, ALICE, 'invite', BOB);
    expect(await topicSeenBy(roomId, BOB)).toBe('while Bob is there');
    await change(replica, roomId, BOB, 'leave');
    expect(await topicSeenBy(roomId, BOB)).toBe('while Bob is there');
  });

  it('stays as of their leaving for those who are banned, unbanned and banned again afterwards', async () => {
    const roomId = await createRoom(replica);
    await change(replica, roomId, BOB, 'join');
    await send(replica, roomId, ALICE, topic('while Bob is there'));
    await change(replica, roomId, BOB, 'leave');
    await send(replica, roomId, ALICE, topic('afterwards'));
    for (const action of ['ban', 'unban', 'ban'] as const) {
      await change(replica, roomId, ALICE, action, BOB);
      expect(await topicSeenBy(roomId, BOB)).toBe('while Bob is there');
      const own = await replica.roomReads.getState({ roomId, userId: BOB, type: 'm.room.member', stateKey: BOB });
      expect(JSON.parse(own.events[0]!.pduJson).content.membership).toBe('leave');
    }
  });

  it('is nobody’s who was never joined', async () => {
    const roomId = await createRoom(replica, { version: '11', joinRules: { join_rule: 'knock' } });
    await expect(topicSeenBy(roomId, CAROL)).rejects.toMatchObject(refused);
    await change(replica, roomId, CAROL, 'knock');
    await expect(topicSeenBy(roomId, CAROL)).rejects.toMatchObject(refused);
    await change(replica, roomId, ALICE, 'invite', BOB);
    await expect(topicSeenBy(roomId, BOB)).rejects.toMatchObject(refused);
    await change(replica, roomId, BOB, 'leave');
    await expect(topicSeenBy(roomId, BOB)).rejects.toMatchObject(refused);
    await change(replica, roomId, ALICE, 'ban', BOB);
    await expect(topicSeenBy(roomId, BOB)).rejects.toMatchObject(refused);
    await expect(topicSeenBy('!no:one.test', ALICE)).rejects.toMatchObject(refused);
  });

  it('is everybody’s, as of now, while the world may read it', async () => {
    const roomId = await createRoom(replica, { historyVisibility: 'world_readable' });
    await change(replica, roomId, BOB, 'join');
    await change(replica, roomId, BOB, 'leave');
    await send(replica, roomId, ALICE, topic('for all'));
    expect(await topicSeenBy(roomId, BOB)).toBe('for all');
    expect(await topicSeenBy(roomId, '@stranger:elsewhere.test')).toBe('for all');
    const closed = { type: 'm.room.history_visibility', stateKey: '', content: { history_visibility: 'joined' } };
    await send(replica, roomId, ALICE, closed);
    await expect(topicSeenBy(roomId, '@stranger:elsewhere.test')).rejects.toMatchObject(refused);
    expect(await topicSeenBy(roomId, BOB)).toBeUndefined();
  });

  it('can be asked for whole, by type, and by type and key', async () => {
    const roomId = await createRoom(replica);
    await send(replica, roomId, ALICE, { type: 'm.thing', stateKey: 'a', content: { n: 1 } });
    await send(replica, roomId, ALICE, { type: 'm.thing', stateKey: 'b', content: { n: 2 } });
    const count = async (query: object) =>
      (await replica.roomReads.getState({ roomId, userId: ALICE, ...query })).events.length;
    expect(await count({})).toBe(7);
    expect(await count({ type: 'm.thing' })).toBe(2);
    expect(await count({ type: 'm.thing', stateKey: 'b' })).toBe(1);
    expect(await count({ type: 'm.thing', stateKey: '' })).toBe(0);
  });
});

describe('the state around every event of a long history', () => {
  /** Keys of state by the event that holds them, as text that can be compared. */
  const inWords = (state: ReadonlyMap<string, string>) => [...state.values()].sort();

  it('is what replaying the room gives, also across restarts', async () => {
    const roomId = await createRoom(replica);
    let writer = replica;
    for (let index = 0; index < 150; index++) {
      if (index % 60 === 59) writer = await servers.start();
      const stateKey = index % 4 === 3 ? undefined : `${index % 5 === 0 ? index : index % 7}`;
      await send(writer, roomId, ALICE, { type: 'm.thing', stateKey, content: { index } });
    }
    const reader = new StateReader(replica.db, new States(new PostgresStateRows(replica.db)));
    const roomNid = await roomNidOf(replica.db, roomId);
    const state = new Map<string, string>();
    for (const { nid, eventId, pdu } of await storedEvents(replica.db, roomId)) {
      if (nid % 3 === 0) {
        const before = await reader.around(roomNid, nid, 'before');
        expect(before.map((event) => event.eventId).sort()).toEqual(inWords(state));
      }
      if (pdu.state_key !== undefined) state.set(stateTuple(pdu.type, pdu.state_key), eventId);
      if (nid % 3 === 0) {
        const after = await reader.around(roomNid, nid, 'after');
        expect(after.map((event) => event.eventId).sort()).toEqual(inWords(state));
      }
    }
  });

  it('is found in few steps, however long the history is', async () => {
    const roomId = await createRoom(replica);
    const topics = Array.from({ length: 600 }, (_, index) => ({ type: 'm.thing', stateKey: `${index}`, content: {} }));
    for (const each of topics) await send(replica, roomId, ALICE, each);
    const { steps, states } = await stepsBack(replica.db, roomId);
    expect(states).toBe(605);
    expect(steps).toBeLessThanOrEqual(22);
  });
});
