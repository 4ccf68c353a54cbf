import { jest } from '@jest/globals';
import { CatchUp, type CatchUpDependencies } from '../src/domain/append/catch-up.js';

const ROOM = { roomId: '!room:one.test', roomSeq: 4, backSeq: 0, purgeSeq: 1 };
const none = { heads: [], cursor: 0 };
const { signal } = new AbortController();

class Trouble extends Error {
  constructor(readonly kind: 'away' | 'failed') {
    super(kind);
  }
}
const ownerTrouble = (error: unknown) => (error instanceof Trouble ? error.kind : undefined);

/** A room that is appended but for its purge, with a log that lists it once, and what one can look at. */
function beginning() {
  const append = jest.fn<(incoming: object) => Promise<void>>(async () => {});
  const saveCursors = jest.fn<(epoch: number, cursors: object) => Promise<void>>(async () => {});
  const deps = {
    ...{ epoch: 1, appender: { append }, logger: { error: () => {} }, ownerTrouble },
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

/** Two users with a change each, whose log fails for the first. */
function twoUsers(failures: number, kind: 'away' | 'failed') {
  const appended: string[] = [];
  const saveCursors = jest.fn<(epoch: number, cursors: object) => Promise<void>>(async () => {});
  let failed = 0;
  const deps = {
    ...{ epoch: 1, logger: { error: () => {} }, ownerTrouble },
    appender: { append: async ({ user }: { user: { userId: string } }) => void appended.push(user.userId) },
    model: {
      saveCursors,
      isAway: () => false,
      roomSeqs: async () => new Map(),
      userSeqs: async (ids: string[]) => new Map(ids.map((id) => [id, appended.includes(id) ? 1 : 0])),
    },
    roomLog: { listRoomHeads: async () => none },
    deviceLists: { keySeqs: async () => new Map() },
    userLog: {
      listUserHeads: async ({ sinceCursor }: { sinceCursor: number }) => {
        const heads = ['@ill:one.test', '@well:one.test'].map((userId) => ({ userId, userSeq: 1 }));
        return { heads: sinceCursor < 9 ? heads : [], cursor: 9 };
      },
      getUserChanges: async ({ userId }: { userId: string }) => {
        if (userId === '@ill:one.test' && failed++ < failures) throw new Trouble(kind);
        return { changes: { userId, changes: [{ userSeq: 1 }] }, more: false };
      },
    },
    keyLog: { listKeyHeads: async () => none },
  } as unknown as CatchUpDependencies;
  const state = { position: 0, typing: undefined, roomCursor: 0, userCursor: 1, keyCursor: 0 };
  return { appended, saveCursors, catchUp: new CatchUp(state, deps) };
}

it('a log whose owner fails at it keeps nobody else waiting, and is read with a later look', async () => {
  const { appended, saveCursors, catchUp } = twoUsers(2, 'failed');
  await catchUp.run(signal);
  expect(appended).toEqual(['@well:one.test']);
  expect(saveCursors).not.toHaveBeenCalled();
  await catchUp.run(signal);
  await catchUp.run(signal);
  expect(appended).toEqual(['@well:one.test', '@ill:one.test']);
  expect(saveCursors).toHaveBeenCalledWith(1, expect.objectContaining({ userCursor: 9 }));
});

it('an owner who is away is waited for', async () => {
  const { appended, catchUp } = twoUsers(1, 'away');
  await expect(catchUp.run(signal)).rejects.toThrow('away');
  expect(appended).toEqual([]);
  await catchUp.run(signal);
  expect(appended).toEqual(['@ill:one.test', '@well:one.test']);
});
