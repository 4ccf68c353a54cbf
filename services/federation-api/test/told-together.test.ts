import type { RoomIntake } from '@ganglion/contracts/room';
import type { RemoteEphemeral } from '@ganglion/contracts/sync';
import { PresenceEdus } from '../src/domain/incoming/edus/presence.js';
import { ReceiptEdus } from '../src/domain/incoming/edus/receipts.js';
import { TypingEdus } from '../src/domain/incoming/edus/typing.js';
import type { Giver } from '../src/domain/incoming/room-pdus.js';

const ROOM = '!room:one.test';
const GIVER = { origin: 'far.test' } as Giver;
const GONE = '@gone:far.test';
const USERS = Array.from({ length: 1_300 }, (_, index) => `@user-${index}:far.test`);

const sizes: number[] = [];
const calls = new Proxy(
  {},
  { get: () => async (request: Record<string, unknown[]>) => sizes.push(Object.values(request)[0]!.length) },
) as RemoteEphemeral;
const rooms = {
  describeRooms: async () => ({
    rooms: [{ roomId: ROOM, participating: true, serverJoined: true, serverShutOut: false }],
  }),
  listJoinedAmong: async ({ users }: { users: { roomId: string; userId: string }[] }) => ({
    joined: users.filter(({ userId }) => userId !== GONE),
  }),
} as unknown as RoomIntake;

beforeEach(() => sizes.splice(0));

it.each([
  [
    'presence',
    new PresenceEdus(calls),
    [USERS.slice(0, 700), USERS.slice(700)].map((users) => ({
      push: users.map((user_id) => ({ user_id, presence: 'online', last_active_ago: 1 })),
    })),
  ],
  [
    'what they have read',
    new ReceiptEdus(rooms, calls),
    [
      {
        [ROOM]: {
          'm.read': Object.fromEntries(USERS.map((user) => [user, { data: { ts: 1 }, event_ids: ['$event'] }])),
        },
      },
    ],
  ],
  ['who types', new TypingEdus(rooms, calls), USERS.map((user_id) => ({ room_id: ROOM, user_id, typing: true }))],
])('a crowd’s %s, told at once, goes on in calls that a message holds', async (_, edus, contents) => {
  await edus.take(GIVER, contents);
  expect(sizes).toEqual([500, 500, 300]);
});

it.each([
  ['a thread that is none', USERS[0]!, 'no thread', []],
  ['the main timeline', USERS[0]!, 'main', [1]],
  ['a thread', USERS[0]!, `$${'a'.repeat(43)}`, [1]],
  ['somebody who is not in the room', GONE, 'main', []],
])('a receipt for %s is told as far as it may be', async (_, user, thread_id, told) => {
  const read = { data: { ts: 1, thread_id }, event_ids: ['$event'] };
  await new ReceiptEdus(rooms, calls).take(GIVER, [{ [ROOM]: { 'm.read': { [user]: read } } }]);
  expect(sizes).toEqual(told);
});

it('nobody types who is not in the room', async () => {
  await new TypingEdus(rooms, calls).take(GIVER, [{ room_id: ROOM, user_id: GONE, typing: true }]);
  expect(sizes).toEqual([]);
});
