import type { Bus } from '@ganglion/bus';
import type { RoomLog } from '@ganglion/contracts/room';
import { BUSES } from '@ganglion/testing';
import { Deployment } from './support/deployment.js';
import type { Person } from './support/person.js';
import { overriding } from './support/trouble.js';

/** A bus that brings room events only while a gate is open. */
function gated(bus: Bus) {
  let gate = Promise.withResolvers<void>();
  gate.resolve();
  const consume: Bus['consume'] = (consumer, handler) =>
    bus.consume(consumer, async (batch) => {
      if (consumer.stream.name === 'room-events') await gate.promise;
      await handler(batch);
    });
  return {
    bus: overriding(bus, { consume }),
    open: () => gate.resolve(),
    close: () => {
      gate = Promise.withResolvers();
    },
  };
}

/** What was committed, by way of somebody who sees when a replica asks which rooms have changed. */
function watched(log: RoomLog, listRoomHeads: RoomLog['listRoomHeads']): RoomLog {
  return {
    listRoomHeads,
    getRoomEvents: (request) => log.getRoomEvents(request),
    getEvents: (request) => log.getEvents(request),
    getStateChanges: (request) => log.getStateChanges(request),
    getStateAtEvent: (request) => log.getStateAtEvent(request),
    getNews: (request) => log.getNews(request),
    listPurges: (request) => log.listPurges(request),
    findRoomsOfEvent: (request) => log.findRoomsOfEvent(request),
  };
}

describe.each(BUSES)('a replica that has missed announcements, on the %s bus', (_, makeBus) => {
  let deployment: Deployment;
  let appender: ReturnType<typeof gated>;
  let warm: Person;

  beforeAll(async () => {
    deployment = await Deployment.create(makeBus);
    appender = gated(deployment.testBus.bus);
    const first = await deployment.start({ bus: appender.bus });
    warm = deployment.person('warm', first);
    const roomId = await deployment.rooms.create(warm.userId);
    await warm.roomUntil(roomId, () => true);
  });
  afterAll(() => deployment.close());

  /** A room that somebody is in is committed, and appended only when their replica has asked for it or has answered. */
  async function firstAnswer(person: Person, asked: Promise<void>, beforeIt: () => Promise<unknown> = async () => {}) {
    appender.close();
    const roomId = await deployment.rooms.create(person.userId);
    await beforeIt();
    const answer = person.sync();
    const hasAsked = await Promise.race([asked.then(() => true), answer.then(() => false)]);
    appender.open();
    return { roomId, hasAsked, rooms: Object.keys((await answer).rooms.join) };
  }

  it('knows at its first answer what was committed before, although it is appended only then', async () => {
    const asked = Promise.withResolvers<void>();
    const roomLog = watched(deployment.rooms, (request) => {
      asked.resolve();
      return deployment.rooms.listRoomHeads(request);
    });
    const cold = await deployment.start({ asOneOfMany: true, roomLog });
    const { roomId, rooms } = await firstAnswer(deployment.person('alice', cold), asked.promise);
    expect(rooms).toEqual([roomId]);
  });

  it('asks again when it had to begin afresh', async () => {
    let asked = Promise.withResolvers<void>();
    const roomLog = watched(deployment.rooms, (request) => {
      asked.resolve();
      return deployment.rooms.listRoomHeads(request);
    });
    const late = await deployment.start({ asOneOfMany: true, roomLog });
    const carol = deployment.person('carol', late);
    const loud = await deployment.rooms.create(carol.userId, warm.userId);
    await carol.roomUntil(loud, () => true);
    late.trouble.loses = () => true;
    const held = late.trouble.hold('read-position');
    await held.answered;
    const woken = carol.sync({ timeout: 20_000 });
    const noise = Array.from({ length: 250 }, () => ({
      ...{ type: 'm.room.message', sender: carol.userId, content: { body: 'noise' } },
    }));
    for (let round = 0; round < 21; round++) await deployment.rooms.commit(loud, noise);
    await warm.sees(loud, await deployment.rooms.say(loud, carol.userId, 'That was all'));
    asked = Promise.withResolvers();
    const dave = deployment.person('dave', late);
    const { roomId, hasAsked, rooms } = await firstAnswer(dave, asked.promise, () => {
      held.release();
      return woken;
    });
    expect(hasAsked).toBe(true);
    // On a busy machine thousands of events take longer than anybody is kept waiting.
    if (!rooms.includes(roomId)) await dave.roomUntil(roomId, () => true);
  }, 60_000);

  it('answers what it has when those who know more do not answer', async () => {
    const silence = Promise.withResolvers<never>();
    const roomLog = watched(deployment.rooms, () => silence.promise);
    const cold = await deployment.start({ asOneOfMany: true, roomLog });
    const bob = deployment.person('bob', cold);
    const roomId = await deployment.rooms.create(bob.userId);
    const warm = bob.with({ url: (await deployment.start()).url });
    await warm.roomUntil(roomId, () => true);
    expect(Object.keys((await bob.sync()).rooms.join)).toEqual([roomId]);
    silence.reject(new Error('they are gone'));
  });
});
