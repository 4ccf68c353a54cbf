import type { RoomEvents } from '@ganglion/contracts/room';
import { eventually } from '@ganglion/testing';
import { Appender, TermOverError } from '../src/domain/append/appender.js';
import { TypingRooms } from '../src/domain/append/typing-rooms.js';
import type { AppendBatch } from '../src/domain/append-batch.js';
import { AppendStore } from '../src/storage/append-store.js';
import { DeviceListStore } from '../src/storage/device-list-store.js';
import { Deployment } from './support/deployment.js';

const ALICE = '@alice:one.test';

describe('who was the appender, and does not know yet that another one is', () => {
  let deployment: Deployment;
  let store: AppendStore;
  let told: AppendBatch[];
  let epoch = 0;
  let roomId: string;

  beforeAll(async () => {
    deployment = await Deployment.create();
    store = new AppendStore(deployment.db, ['one.test']);
  });
  afterAll(() => deployment.close());
  beforeEach(async () => {
    told = [];
    roomId = await deployment.rooms.create(ALICE);
  });

  async function nextAppender(): Promise<Appender> {
    const term = await store.beginTerm(++epoch);
    if (term === undefined) throw new Error('the term is over before it begins');
    const { rooms, users, keys } = deployment;
    const refuse = (_: string, eventId: string, error: unknown) => {
      throw new Error(`${eventId} cannot be read`, { cause: error });
    };
    const appended = (batch: AppendBatch) => told.push(batch);
    const { position } = term;
    return new Appender({
      ...{
        position,
        epoch,
        model: store,
        log: rooms,
        userLog: users,
        keyLog: keys,
        deviceLists: new DeviceListStore(deployment.db),
        typing: new TypingRooms({ from: term.position, rows: [] }, false),
      },
      ...{ isLocal: () => true, presence: undefined, appended, unreadable: refuse },
    });
  }

  async function log(): Promise<RoomEvents> {
    const { events } = await deployment.rooms.getRoomEvents({ roomId, afterSeq: 0, limit: 1_000, backfilled: false });
    return events!;
  }

  /** Everything that an append can change. */
  async function placed() {
    const tables = [
      'appender',
      'rooms',
      'timeline',
      'state_keys',
      'state_log',
      'memberships',
      'account_data',
      'users',
      'receipts',
    ];
    const texts = tables.map((table) => `(SELECT json_agg(t)::text FROM sync.${table} t)`);
    const { rows } = await deployment.db.query({
      text: `SELECT ${texts.map((text, i) => `${text} AS t${i}`).join(', ')}`,
    });
    return rows[0];
  }

  const eventNids = async () => {
    const { rows } = await deployment.db.query<{ event_nid: number }>({
      text: `SELECT event_nid FROM sync.timeline JOIN sync.rooms USING (room_nid) WHERE room_id = $1 ORDER BY timeline.position`,
      values: [roomId],
    });
    return rows.map(({ event_nid }) => event_nid);
  };

  it('places nothing any more and tells nobody of it, although nobody else has written since', async () => {
    const former = await nextAppender();
    await former.append({ room: await log() });
    const next = await nextAppender();
    const before = await placed();
    await deployment.rooms.say(roomId, ALICE, 'Too late');
    await expect(former.append({ room: await log() })).rejects.toThrow(TermOverError);
    await expect(former.append({ typing: [{ roomNid: 1, userId: ALICE, timeoutMs: 30_000 }] })).rejects.toThrow(
      TermOverError,
    );
    expect(await placed()).toEqual(before);
    expect(told).toHaveLength(1);
    await next.append({ room: await log() });
    expect(await eventNids()).toEqual((await log()).events.map(({ eventNid }) => eventNid));
  });

  it('places nothing that it was writing while the other one began', async () => {
    const former = await nextAppender();
    await former.append({ room: await log() });
    await deployment.rooms.say(roomId, ALICE, 'Too late');
    const before = await eventNids();
    const writing = await deployment.db.transaction(async (tx) => {
      await tx.query({ text: 'UPDATE sync.appender SET epoch = $1', values: [++epoch] });
      const written = former.append({ room: await log() }).then(
        () => 'placed',
        (error: unknown) => error,
      );
      await eventually(async () => {
        const { rows } = await deployment.db.query({
          text: `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
        });
        expect(rows).toHaveLength(1);
      });
      return { written };
    });
    expect(await writing.written).toBeInstanceOf(TermOverError);
    expect(await eventNids()).toEqual(before);
  });

  it('does not say how far it has compared the logs', async () => {
    await nextAppender();
    await store.saveCursors(epoch, { roomCursor: 10, userCursor: 20, keyCursor: 30 });
    await nextAppender();
    await store.saveCursors(epoch - 1, { roomCursor: 1_000, userCursor: 2_000, keyCursor: 3_000 });
    expect(await store.cursors()).toEqual({ roomCursor: 10, userCursor: 20, keyCursor: 30 });
  });

  it('cannot begin its term again', async () => {
    await nextAppender();
    await nextAppender();
    expect(await store.beginTerm(epoch - 1)).toBeUndefined();
    expect(await store.beginTerm(epoch)).toBeUndefined();
  });
});
