import { ROOM_VERSIONS, type StateTuple, splitStateTuple } from '@ganglion/protocol';
import { audit } from './support/audit.js';
import { ALICE, BOB, CAROL, change, createRoom, rulesOf, send, storedEvents } from './support/room.js';
import { type Replica, RoomServers } from './support/room-servers.js';

let servers: RoomServers;
let replica: Replica;
beforeAll(async () => {
  servers = await RoomServers.create();
  replica = await servers.start();
});
afterAll(() => servers.close());

const refused = { status: 403, errcode: 'M_FORBIDDEN' };

/** Everything that people do in a room. */
async function live(version: string): Promise<string> {
  const rules = rulesOf(version);
  const roomId = await createRoom(replica, { version });
  await change(replica, roomId, ALICE, 'invite', BOB, { displayname: 'Bob' });
  await change(replica, roomId, BOB, 'join', BOB, { displayname: 'Bob', reason: 'because' });
  await change(replica, roomId, CAROL, 'join');
  await send(replica, roomId, ALICE, { type: 'm.room.name', stateKey: '', content: { name: 'Bag End' } });
  const message = await send(replica, roomId, BOB);
  await send(replica, roomId, BOB, { type: 'm.room.redaction', content: { reason: 'typo' }, redacts: message.eventId });
  await expect(send(replica, roomId, BOB, { type: 'm.room.topic', stateKey: '', content: {} })).rejects.toMatchObject(
    refused,
  );
  const users = { ...(!rules.privilegedCreators && { [ALICE]: 100 }), [BOB]: 50 };
  await send(replica, roomId, ALICE, { type: 'm.room.power_levels', stateKey: '', content: { users } });
  await send(replica, roomId, BOB, { type: 'm.room.topic', stateKey: '', content: { topic: 'Hobbits' } });
  await change(replica, roomId, BOB, 'kick', CAROL, { reason: 'late' });
  await expect(send(replica, roomId, CAROL)).rejects.toMatchObject(refused);
  await change(replica, roomId, CAROL, 'join');
  await change(replica, roomId, BOB, 'ban', CAROL);
  await expect(change(replica, roomId, CAROL, 'join')).rejects.toMatchObject(refused);
  await expect(change(replica, roomId, CAROL, 'unban')).rejects.toMatchObject(refused);
  await change(replica, roomId, ALICE, 'unban', CAROL);
  await change(replica, roomId, CAROL, 'join');
  await change(replica, roomId, BOB, 'leave');
  await expect(send(replica, roomId, BOB)).rejects.toMatchObject(refused);
  await change(replica, roomId, BOB, 'join');
  await send(replica, roomId, CAROL, { type: 'm.reaction', content: { 'm.relates_to': { key: '👍' } } });
  return roomId;
}

describe.each(ROOM_VERSIONS.map(({ id }) => id))('in room version %s', (version) => {
  it('every event is what another server would accept', async () => {
    const roomId = await live(version);
    const events = await storedEvents(replica.db, roomId);
    expect(events.length).toBe(21);
    const state = audit(events, rulesOf(version), servers.keys);
    const { events: current } = await replica.roomReads.getState({ roomId, userId: ALICE });
    expect(current.map(({ eventId }) => eventId).sort()).toEqual([...state.values()].map((e) => e.eventId).sort());
    for (const [tuple, event] of state) {
      const [type, stateKey] = splitStateTuple(tuple as StateTuple);
      const answer = await replica.roomReads.getState({ roomId, userId: BOB, type, stateKey });
      expect(answer.events.map(({ eventId }) => eventId)).toEqual([event.eventId]);
    }
  });

  it('a redaction names its event where the version has it', async () => {
    const roomId = await createRoom(replica, { version });
    const { eventId } = await send(replica, roomId, ALICE);
    await send(replica, roomId, ALICE, { type: 'm.room.redaction', content: {}, redacts: eventId });
    const redaction = (await storedEvents(replica.db, roomId)).at(-1);
    const { redactsInContent } = rulesOf(version);
    expect(redaction?.pdu.content.redacts).toBe(redactsInContent ? eventId : undefined);
    expect(redaction?.pdu.redacts).toBe(redactsInContent ? undefined : eventId);
    expect(redaction?.redacts).toBe(eventId);
  });
});
