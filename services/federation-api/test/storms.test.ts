import type { DeviceUpdate } from '@ganglion/contracts/keys';
import type { LoggedEvent } from '@ganglion/contracts/room';
import { eventually } from '@ganglion/testing';
import type { Ephemeron } from '../src/domain/ports/sending.js';
import { Ephemera } from '../src/domain/sending/ephemera.js';
import { NewNeighbours } from '../src/domain/sending/new-neighbours.js';

const ROOM = '!r:ours.example';
const receipt = { roomId: ROOM, userId: '@a:ours.example', eventId: '$1', threadId: '', ts: 1 };
const isOurs = (name: string) => name === 'ours.example';
const users = (count: number) => Array.from({ length: count }, (_, n) => `@u${n}:ours.example`);
const online = (userId: string) => ({ userId, presence: 'online' as const, lastActiveTs: 1 });
const never = new AbortController().signal;

/** What passes, of users who share rooms with these servers. */
function passing(serversOf: () => Promise<string[]>) {
  const put: Ephemeron[] = [];
  const asked: string[] = [];
  const intake = {
    listServersOfUser: async ({ userId }: { userId: string }) => {
      asked.push(userId);
      return { serverNames: await serversOf() };
    },
    listServersOfRooms: async ({ roomIds }: { roomIds: string[] }) => ({
      rooms: roomIds.map((roomId) => ({
        roomId,
        serverNames: ['far.example'],
        blocked: false,
        joined: [],
        roomSeq: 0,
      })),
    }),
  };
  const store = {
    put: async (ephemera: readonly Ephemeron[]) => {
      put.push(...ephemera);
    },
    forgetOld: async () => {},
  };
  return { ephemera: new Ephemera({ intake, store, isOurs, allows: () => true }), put, asked };
}

it('what is read waits for nobody of whom it is told how reachable they are', async () => {
  const servers = Promise.withResolvers<string[]>();
  const { ephemera, put } = passing(() => servers.promise);
  ephemera.hear({ receipts: [receipt], typing: [], presence: users(30).map(online) }, 0);
  const flushing = ephemera.flush(0, never);
  await eventually(() => expect(put.map(({ kind }) => kind)).toEqual(['m.receipt']));
  servers.resolve(['far.example']);
  await flushing;
  expect(put).toHaveLength(31);
});

it('of tens of thousands who come back at once, not all are looked at together, and none once that is somebody else’s', async () => {
  const { ephemera, put, asked } = passing(async () => ['ours.example']);
  ephemera.hear({ receipts: [], typing: [], presence: users(12_000).map(online) }, 0);
  const ended = new AbortController();
  ended.abort();
  await ephemera.flush(0, ended.signal);
  expect(asked).toEqual([]);
  await ephemera.flush(0, never);
  expect(asked).toHaveLength(10_000);
  await ephemera.flush(0, never);
  expect([new Set(asked).size, put]).toEqual([12_000, []]);
});

it('a crowd that comes to a large room tells as much of devices as goes at once', async () => {
  const met: string[] = [];
  const neighbours = new NewNeighbours({
    roomLog: { getEvents: async () => ({ events: [] }) },
    intake: { listServersOfUser: async () => ({ serverNames: [] }) },
    keys: { getListUpdates: async () => ({ devices: [] as DeviceUpdate[], seq: 1, hasSigningKeys: false }) as never },
    devices: {
      listDevices: async () => ({ devices: ['ONE', 'TWO'].map((deviceId) => ({ deviceId, createdAtMs: 1 })) }),
    },
    ...{ isOurs, allows: () => true, logger: { warn: () => {} } },
    met: (userId) => met.push(userId),
  });
  const joins = users(200).map((userId): LoggedEvent => {
    const pdu = { type: 'm.room.member', state_key: userId, content: { membership: 'join' }, auth_events: [] };
    return { pduJson: JSON.stringify(pdu) } as LoggedEvent;
  });
  const servers = Array.from({ length: 300 }, (_, n) => `s${n}.example`);
  const edus = await neighbours.edus(ROOM, joins, servers);
  const rows = edus.reduce((sum, { routes }) => sum + routes.length, 0);
  expect([edus.length, rows, met.length]).toEqual([66, 19_800, 200]);
});
