import type { Crowd } from './crowd.js';
import type { RoomLog } from './room-log.js';

/**
 * What must hold whatever has happened: each room has one order without a gap; every acknowledged message is in it, and
 * nothing else; and every reader has got exactly that, each message once.
 */
export async function expectOneOrder(crowd: Crowd, log: RoomLog): Promise<void> {
  for (const roomId of crowd.rooms) {
    const committed = await log.of(roomId);
    expect(committed.map(({ seq }) => seq)).toEqual(committed.map((_, index) => index + 1));
    const order = committed.filter(({ type }) => type === 'm.room.message').map(({ eventId }) => eventId);
    expect(order.toSorted()).toEqual(crowd.acknowledged(roomId).toSorted());
    for (const reader of crowd.readers) expect(crowd.read(reader, roomId)).toEqual(order);
  }
}
