import { PduFate } from '@ganglion/contracts/room';
import { type JsonObject, signingKeyFromSeed } from '@ganglion/protocol';
import { RoomWriter } from '@ganglion/protocol/testing';
import { audit } from './support/audit.js';
import { enter, FarRoom, receive } from './support/far-room.js';
import { ALICE, BOB, CAROL, change, createRoom, rulesOf, send, storedEvents } from './support/room.js';
import { type Replica, RoomServers } from './support/room-servers.js';

let servers: RoomServers;
let replicas: [Replica, Replica];
let replica: Replica;
beforeAll(async () => {
  servers = await RoomServers.create();
  replicas = [await servers.start(), await servers.start()];
  replica = replicas[0];
});
afterAll(() => servers.close());

const redact = (roomId: string, sender: string, redacts: string, reason = 'rude', by = replica) =>
  send(by, roomId, sender, { type: 'm.room.redaction', content: { reason }, redacts });

async function stateEvent(roomId: string, type: string, stateKey = '', userId = ALICE) {
  const { events } = await replicas[1].roomReads.getState({ roomId, userId, type, stateKey });
  const [event] = events;
  return event && { ...event, content: JSON.parse(event.pduJson).content as JsonObject };
}

const setTopic = (roomId: string, topic: string, by = replica) =>
  send(by, roomId, ALICE, { type: 'm.room.topic', stateKey: '', content: { topic } });

describe('who may redact what', () => {
  const forbidden = { status: 403, errcode: 'M_FORBIDDEN' };
  const absent = { status: 404, errcode: 'M_NOT_FOUND' };

  it.each(['1', '2', '3', '11', '12'])('in room version %s', async (version) => {
    const roomId = await createRoom(replica, { version });
    for (const userId of [BOB, CAROL]) await change(replica, roomId, userId, 'join');
    const bobs = await send(replica, roomId, BOB);
    const carols = await send(replica, roomId, CAROL);
    await redact(roomId, BOB, bobs.eventId);
    await redact(roomId, ALICE, carols.eventId);
    await expect(redact(roomId, BOB, carols.eventId)).rejects.toMatchObject(forbidden);
    const alices = await setTopic(roomId, 'mine');
    await expect(redact(roomId, CAROL, alices.eventId)).rejects.toMatchObject(forbidden);
    const [create] = await storedEvents(replica.db, roomId);
    await expect(redact(roomId, ALICE, create!.eventId)).rejects.toMatchObject(forbidden);
    const other = await send(replica, await createRoom(replica, { version }), ALICE);
    for (const target of [other.eventId, '$nothing', '$nothing:one.test', '']) {
      await expect(redact(roomId, BOB, target)).rejects.toMatchObject(absent);
    }
    await expect(redact(roomId, ALICE, '')).rejects.toMatchObject(absent);
    const sent = await storedEvents(replica.db, roomId);
    const ofOtherRoom = { status: 400, errcode: 'M_INVALID_PARAM' };
    await expect(redact(roomId, ALICE, other.eventId)).rejects.toMatchObject(ofOtherRoom);
    expect(await storedEvents(replica.db, roomId)).toHaveLength(sent.length);
    audit(await storedEvents(replica.db, roomId), rulesOf(version), servers.keys);
  });
});

