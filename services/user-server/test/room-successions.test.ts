import type { Bus } from '@ganglion/bus';
import type { RoomEvents } from '@ganglion/contracts/room';
import { RoomSuccessions, type SuccessionReaders } from '../src/consumers/room-successions.js';
import type { Announcements, Succession } from '../src/domain/ports.js';

const ALICE = '@alice:one.test';
const SUCCESSION = { roomId: '!old:x', replacementRoomId: '!new:x' };

type Read = (batch: readonly { message: RoomEvents }[]) => Promise<void>;

/** What is read of rooms, and whose settings go along where. */
async function reading(
  listSuccessions: SuccessionReaders['roomSummaries']['listSuccessions'],
  inheritAliases = async (): Promise<{ aliases: string[] }> => ({ aliases: [] }),
) {
  const followed: [readonly string[], Succession][] = [];
  const pages: string[] = [];
  const inherited: string[] = [];
  let read: Read | undefined;
  const bus = {
    consume: async (_: unknown, handle: Read) => {
      read = handle;
      return { stop: async () => {} };
    },
  };
  const roomReads = {
    async listOurUsers({ roomId }: { roomId: string }) {
      pages.push(roomId);
      return { userIds: [ALICE, '@bob:one.test'], nextUser: undefined };
    },
  };
  const successions = new RoomSuccessions(
    bus as unknown as Bus,
    {
      roomReads,
      roomSummaries: {
        listSuccessions,
        async inheritAliases({ roomId, replacementRoomId }) {
          inherited.push(`${roomId} ${replacementRoomId}`);
          return inheritAliases();
        },
      },
    },
    {
      isFollowed: async (roomId) => followed.some(([, { to }]) => to === roomId),
      async follow(userIds, succession) {
        followed.push([userIds, succession]);
        return [];
      },
    },
    { changed() {} } as unknown as Announcements,
    (serverName) => serverName === 'one.test',
  );
  await successions.start();
  const tell = (roomId: string, type: string, stateKey: string, membership?: string) => {
    const change = { type, stateKey, membership, keyNid: 1, eventNid: 2, eventId: '$event' };
    const events = [{ stateChanges: [change], hasMoreStateChanges: false }];
    return read!([{ message: { roomId, roomVersion: '12', roomNid: 1, events } as unknown as RoomEvents }]);
  };
  return { followed, pages, inherited, tell };
}

it('whoever joins the new room has what they had in the old one, and nobody else is looked at', async () => {
  const { followed, pages, tell } = await reading(async () => ({ successions: [SUCCESSION], stayedNids: [] }));
  await tell('!new:x', 'm.room.member', ALICE, 'join');
  expect(followed).toEqual([[[ALICE], { from: '!old:x', to: '!new:x' }]]);
  // Who joins the old one, or calls themselves otherwise there, moves nobody.
  await tell('!old:x', 'm.room.member', ALICE, 'join');
  expect([followed.length, pages]).toEqual([1, []]);
});

it('whoever was in the new room before moves nothing when they call themselves otherwise', async () => {
  const asked: number[][] = [];
  const { followed, tell } = await reading(async ({ joinNids }) => {
    asked.push(joinNids);
    return { successions: [SUCCESSION], stayedNids: joinNids };
  });
  await tell('!new:x', 'm.room.member', ALICE, 'join');
  expect([asked, followed.flatMap(([userIds]) => userIds)]).toEqual([[[2]], []]);
});

it('everybody in the new room has what they had in the old one as soon as that says that it is replaced', async () => {
  const { followed, pages, tell } = await reading(async () => ({ successions: [SUCCESSION], stayedNids: [] }));
  await tell('!old:x', 'm.room.tombstone', '');
  expect(pages).toEqual(['!new:x']);
  expect(followed.map(([userIds]) => userIds)).toEqual([[ALICE, '@bob:one.test']]);
});

it('the aliases of the old room come along before the first who follows, and again should that be all that was done', async () => {
  let isAway = true;
  const { followed, inherited, tell } = await reading(
    async () => ({ successions: [SUCCESSION], stayedNids: [] }),
    async () => {
      if (isAway) throw new Error('away');
      return { aliases: [] };
    },
  );
  const join = () => tell('!new:x', 'm.room.member', ALICE, 'join');
  await expect(join()).rejects.toThrow('away');
  expect(followed).toEqual([]);
  isAway = false;
  for (let times = 0; times < 2; times++) await join();
  expect([inherited, followed.length]).toEqual([Array(2).fill('!old:x !new:x'), 2]);
});

it('a room-server of the release before, which knows no successions, keeps no message waiting', async () => {
  const unknown = Object.assign(new Error('what?'), { code: 'UNIMPLEMENTED' });
  const { followed, tell } = await reading(() => Promise.reject(unknown));
  await tell('!new:x', 'm.room.member', ALICE, 'join');
  expect(followed).toEqual([]);
  const half = await reading(
    async () => ({ successions: [SUCCESSION], stayedNids: [] }),
    () => Promise.reject(unknown),
  );
  await half.tell('!new:x', 'm.room.member', ALICE, 'join');
  expect(half.followed).toHaveLength(1);
  const away = await reading(() => Promise.reject(Object.assign(new Error('away'), { code: 'UNAVAILABLE' })));
  await expect(away.tell('!new:x', 'm.room.member', ALICE, 'join')).rejects.toThrow('away');
});
