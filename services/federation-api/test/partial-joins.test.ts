import { randomUUID } from 'node:crypto';
import { eventually } from '@ganglion/testing';
import type { PartialJoin } from '../src/domain/ports/remote-rooms.js';
import { JoinCompletion } from '../src/domain/remote-rooms/join-completion.js';
import { PostgresPartialJoins } from '../src/storage/partial-joins.js';
import { Sending } from './support/sending.js';

let sending: Sending;
let joins: PostgresPartialJoins;
const [one, other] = [randomUUID(), randomUUID()];

beforeAll(async () => {
  sending = await Sending.create();
  joins = new PostgresPartialJoins(sending.db);
});
afterAll(() => sending.close());

const join = (roomId: string, eventId: string): PartialJoin => ({
  ...{ roomId, eventId, as: 'ours.example', servers: ['far.example'], failures: 0 },
});
const dies = (eventId: string) =>
  sending.db.query({
    text: "UPDATE federation_api.partial_joins SET taken_until = now() - interval '1 second' WHERE event_id = $1",
    values: [eventId],
  });
const endsPause = () => sending.db.query({ text: 'UPDATE federation_api.partial_joins SET try_at = now()' });

it('a join is ended by another replica when the one that began it has died', async () => {
  await joins.add(join('!a:x', '$1'), one);
  expect(await joins.take(other)).toBeUndefined();
  await dies('$1');
  expect(await joins.take(other)).toMatchObject({ roomId: '!a:x', eventId: '$1', failures: 0 });
  await joins.keep(join('!a:x', '$1'), one);
  await joins.postpone(join('!a:x', '$1'), one, 1);
  expect(await joins.take(one)).toBeUndefined();
  await joins.postpone({ ...join('!a:x', '$1'), failures: 1 }, other, 60_000);
  expect(await joins.take(one)).toBeUndefined();
  await endsPause();
  expect(await joins.take(one)).toMatchObject({ failures: 1 });
  await joins.end('!a:x', '$1');
});

it('of two people who come to a room at once, the join of who was later takes nothing from that of the other', async () => {
  await joins.add(join('!b:x', '$first'), one);
  await joins.add(join('!b:x', '$second'), other);
  await joins.end('!b:x', '$second');
  await joins.postpone({ ...join('!b:x', '$first'), failures: 1 }, one, 60_000);
  await endsPause();
  expect(await joins.take(other)).toMatchObject({ eventId: '$first', failures: 1 });
});

it('a server that never answers keeps no other join waiting, and nobody from stopping', async () => {
  const ended: string[] = [];
  const waiting = [join('!silent:x', '$silent'), join('!c:x', '$c')];
  const intake = {
    describeRooms: async ({ roomIds }: { roomIds: string[] }) => ({
      rooms: roomIds.map((roomId) => ({ roomId, roomVersion: '11', participating: true })),
    }),
    listUnknownEvents: async () => ({ eventIds: [], unplacedEventIds: [] }),
    completeState: async () => ({ outcomes: [] }),
  };
  const never = new Promise<never>(() => {});
  const completion = new JoinCompletion({
    intake: intake as never,
    pdus: undefined as never,
    remote: {
      stateIds: ({ roomId }: { roomId: string }) => (roomId === '!silent:x' ? never : { state: [], authChain: [] }),
    } as never,
    joins: {
      add: async () => {},
      take: async () => waiting.shift(),
      keep: async () => {},
      postpone: async () => {},
      end: async (roomId) => void ended.push(roomId),
    },
    holder: one,
    logger: { info() {} },
  });
  await completion.look();
  await eventually(async () => expect(ended).toEqual(['!c:x']));
  await completion.stop();
});

it('a join to a room that was blocked meanwhile is put off for seconds, however long that lasts, and nobody is asked about it', async () => {
  const asked: string[] = [];
  const putOff: [string, number, number][] = [];
  const completion = new JoinCompletion({
    intake: {
      describeRooms: async () => ({
        rooms: [{ roomId: '!blocked:x', roomVersion: '11', participating: true, blocked: true }],
      }),
    } as never,
    pdus: undefined as never,
    remote: {
      stateIds: async ({ server }: { server: string }) => {
        asked.push(server);
        throw new Error('nobody is to be asked');
      },
    } as never,
    joins: {
      add: async () => {},
      take: async () => undefined,
      keep: async () => {},
      postpone: async ({ roomId, failures }, _holder, ms) => void putOff.push([roomId, failures, ms]),
      end: async () => {
        throw new Error('it is not at its end');
      },
    },
    holder: one,
    logger: { info() {} },
  });
  await completion.begin({ ...join('!blocked:x', '$blocked'), failures: 15 });
  expect([asked, putOff]).toEqual([[], [['!blocked:x', 15, 5_000]]]);
});