describe('state that is redacted', () => {
  it.each(['1', '10', '12'])('is read redacted, and by what, in room version %s', async (version) => {
    const roomId = await createRoom(replica, { version });
    await change(replica, roomId, BOB, 'join', BOB, { displayname: 'Rude', reason: 'very rude' });
    await setTopic(roomId, 'rude');
    for (const [type, key] of [
      ['m.room.topic', ''],
      ['m.room.member', BOB],
    ] as const) {
      const target = await stateEvent(roomId, type, key);
      const redaction = await redact(roomId, ALICE, target!.eventId);
      const event = await stateEvent(roomId, type, key);
      expect(event?.eventId).toBe(target?.eventId);
      expect(event?.content).toEqual(type === 'm.room.topic' ? {} : { membership: 'join' });
      expect(event?.redactedBecause?.eventId).toBe(redaction.eventId);
      expect(JSON.parse(event!.redactedBecause!.pduJson)).toMatchObject({ sender: ALICE, content: { reason: 'rude' } });
    }
    audit(await storedEvents(replica.db, roomId), rulesOf(version), servers.keys);
  });

  it('is read without what the redaction of the redaction took', async () => {
    const roomId = await createRoom(replica);
    const topic = await setTopic(roomId, 'rude');
    const redaction = await redact(roomId, ALICE, topic.eventId, 'ruder');
    await redact(roomId, ALICE, redaction.eventId);
    const event = await stateEvent(roomId, 'm.room.topic');
    expect(event?.redactedBecause?.eventId).toBe(redaction.eventId);
    expect(event?.redactedBecause?.pduJson).not.toContain('ruder');
  });

  it('is read redacted by those who have left, too', async () => {
    const roomId = await createRoom(replica);
    await change(replica, roomId, BOB, 'join');
    const topic = await setTopic(roomId, 'rude');
    await change(replica, roomId, BOB, 'leave');
    await redact(roomId, ALICE, topic.eventId);
    expect((await stateEvent(roomId, 'm.room.topic', '', BOB))?.content).toEqual({});
  });

  it('can be set again to what it was, on every replica', async () => {
    const roomId = await createRoom(replica);
    const first = await setTopic(roomId, 'same');
    await redact(roomId, ALICE, first.eventId);
    const second = await setTopic(roomId, 'same');
    expect(second.eventId).not.toBe(first.eventId);
    expect((await setTopic(roomId, 'same')).eventId).toBe(second.eventId);
    await redact(roomId, ALICE, second.eventId, 'again', replicas[1]);
    const third = await setTopic(roomId, 'same', replicas[1]);
    expect(third.eventId).not.toBe(second.eventId);
    expect((await setTopic(roomId, 'same')).eventId).toBe(third.eventId);
    expect((await stateEvent(roomId, 'm.room.topic'))?.content).toEqual({ topic: 'same' });
  });

  it('does not come back with a change of profile', async () => {
    const roomId = await createRoom(replica);
    const join = await change(replica, roomId, BOB, 'join', BOB, { displayname: 'Bob', reason: 'rude' });
    await redact(roomId, BOB, join.eventId);
    await replicas[1].rooms.updateProfile({ userId: BOB, contentJson: '{"displayname":"Robert"}' });
    const member = await stateEvent(roomId, 'm.room.member', BOB);
    expect(member?.content).toEqual({ membership: 'join', displayname: 'Robert' });
  });

  it('does not come back with an alias that is deleted', async () => {
    const alias = (name: string) => `#${name}-redacted:one.test`;
    const roomId = await createRoom(replica);
    for (const name of ['a', 'b'])
      await replica.roomDirectory.createAlias({ alias: alias(name), roomId, userId: ALICE });
    const content = { alias: alias('a'), alt_aliases: [alias('b')] };
    const canonical = await send(replica, roomId, ALICE, { type: 'm.room.canonical_alias', stateKey: '', content });
    await redact(roomId, ALICE, canonical.eventId);
    await replica.roomDirectory.deleteAlias({ alias: alias('b'), userId: ALICE });
    expect((await stateEvent(roomId, 'm.room.canonical_alias'))?.content).toEqual({});
  });

  it('is not listed in the directory', async () => {
    const name = { type: 'm.room.name', stateKey: '', content: { name: 'Rude Room' } };
    const roomId = await createRoom(replica, { published: true, more: [name] });
    const list = async (searchTerm?: string) => {
      const { rooms } = await replica.roomDirectory.listPublicRooms({ limit: 100, roomTypes: [], searchTerm });
      const found = rooms.find((room) => room.roomId === roomId);
      return found && JSON.parse(found.summaryJson);
    };
    expect((await list('rude room'))?.name).toBe('Rude Room');
    await redact(roomId, ALICE, (await stateEvent(roomId, 'm.room.name'))!.eventId);
    expect(await list('rude room')).toBeUndefined();
    expect(await list()).toMatchObject({ join_rule: 'public' });
    expect((await list())?.name).toBeUndefined();
  });

  it('goes on to authorise: an event is checked by what was signed', async () => {
    const roomId = await createRoom(replica, { version: '10', powerLevels: { invite: 50, users: { [ALICE]: 100 } } });
    await change(replica, roomId, BOB, 'join');
    const levels = await stateEvent(roomId, 'm.room.power_levels');
    await redact(roomId, ALICE, levels!.eventId);
    const invite = change(await servers.start(), roomId, BOB, 'invite', CAROL);
    await expect(invite).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
  });
});

