import { jest } from '@jest/globals';
import { CatchUp, type CatchUpDependencies } from '../src/domain/append/catch-up.js';

const ROOM = { roomId: '!room:one.test', roomSeq: 4, backSeq: 0, purgeSeq: 1 };
const none = { heads: [], cursor: 0 };
const { signal } = new AbortController();

/** A room that is appended but for its purge, with a log that lists it once, and what one can look at. */
function beginning() {
  const append = jest.fn<(incoming: object) => Promise<void>>(async () => {});
  const saveCursors = jest.fn<(epoch: number, cursors: object) => Promise<void>>(async () => {});
  const deps = {
    ...{ epoch: 1, appender: { append }, logger: { error: () => {} }, isOwnerAway: () => false },
    model: {
      saveCursors,
      isAway: () => false,
      userSeqs: async () => new Map(),
      roomSeqs: async () => new Map([[ROOM.roomId, { nid: 7, seq: 4, backSeq: 0, purgeSeq: 0 }]]),
    },
    roomLog: {
      listRoomHeads: async ({ sinceCursor }: { sinceCursor: number }) => {
        return { heads: sinceCursor < 9 ? [ROOM] : [], cursor: 9 };
      },
      listPurges: async ({ afterPurgeSeq }: { afterPurgeSeq: number }) => {
        return { purges: afterPurgeSeq < 1 ? [{ purgeSeq: 1, eventNids: [3] }] : [] };
      },
    },
    deviceLists: { keySeqs: async () => new Map() },
    userLog: { listUserHeads: async () => none },
    keyLog: { listKeyHeads: async () => none },
  } as unknown as CatchUpDependencies;
  const state = { position: 0, typing: undefined, roomCursor: 1, userCursor: 0, keyCursor: 0 };
  return { append, saveCursors, catchUp: new CatchUp(state, deps) };
}

it('what was purged goes with the next look when it could not go with the first, though nothing happens in the room', async () => {
  const { append, saveCursors, catchUp } = beginning();
  append.mockRejectedValueOnce(new Error('a deadlock'));
  await catchUp.run(signal);
  // Whoever appends next finds the room in the log again.
  expect(saveCursors).not.toHaveBeenCalled();
  await catchUp.run(signal);
  expect(append.mock.calls).toEqual([1, 2].map(() => [{ purge: { roomNid: 7, purgeSeq: 1, eventNids: [3] } }]));
  expect(saveCursors).toHaveBeenCalledWith(1, expect.objectContaining({ roomCursor: 9 }));
});
