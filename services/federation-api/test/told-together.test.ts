import type { RoomIntake } from '@ganglion/contracts/room';
import type { RemoteEphemeral } from '@ganglion/contracts/sync';
import { PresenceEdus } from '../src/domain/incoming/edus/presence.js';
import { ReceiptEdus } from '../src/domain/incoming/edus/receipts.js';
import { TypingEdus } from '../src/domain/incoming/edus/typing.js';
import type { Giver } from '../src/domain/incoming/room-pdus.js';

const ROOM = '!room:one.test';
const GIVER = { origin: 'far.test' } as Giver;
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
