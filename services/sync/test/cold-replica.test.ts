import type { Bus } from '@ganglion/bus';
import type { RoomLog } from '@ganglion/contracts/room';
import { BUSES } from '@ganglion/testing';

import { Deployment } from './support/deployment.js';
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
  };
}

describe.each(BUSES)('a replica that nobody has asked, on the %s bus', (_, makeBus) => {
  let deployment: Deployment;
  let appender: ReturnType<typeof gated>;

  beforeAll(async () => {
    deployment = await Deployment.create(makeBus);
    appender = gated(deployment.testBus.bus);
    const first = await deployment.start({ bus: appender.bus });
    const warm = deployment.person('warm', first);
    const roomId = await deployment.rooms.create(warm.userId);
    await warm.roomUntil(roomId, () => true);
  });
  afterAll(() => deployment.close());

  it('knows at its first answer what was committed before, although it is appended only then', async () => {
    const asked = Promise.withResolvers<void>();
    const roomLog = watched(deployment.rooms, (request) => {
      asked.resolve();
      return deployment.rooms.listRoomHeads(request);
    });
    const cold = await deployment.start({ asOneOfMany: true, roomLog });
    const alice = deployment.person('alice', cold);
    appender.close();
    const roomId = await deployment.rooms.create(alice.userId);
    const answer = alice.sync();
    await Promise.race([asked.promise, answer]);
    appender.open();
    expect(Object.keys((await answer).rooms.join)).toEqual([roomId]);
  });

  it('answers what it has when those who know more do not answer', async () => {
    const roomLog = watched(deployment.rooms, () => new Promise(() => {}));
    const cold = await deployment.start({ asOneOfMany: true, roomLog });
    const bob = deployment.person('bob', cold);
    const roomId = await deployment.rooms.create(bob.userId);
    const warm = bob.with({ url: (await deployment.start()).url });
    await warm.roomUntil(roomId, () => true);
    expect(Object.keys((await bob.sync()).rooms.join)).toEqual([roomId]);
  });
});
