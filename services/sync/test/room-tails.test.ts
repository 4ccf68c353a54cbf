import type { OrderPage } from '../src/domain/ports/read-model.js';
import { RoomTails } from '../src/domain/views/room-tails.js';
import { NOTHING } from './support/batches.js';

/** A room without end, and how often it was read. */
function model() {
  const reads: number[] = [];
  return {
    reads,
    async eventsInOrder({ roomNid, from, limit }: OrderPage) {
      reads.push(roomNid);
      const last = Math.min(from.position, 5_000);
      return Array.from({ length: limit }, (_, index) => {
        const position = last - index;
        return { roomNid, position, depth: position, eventNid: position, visibility: 'shared' as const };
      });
    },
  };
}

const END = { depth: Number.MAX_SAFE_INTEGER, position: Number.MAX_SAFE_INTEGER };
const pageOf = (tails: RoomTails, roomNid: number, limit: number) =>
  tails.page({ roomNid, from: END, upTo: 5_000, direction: 'backwards', limit }, '@alice:one.test');

it('what is remembered of rooms is bounded by how much it is, and not by how many they are', async () => {
  const rooms = model();
  const tails = new RoomTails(rooms);
  await pageOf(tails, 1, 900);
  await pageOf(tails, 1, 900);
  expect(rooms.reads).toEqual([1]);
  for (let roomNid = 2; roomNid < 70; roomNid++) await pageOf(tails, roomNid, 900);
  await pageOf(tails, 69, 900);
  await pageOf(tails, 1, 900);
  expect(rooms.reads.filter((roomNid) => roomNid === 69)).toHaveLength(1);
  expect(rooms.reads.filter((roomNid) => roomNid === 1)).toHaveLength(2);
});

it('nothing is remembered that an appender of the release before may have changed without telling', async () => {
  const rooms = model();
  const tails = new RoomTails(rooms);
  await pageOf(tails, 1, 10);
  tails.apply({ ...NOTHING, previousPosition: 5_000, position: 5_001, backfills: undefined });
  await pageOf(tails, 1, 10);
  expect(rooms.reads).toEqual([1, 1]);
});
