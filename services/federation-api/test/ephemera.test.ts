import { LOCAL_EPHEMERA, type LocalReceipt } from '@ganglion/contracts';
import { eventually } from '@ganglion/testing';
import { PresentUsers } from '../src/domain/sending/present-users.js';
import { TypingUsers } from '../src/domain/sending/typing-users.js';
import { PostgresEphemeraStore } from '../src/storage/ephemera-store.js';
import { type Destination, Sending } from './support/sending.js';

const ANNA = '@anna:ours.example';
const BORIS = '@boris:ours.example';
let sending: Sending;
let far: Destination;
let roomId: string;

beforeAll(async () => {
  sending = await Sending.create();
});
afterAll(() => sending.close());
beforeEach(async () => {
  far = await sending.destination();
  roomId = sending.rooms.create(far.name);
});
afterEach(() => sending.stopAll());

const soon = (expectations: () => unknown) => eventually(expectations, 60_000);

function read(eventId: string, more: Partial<LocalReceipt> = {}): void {
  const receipt = { roomId, userId: ANNA, eventId, threadId: '', ts: 1, ...more };
  sending.testBus.bus.broadcast(LOCAL_EPHEMERA, { receipts: [receipt], typing: [], presence: [] });
}

function type(timeoutMs: number, userId = ANNA): void {
  sending.testBus.bus.broadcast(LOCAL_EPHEMERA, {
    receipts: [],
    typing: [{ roomId, userId, timeoutMs }],
    presence: [],
  });
}

/** Events that a user has read, in the order in which that was told. */
function readBy(userId: string, since = 0): unknown[] {
  const contents = far.given
    .slice(since)
    .flatMap(({ edus }) => edus.filter(({ edu_type }) => edu_type === 'm.receipt'));
  return contents.flatMap(({ content }) => {
    const ofUser = (content as Record<string, { 'm.read': Record<string, { event_ids: string[] }> }>)[roomId]?.[
      'm.read'
    ];
    return ofUser?.[userId]?.event_ids ?? [];
  });
}

/** Nobody hears what is broadcast before somebody listens. */
async function started(): Promise<void> {
  await sending.start();
  await soon(() => {
    read('$first', { userId: '@early:ours.example' });
    expect(readBy('@early:ours.example')).not.toEqual([]);
  });
}

it('receipts reach the servers in the room, gathered, and no others', async () => {
  const other = await sending.destination();
  sending.rooms.create(other.name);
  await started();
  const given = far.given.length;
  read('$1');
  read('$2');
  read('$3', { userId: BORIS, ts: 3 });
  read('$4', { userId: BORIS, threadId: '$root', ts: 4 });
  await soon(() => expect([...readBy(ANNA), ...readBy(BORIS)].toSorted()).toEqual(['$2', '$3', '$4']));
  const contents = far.given.slice(given).flatMap(({ edus }) => edus);
  expect(contents).toContainEqual({
    edu_type: 'm.receipt',
    content: { [roomId]: { 'm.read': { [BORIS]: { data: { ts: 4, thread_id: '$root' }, event_ids: ['$4'] } } } },
  });
  expect(other.given).toEqual([]);
}, 90_000);

it('that somebody types is told at its beginning and its end', async () => {
  await started();
  type(30_000);
  await soon(() => expect(far.edus('m.typing')).toEqual([{ room_id: roomId, user_id: ANNA, typing: true }]));
  type(30_000);
  type(0);
  await soon(() => expect(far.edus('m.typing').slice(1)).toEqual([{ room_id: roomId, user_id: ANNA, typing: false }]));
  type(100, BORIS);
  await soon(() => expect(far.edus('m.typing').at(-1)).toEqual({ room_id: roomId, user_id: BORIS, typing: false }));
}, 90_000);

