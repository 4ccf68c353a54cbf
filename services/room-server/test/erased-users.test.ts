import { eventIdOf, type JsonObject, type Pdu, ready, roomVersionRules } from '@ganglion/protocol';
import { eventually } from '@ganglion/testing';
import { joinFromFar } from './support/far-memberships.js';
import { FAR } from './support/far-room.js';
import { ALICE, BOB, change, createRoom, send } from './support/room.js';
import { erased, type Replica, RoomServers } from './support/room-servers.js';

let servers: RoomServers;
let replicas: [Replica, Replica];
beforeAll(async () => {
  await ready();
  servers = await RoomServers.create();
  replicas = [await servers.start(), await servers.start()];
});
afterAll(() => servers.close());
beforeEach(() => erased.clear());

const rules = roomVersionRules('12')!;

async function served(replica: Replica, roomId: string, eventId: string): Promise<Pdu> {
  const asked = { serverName: FAR, roomId, eventIds: [eventId] };
  return JSON.parse((await replica.roomFederation.getEventsForServer(asked)).events[0]!.pduJson);
}

/** Bob's name, and what he has said before another server came and after it. */
async function history() {
  const roomId = await createRoom(replicas[0]);
  const joined = await change(replicas[0], roomId, BOB, 'join', BOB, { displayname: 'Secret name' });
  const before = await send(replicas[0], roomId, BOB, { content: { body: 'Secret message' } });
  const join = await joinFromFar(replicas[0], roomId);
  const after = await send(replicas[0], roomId, BOB, { content: { body: 'Said to all' } });
  await change(replicas[0], roomId, BOB, 'leave');
  return { roomId, joined: joined.eventId, before: before.eventId, after: after.eventId, join: join.eventId };
}

describe('what somebody has said who was erased since', () => {
  it('is the redacted event for a server that had nobody there, by whichever replica it asks', async () => {
    const { roomId, joined, before, after } = await history();
    expect((await served(replicas[0], roomId, before)).content).toEqual({ body: 'Secret message' });
    erased.add(BOB);
    for (const replica of replicas) {
      await eventually(async () => expect((await served(replica, roomId, before)).content).toEqual({}));
      const copy = await served(replica, roomId, before);
      expect(eventIdOf(copy, rules)).toBe(before);
      expect((await served(replica, roomId, joined)).content).toEqual({ membership: 'join' });
      expect((await served(replica, roomId, after)).content).toEqual({ body: 'Said to all' });
    }
  });

  it('is redacted in history that is walked back and in gaps that are filled', async () => {
    const { roomId, before, after, join } = await history();
    erased.add(BOB);
    const { roomFederation } = replicas[1];
    await eventually(async () => expect((await served(replicas[1], roomId, before)).content).toEqual({}));
    const room = { serverName: FAR, roomId };
    const { events: walked } = await roomFederation.backfill({ ...room, fromEventIds: [after], limit: 100 });
    const missing = { ...room, earliestEventIds: [], latestEventIds: [join], limit: 20, minDepth: 0 };
    const { events: filled } = await roomFederation.getMissingEvents(missing);
    for (const events of [walked, filled]) {
      expect(events.map(({ eventId }) => eventId)).toContain(before);
      expect(JSON.stringify(events)).not.toContain('Secret');
    }
    expect(JSON.stringify(walked)).toContain('Said to all');
  });

  it('is whole where it is the state of the room, but for the names of members', async () => {
    const roomId = await createRoom(replicas[0]);
    const encryption: JsonObject = { algorithm: 'm.megolm.v1.aes-sha2' };
    await send(replicas[0], roomId, ALICE, { type: 'm.room.encryption', stateKey: '', content: encryption });
    const named = { membership: 'join', displayname: 'Secret name' };
    await send(replicas[0], roomId, ALICE, { type: 'm.room.member', stateKey: ALICE, content: named });
    const { eventId } = await joinFromFar(replicas[0], roomId);
    erased.add(ALICE);
    const state = async () => {
      const asked = { serverName: FAR, roomId, eventId, afterKey: 0, limit: 100, idsOnly: false, omitMembers: false };
      const { events } = await replicas[0].roomFederation.getStateBefore(asked);
      return events.map(({ pduJson }) => JSON.parse(pduJson) as Pdu);
    };
    await eventually(async () => expect(JSON.stringify(await state())).not.toContain('Secret'));
    const told = await state();
    expect(told.find(({ type }) => type === 'm.room.encryption')?.content).toEqual(encryption);
    expect(told.find(({ state_key }) => state_key === ALICE)?.content).toEqual({ membership: 'join' });
  });

  it('is whole as long as the server has somebody there', async () => {
    const roomId = await createRoom(replicas[0], { version: '8' });
    const before = await send(replicas[0], roomId, ALICE, { content: { body: 'Secret' } });
    await joinFromFar(replicas[0], roomId, { version: '8' });
    const after = await send(replicas[0], roomId, ALICE, { content: { body: 'Seen' } });
    erased.add(ALICE).add(BOB);
    await eventually(async () => expect((await served(replicas[0], roomId, before.eventId)).content).toEqual({}));
    expect((await served(replicas[0], roomId, after.eventId)).content).toEqual({ body: 'Seen' });
  });
});