it.each(['1', '10', '12'])('takes effect on what comes later, in room version %s', async (version) => {
  const room = new FarRoom(servers.keys, version);
  const join = room.join(ALICE);
  const levels = room.state('m.room.power_levels', { users: { [ALICE]: 50 }, redact: 50 });
  await enter(replica, room, levels.eventId);
  const { roomId } = room.writer;
  const late = room.message('late', [levels.eventId]);
  const { eventId } = await redact(roomId, ALICE, late.eventId);
  await receive(replicas[1], room, [late.json]);
  const asked = { roomId, eventIds: [late.eventId], eventNids: [], roomNids: [] };
  const [event] = (await replica.roomLog.getEvents(asked)).events;
  expect(JSON.parse(event!.pduJson).content).toEqual({});
  expect(event!.redactedBecause?.eventId).toBe(eventId);
  expect(join.rejected).toBe(false);
});

describe('redactions from elsewhere that have no power', () => {
  const OWNER = '@owner:a.example';
  const STRANGER = '@stranger:b.example';

  /** A message, and a redaction of it that knows nothing of it. */
  function quarrel(version: string) {
    const names = ['a.example', 'b.example'];
    const keys = new Map(
      names.map((name, index) => [name, signingKeyFromSeed('1', new Uint8Array(32).fill(40 + index))]),
    );
    const writer = new RoomWriter({ rules: rulesOf(version), keys, salt: `quarrel${version}x${Date.now()}` });
    const add = (
      sender: string,
      type: string,
      state_key: string | undefined,
      content: JsonObject,
      redacts?: string,
    ) => {
      const after = type === 'm.room.redaction' ? writer.events.at(-2)! : writer.events.at(-1);
      const draft = { sender, type, state_key, content, redacts, origin_server_ts: 1_700_000_000_000 };
      return writer.write(draft, after === undefined ? [] : [after.eventId]);
    };
    add(OWNER, 'm.room.create', '', { room_version: version, creator: OWNER, 'org.example.number': Date.now() });
    add(OWNER, 'm.room.member', OWNER, { membership: 'join' });
    add(OWNER, 'm.room.join_rules', '', { join_rule: 'public' });
    add(STRANGER, 'm.room.member', STRANGER, { membership: 'join' });
    const message = add(OWNER, 'm.room.message', undefined, { body: 'mine', msgtype: 'm.text' });
    const redaction = add(STRANGER, 'm.room.redaction', undefined, {}, message.eventId);
    return { writer, message, redaction };
  }

  it.each([
    ['3', 'after'],
    ['3', 'before'],
    ['12', 'after'],
    ['12', 'before'],
  ])('take nothing away, in room version %s, when they come %s what they name', async (version, order) => {
    const { writer, message, redaction } = quarrel(version);
    const { roomId } = writer;
    await replica.roomIntake.storeOutliers({ roomId, roomVersion: version, pdusJson: [] });
    const beginning = writer.events.slice(0, 4);
    const latest = order === 'after' ? [message, redaction] : [redaction, message];
    for (const { json, eventId } of [...beginning, ...latest]) {
      const { outcomes } = await replica.roomIntake.receivePdus({ roomId, pdusJson: [json], backfill: false });
      expect(outcomes).toMatchObject([{ eventId, fate: PduFate.ACCEPTED }]);
    }
    const { events } = await replica.roomLog.getEvents({
      roomId,
      eventIds: [message.eventId],
      eventNids: [],
      roomNids: [],
    });
    expect(JSON.parse(events[0]!.pduJson).content.body).toBe('mine');
    const log = await replica.roomLog.getRoomEvents({ roomId, afterSeq: 4, limit: 10, backfilled: false });
    const told = new Map(log.events!.events.map((event) => [event.eventId, event]));
    expect(told.get(message.eventId)?.redactedBecause).toBeUndefined();
    expect(told.get(redaction.eventId)?.redactedEventNid).toBeUndefined();
    if (order === 'after') expect(told.get(redaction.eventId)?.redactedEventId).toBeUndefined();
  });
});
