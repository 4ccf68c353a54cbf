import { ROOM_EVENTS } from '@ganglion/contracts';
import { type LoggedEvent, PduFate, type RoomEvents } from '@ganglion/contracts/room';
import { ready } from '@ganglion/protocol';
import { eventually } from '@ganglion/testing';
import { enter, FarRoom, REMOTE, receive } from './support/far-room.js';
import { headOf } from './support/received-room.js';
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

const farRoom = (version?: string, joinRule?: string) => new FarRoom(servers.keys, version, joinRule);

describe('what another server sends', () => {
  it('is redacted when its content is not what its hash says, and invalid when it is no event of the room', async () => {
    const room = farRoom();
    const join = room.join(ALICE);
    await enter(replicas[0], room, join.eventId);
    const other = farRoom();
    const changed = JSON.stringify({ ...JSON.parse(room.message('as signed').json), content: { body: 'changed' } });
    const { outcomes } = await receive(replicas[0], room, [changed, '{', '[]', other.message('elsewhere').json, '{}']);
    expect(outcomes.map(({ fate }) => fate)).toEqual([
      PduFate.ACCEPTED,
      ...[PduFate.INVALID, PduFate.INVALID, PduFate.INVALID, PduFate.INVALID],
    ]);
    for (const { reason } of outcomes.slice(1)) expect(reason).not.toBe('');
    const { events } = await replicas[0].roomLog.getEvents({
      ...{ roomId: room.writer.roomId, eventIds: [outcomes[0]!.eventId], eventNids: [], roomNids: [] },
    });
    expect(JSON.parse(events[0]!.pduJson).content).toEqual({});
  });

  it('stays what it was when it first came, whole or not, though it comes again otherwise', async () => {
    const room = farRoom();
    const topics = ['whole first', 'changed first'].map((topic, index) =>
      room.state('m.room.topic', { topic }, `${index}`),
    );
    const changed = topics.map(({ json }) => JSON.stringify({ ...JSON.parse(json), content: { topic: 'changed' } }));
    const join = room.join(ALICE);
    const { roomId } = room.writer;
    const first = [topics[0]!.json, changed[1]!];
    const others = room.writer.events
      .filter((event) => event !== join && !topics.includes(event))
      .map(({ json }) => json);
    const pdusJson = [...others, ...first];
    await replicas[0].roomIntake.storeOutliers({ roomId, roomVersion: room.version, pdusJson });
    const stateEventIds = [...join.stateBefore.values()];
    await replicas[0].roomIntake.placeWithState({ roomId, pduJson: join.json, stateEventIds, backfill: false });
    const again = [changed[0]!, topics[1]!.json];
    const published: LoggedEvent[] = [];
    const consumer = { stream: ROOM_EVENTS, durable: 'test', maxBatch: 100, maxAttempts: 5, backoffMs: [100] };
    const key = ({ roomId }: RoomEvents) => roomId;
    const subscription = await servers.testBus.bus.consume({ ...consumer, key }, async (batch) => {
      for (const { message } of batch) if (message.roomId === roomId) published.push(...message.events);
    });
    await receive(replicas[1], room, [...others, ...again], true);
    const contents = (from: readonly LoggedEvent[]) =>
      topics.map(({ eventId }) => JSON.parse(from.find((each) => each.eventId === eventId)!.pduJson).content);
    const { events } = await replicas[0].roomLog.getRoomEvents({ roomId, afterSeq: 0, limit: 100, backfilled: true });
    expect(contents(events!.events)).toEqual([{ topic: 'whole first' }, {}]);
    await eventually(() => expect(contents(published)).toEqual([{ topic: 'whole first' }, {}]));
    await subscription.stop();
  });

  it('is rejected by its auth events or the state before it, and soft-failed by the current state', async () => {
    const room = farRoom();
    const mallory = '@mallory:far.test';
    const in1 = room.join(mallory);
    const join = room.join(ALICE);
    await enter(replicas[0], room, join.eventId);
    const ban = room.state('m.room.member', { membership: 'ban' }, mallory);
    const evading = room.message('evading the ban', [join.eventId], mallory);
    const banned = room.message('after the ban', [ban.eventId], mallory);
    const { outcomes } = await receive(replicas[0], room, [ban.json, evading.json, banned.json]);
    expect(outcomes.map(({ fate }) => fate)).toEqual([PduFate.ACCEPTED, PduFate.SOFT_FAILED, PduFate.REJECTED]);
    const { events } = await replicas[1].roomLog.getRoomEvents({
      ...{ roomId: room.writer.roomId, afterSeq: 0, limit: 10, backfilled: false },
    });
    expect(events?.events.map(({ eventId }) => eventId)).toEqual([join.eventId, ban.eventId]);
    expect((await headOf(replicas[0].db, room.writer.roomId)).extremities).toEqual([ban.eventId]);
    expect(in1.rejected).toBe(false);
  });

  it('is redacted by a redaction that came first', async () => {
    const room = farRoom();
    const join = room.join(ALICE);
    await enter(replicas[0], room, join.eventId);
    const target = room.message('to be redacted');
    const redacts = { redacts: target.eventId };
    const redaction = room.state('m.room.topic', { topic: 'before' });
    const redacting = room.writer.write(
      { type: 'm.room.redaction', sender: REMOTE, content: redacts, origin_server_ts: 1 },
      [redaction.eventId],
    );
    // The redaction reaches us on a fork of its own, bridged by a state; what it redacts comes later.
    expect(await enter(replicas[0], room, redacting.eventId)).toMatchObject({ fate: PduFate.ACCEPTED });
    await receive(replicas[1], room, [target.json]);
    const { events } = await replicas[0].roomLog.getEvents({
      ...{ roomId: room.writer.roomId, eventIds: [target.eventId], eventNids: [], roomNids: [] },
    });
    expect(events).toMatchObject([{ redactedBecause: { eventId: redacting.eventId } }]);
    const log = await replicas[0].roomLog.getRoomEvents({
      ...{ roomId: room.writer.roomId, afterSeq: 2, limit: 10, backfilled: false },
    });
    expect(log.events?.events).toMatchObject([
      { eventId: target.eventId, redactedBecause: { eventId: redacting.eventId } },
    ]);
  });
});