it('who goes on typing is told of again now and then, and who stops without having begun is not', () => {
  const users = new TypingUsers();
  const note = (timeoutMs: number, now: number) => users.note({ roomId, userId: ANNA, timeoutMs }, now);
  expect(note(0, 0)).toBeUndefined();
  expect([0, 5_000, 15_000, 21_000, 25_000].map((now) => note(30_000, now))).toEqual([
    ...[true, undefined, undefined, true, undefined],
  ]);
  expect(users.expire(54_999)).toEqual([]);
  expect(users.expire(55_000)).toEqual([{ roomId, userId: ANNA }]);
  expect(note(0, 56_000)).toBeUndefined();
});

it('a server that was away hears of each user and room what came last, and nothing of who typed', async () => {
  await started();
  let isAway = true;
  far.answering = () => (isAway ? { status: 503, body: {} } : { pdus: {} });
  const given = far.given.length;
  for (let n = 1; n <= 5; n++) {
    read(`$${n}`);
    type(n % 2 === 0 ? 0 : 30_000);
    await soon(async () => {
      const text = `SELECT count(*)::integer AS count FROM federation_api.ephemera WHERE content LIKE '%$${n}"%' AND room_id = $1`;
      expect((await sending.db.query({ text, values: [roomId] })).rows).toEqual([{ count: 1 }]);
    });
  }
  await soon(() => expect(far.given.length).toBeGreaterThan(given));
  await sending.db.query({ text: "UPDATE federation_api.ephemera SET expires_at = now() WHERE kind = 'm.typing'" });
  const before = far.given.length;
  isAway = false;
  await soon(async () => {
    await sending.retryNow(far);
    expect(readBy(ANNA, before).at(-1)).toBe('$5');
  });
  expect(readBy(ANNA, before).filter((eventId) => eventId !== '$5')).toEqual([]);
  expect(
    far.given.slice(before + 1).flatMap(({ edus }) => edus.filter(({ edu_type }) => edu_type === 'm.typing')),
  ).toEqual([]);
}, 90_000);

it('a server that has left the room gets nothing of what waited for it', async () => {
  await started();
  far.answering = () => ({ status: 503, body: {} });
  read('$1');
  await soon(() => expect(readBy(ANNA)).toContain('$1'));
  sending.rooms.setServers(roomId, 'another.example');
  read('$2', { userId: BORIS });
  await soon(async () => {
    const text = 'SELECT server_name FROM federation_api.ephemera_rooms WHERE room_id = $1';
    expect((await sending.db.query({ text, values: [roomId] })).rows).toEqual([{ server_name: 'another.example' }]);
  });
  far.answering = () => ({ pdus: {} });
  const before = far.given.length;
  sending.mailbox.post(ANNA, far.name, { '@a:far': { ONE: {} } });
  await soon(async () => {
    await sending.retryNow(far);
    expect(far.given.slice(before).flatMap(({ edus }) => edus.map(({ edu_type }) => edu_type))).toContain(
      'm.direct_to_device',
    );
  });
  const later = far.given.slice(before + 1);
  expect(later.flatMap(({ edus }) => edus.filter(({ edu_type }) => edu_type === 'm.receipt'))).toEqual([]);
}, 90_000);

it('what went along with a transaction that did not arrive comes after it, under another id', async () => {
  await started();
  let refused = 0;
  far.answering = ({ pdus }) => {
    if (pdus.length === 0 || refused > 0) return { pdus: {} };
    refused += 1;
    return { status: 503, body: {} };
  };
  const given = far.given.length;
  sending.rooms.say(roomId, 'Hello');
  read('$1');
  await soon(async () => {
    await sending.retryNow(far);
    expect(far.bodiesSince(given)).toEqual(['Hello', 'Hello']);
    expect(readBy(ANNA)).toContain('$1');
  });
  const [first, second] = far.given.slice(given).filter(({ pdus }) => pdus.length > 0);
  expect(second!.txnId).toBe(first!.txnId);
  expect(second!.edus).toEqual([]);
}, 90_000);

it('what is a day old is forgotten', async () => {
  await started();
  await sending.db.query({ text: "UPDATE federation_api.ephemera SET updated_at = now() - interval '25 hours'" });
  await new PostgresEphemeraStore(sending.db).forgetOld();
  const count = async (table: string) => {
    const { rows } = await sending.db.query({ text: `SELECT count(*)::integer AS count FROM federation_api.${table}` });
    return rows[0]?.count;
  };
  await soon(async () => expect(await count('ephemera')).toBe(0));
  expect(await count('ephemera_rooms')).toBe(0);
}, 90_000);

describe('how reachable somebody is', () => {
  const BEA = '@bea:ours.example';
  const show = (presence: 'online' | 'unavailable' | 'offline', statusMsg?: string, lastActiveTs = Date.now()) =>
    sending.testBus.bus.broadcast(LOCAL_EPHEMERA, {
      ...{ receipts: [], typing: [] },
      presence: [{ userId: BEA, presence, statusMsg, lastActiveTs }],
    });
  const told = (since = 0) =>
    far.given
      .slice(since)
      .flatMap(({ edus }) => edus.filter(({ edu_type }) => edu_type === 'm.presence'))
      .flatMap(({ content }) => (content as { push: object[] }).push);

  it('is told servers that share a room, and not again before it changes', async () => {
    await started();
    show('online', 'here', Date.now() - 5_000);
    const online = { user_id: BEA, presence: 'online', status_msg: 'here', currently_active: true };
    await soon(() => expect(told()).toEqual([{ ...online, last_active_ago: expect.any(Number) }]));
    expect((told()[0] as { last_active_ago: number }).last_active_ago).toBeGreaterThanOrEqual(5_000);
    show('online', 'here');
    show('unavailable', undefined, 0);
    await soon(() =>
      expect(told().slice(1)).toEqual([{ user_id: BEA, presence: 'unavailable', last_active_ago: expect.any(Number) }]),
    );
  }, 90_000);

  it('is told to a server that comes to share a room later', async () => {
    await started();
    show('online', 'here since before');
    const online = expect.objectContaining({ user_id: BEA, presence: 'online', status_msg: 'here since before' });
    await soon(() => expect(told()).toContainEqual(online));
    const later = await sending.destination();
    sending.rooms.join(sending.rooms.create(later.name), BEA);
    await soon(() => expect(later.edus('m.presence')).toContainEqual({ push: [online] }));
  }, 90_000);

  it('is told as it is now to a server that was away', async () => {
    await started();
    let isAway = true;
    far.answering = () => (isAway ? { status: 503, body: {} } : { pdus: {} });
    const given = far.given.length;
    for (const presence of ['online', 'unavailable', 'offline', 'online'] as const) {
      show(presence, `status ${presence}`);
      await soon(async () => {
        const text = `SELECT FROM federation_api.ephemera WHERE kind = 'm.presence' AND content LIKE $1`;
        expect((await sending.db.query({ text, values: [`%status ${presence}%`] })).rows).toHaveLength(1);
      });
    }
    await soon(() => expect(far.given.length).toBeGreaterThan(given));
    const before = far.given.length;
    isAway = false;
    await soon(async () => {
      await sending.retryNow(far);
      expect(told(before).at(-1)).toMatchObject({ presence: 'online', status_msg: 'status online' });
    });
    expect(told(before + 1)).toEqual([]);
  }, 90_000);

  it('is told again after a while though it has not changed', () => {
    const users = new PresentUsers();
    const note = (presence: 'online' | 'offline', now: number) =>
      users.note({ userId: BEA, presence, lastActiveTs: 1 }, now);
    const minutes = (n: number) => n * 60_000;
    expect([0, 5, 11].map((n) => note('online', minutes(n)))).toEqual([true, false, true]);
    expect([12, 13].map((n) => note('offline', minutes(n)))).toEqual([true, false]);
  });
});
