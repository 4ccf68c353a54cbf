import { eventually } from '@ganglion/testing';
import { ALICE, BOB, change as changeMembership, createRoom, send, storedEvents } from './support/room.js';
import { type Replica, RoomServers } from './support/room-servers.js';

const PATIENCE_MS = 60_000;
const TIMEOUT_MS = 90_000;

let servers: RoomServers;
let replica: Replica;
beforeAll(async () => {
  servers = await RoomServers.create();
  replica = await servers.start();
});
afterAll(() => servers.close());

/** One listing, all of its pages. */
async function headsSince(sinceCursor: number, limit = 0): Promise<{ heads: Map<string, number>; cursor: number }> {
  const heads = new Map<string, number>();
  let cursor: number | undefined;
  for (let afterRoom: number | undefined = 0; afterRoom !== undefined; ) {
    const page = await replica.roomLog.listRoomHeads({ sinceCursor, afterRoom, limit });
    if (limit > 0) expect(page.heads.length).toBeLessThanOrEqual(limit);
    cursor ??= page.cursor;
    for (const { roomId, roomSeq } of page.heads) heads.set(roomId, roomSeq);
    afterRoom = page.nextRoom;
  }
  return { heads, cursor: cursor ?? sinceCursor };
}

/** A cursor that nothing stands behind: it stays back while any transaction of the database server is open. */
async function quietCursor(): Promise<number> {
  let { cursor } = await headsSince(0);
  await eventually(async () => {
    const listing = await headsSince(cursor);
    cursor = listing.cursor;
    expect(listing.heads).toEqual(new Map());
  }, PATIENCE_MS);
  return cursor;
}

describe('the heads of rooms', () => {
  it('are all of them from the beginning, on pages of any size', async () => {
    const rooms = await Promise.all(Array.from({ length: 7 }, () => createRoom(replica)));
    await send(replica, rooms[3]!, ALICE);
    const whole = await headsSince(0);
    expect(rooms.map((roomId) => whole.heads.get(roomId))).toEqual([5, 5, 5, 6, 5, 5, 5]);
    for (const limit of [1, 2, 3]) expect((await headsSince(0, limit)).heads).toEqual(whole.heads);
  });

  it(
    'are only those that changed, from a cursor on',
    async () => {
      const [one, two] = [await createRoom(replica), await createRoom(replica)];
      const cursor = await quietCursor();
      await send(replica, one, ALICE);
      const later = await headsSince(cursor);
      expect(later.heads).toEqual(new Map([[one, 6]]));
      expect((await headsSince(later.cursor)).heads.has(two)).toBe(false);
    },
    TIMEOUT_MS,
  );

  it(
    'include what was committed after the listing by transactions that had begun before it',
    async () => {
      const [slow, quick] = [await createRoom(replica), await createRoom(replica)];
      const before = await quietCursor();
      const updated = Promise.withResolvers<void>();
      const gate = Promise.withResolvers<void>();
      const transaction = replica.db.transaction(async (tx) => {
        await tx.query({
          text: `UPDATE room_server.rooms SET version = version + 1, room_seq = room_seq + 1,
            updated_xid = pg_current_xact_id()::text::bigint WHERE room_id = $1`,
          values: [slow],
        });
        updated.resolve();
        await gate.promise;
      });
      await updated.promise;
      for (let index = 0; index < 5; index++) await send(replica, quick, ALICE);
      const during = await headsSince(before);
      expect(during.heads).toEqual(new Map([[quick, 10]]));
      gate.resolve();
      await transaction;
      expect((await headsSince(during.cursor)).heads.get(slow)).toBe(6);
    },
    TIMEOUT_MS,
  );

  it('followed by cursor miss no commit, whatever goes on at once', async () => {
    const rooms = await Promise.all(Array.from({ length: 8 }, () => createRoom(replica)));
    const followed = new Map<string, number>();
    let writing = true;
    const follow = (async () => {
      let cursor = 0;
      for (let last = false; !last; ) {
        last = !writing;
        const listing = await headsSince(cursor, 3);
        for (const [roomId, seq] of listing.heads) followed.set(roomId, Math.max(seq, followed.get(roomId) ?? 0));
        cursor = listing.cursor;
      }
    })();
    await Promise.all(
      rooms.map(async (roomId) => {
        for (let index = 0; index < 25; index++) await send(replica, roomId, ALICE);
      }),
    );
    writing = false;
    await follow;
    expect(rooms.map((roomId) => followed.get(roomId))).toEqual(Array(8).fill(30));
  });
});

it('a cursor from the future, of a database that was restored since, stands for the beginning', async () => {
  const roomId = await createRoom(replica);
  const { heads, cursor } = await headsSince(Number.MAX_SAFE_INTEGER);
  expect(heads.get(roomId)).toBe(5);
  expect(cursor).toBeLessThan(Number.MAX_SAFE_INTEGER);
});

describe('the log of a room', () => {
  it('gives the events after a room_seq, in order, page by page', async () => {
    const roomId = await createRoom(replica);
    for (let index = 0; index < 10; index++) await send(replica, roomId, ALICE, { txnId: `${index}` });
    const stored = await storedEvents(replica.db, roomId);
    const seen: string[] = [];
    for (let afterSeq = 0, more = true; more; ) {
      const page = await replica.roomLog.getRoomEvents({ roomId, afterSeq, limit: 4, backfilled: false });
      expect(page.events).toMatchObject({ roomId, roomVersion: '12' });
      seen.push(...(page.events?.events ?? []).map(({ eventId }) => eventId));
      afterSeq = page.events?.events.at(-1)?.roomSeq ?? 0;
      more = page.more;
    }
    expect(seen).toEqual(stored.map(({ eventId }) => eventId));
  });

  it('tells all that consumers need of an event', async () => {
    const roomId = await createRoom(replica);
    const message = await send(replica, roomId, ALICE, { txnId: 'one' });
    await changeMembership(replica, roomId, BOB, 'join');
    const redaction = { type: 'm.room.redaction', content: {}, redacts: message.eventId };
    await send(replica, roomId, ALICE, redaction);
    const { events } = await replica.roomLog.getRoomEvents({ roomId, afterSeq: 5, limit: 0, backfilled: false });
    const [sent, join, redacted] = events?.events ?? [];
    expect(sent).toMatchObject({
      roomSeq: 6,
      eventId: message.eventId,
      stateChanges: [],
      transaction: { userId: ALICE, deviceId: 'PHONE', scope: 'm.room.message', txnId: 'one' },
    });
    const change = { type: 'm.room.member', stateKey: BOB, eventId: join?.eventId, eventNid: join?.eventNid };
    expect(join?.stateChanges).toEqual([{ ...change, keyNid: expect.any(Number), membership: 'join' }]);
    expect(join?.transaction).toBeUndefined();
    expect(redacted).toMatchObject({ roomSeq: 8, redactedEventId: message.eventId, redactedEventNid: sent?.eventNid });
  });

  it('of a room that does not exist is empty', async () => {
    const { events, more } = await replica.roomLog.getRoomEvents({
      ...{ roomId: '!no:one.test', afterSeq: 0, limit: 10, backfilled: false },
    });
    expect([events?.events, more]).toEqual([[], false]);
  });
});

describe('single events', () => {
  const byId = (roomId: string, ...eventIds: string[]) => ({ roomId, eventIds, eventNids: [], roomNids: [] });
  const read = async (roomId: string, eventIds: string[]) => {
    const { events } = await replica.roomLog.getEvents(byId(roomId, ...eventIds));
    return events.map(({ eventId, redactedBecause }) => [eventId, redactedBecause?.eventId]);
  };

  it('are those of the room alone, as they were signed', async () => {
    const [roomId, other] = [await createRoom(replica), await createRoom(replica)];
    const { eventId } = await send(replica, roomId, ALICE);
    const elsewhere = await send(replica, other, ALICE);
    expect(await read(roomId, [eventId, elsewhere.eventId, '$nothing'])).toEqual([[eventId, undefined]]);
    expect(await read('!nothing:one.test', [eventId])).toEqual([]);
    const { events } = await replica.roomLog.getEvents(byId(roomId, eventId));
    expect(JSON.parse(events[0]!.pduJson)).toMatchObject({
      sender: ALICE,
      hashes: {},
      signatures: {},
      prev_events: expect.any(Array),
    });
  });

  it('are without what a redaction has taken', async () => {
    const roomId = await createRoom(replica);
    const { eventId } = await send(replica, roomId, ALICE);
    const { eventId: redaction } = await send(replica, roomId, ALICE, {
      ...{ type: 'm.room.redaction', content: {}, redacts: eventId },
    });
    expect(await read(roomId, [eventId])).toEqual([[eventId, redaction]]);
    const { events } = await replica.roomLog.getEvents(byId(roomId, eventId));
    expect(JSON.parse(events[0]!.pduJson).content).toEqual({});
  });

  it('are found by their numbers in several rooms at once, each in the room that it is said to be of', async () => {
    const rooms = [await createRoom(replica), await createRoom(replica)];
    const [one, two] = await Promise.all(rooms.map((roomId) => numbersOf(roomId)));
    const eventNids = [one!.last, two!.last, two!.last];
    const roomNids = [one!.roomNid, two!.roomNid, one!.roomNid];
    const { events } = await replica.roomLog.getEvents({ roomId: '', eventIds: [], eventNids, roomNids });
    expect(events.map(({ eventNid }) => eventNid).sort()).toEqual([one!.last, two!.last].sort());
  });

  it('tell whose request made them', async () => {
    const roomId = await createRoom(replica);
    const { eventId } = await send(replica, roomId, ALICE, { txnId: 'one' });
    const transaction = { userId: ALICE, deviceId: 'PHONE', scope: 'm.room.message', txnId: 'one' };
    const { roomNid, last } = await numbersOf(roomId);
    const asked = [byId(roomId, eventId), { roomId: '', eventIds: [], eventNids: [last], roomNids: [roomNid] }];
    const answers = await Promise.all(asked.map((request) => replica.roomLog.getEvents(request)));
    expect(answers.map(({ events }) => events[0]?.transaction)).toEqual([transaction, transaction]);
    const creation = await replica.roomLog.getRoomEvents({ roomId, afterSeq: 0, limit: 1, backfilled: false });
    const [create] = (await replica.roomLog.getEvents(byId(roomId, creation.events!.events[0]!.eventId))).events;
    expect(create?.transaction).toBeUndefined();
  });

  async function numbersOf(roomId: string) {
    const { events } = await replica.roomLog.getRoomEvents({ roomId, afterSeq: 0, limit: 0, backfilled: false });
    return { roomNid: events!.roomNid, last: events!.events.at(-1)!.eventNid };
  }
});

describe('the news of rooms', () => {
  it('are what is after where one was in each of them, as it is read of one room alone', async () => {
    const rooms = await Promise.all(Array.from({ length: 3 }, () => createRoom(replica)));
    await send(replica, rooms[1]!, ALICE);
    const places = rooms.map((roomId, index) => ({ roomId, afterSeq: index === 2 ? 5 : 3 }));
    const { rooms: told, more } = await replica.roomLog.getNews({ rooms: places, limit: 0 });
    expect([told.map(({ roomId }) => roomId).toSorted(), more]).toEqual([rooms.slice(0, 2).toSorted(), false]);
    for (const { roomId, events } of told) {
      const alone = await replica.roomLog.getRoomEvents({ roomId, afterSeq: 3, limit: 0, backfilled: false });
      expect(events).toEqual(alone.events?.events);
    }
  });

  it('come in pages of as many as are wanted, one after the other', async () => {
    const rooms = await Promise.all(Array.from({ length: 3 }, () => createRoom(replica)));
    const after = new Map(rooms.map((roomId) => [roomId, 0]));
    let pages = 0;
    for (let more = true; more; pages++) {
      const places = [...after].map(([roomId, afterSeq]) => ({ roomId, afterSeq }));
      const page = await replica.roomLog.getNews({ rooms: places, limit: 4 });
      for (const { roomId, events } of page.rooms) {
        expect(events[0]?.roomSeq).toBe(after.get(roomId)! + 1);
        after.set(roomId, events.at(-1)!.roomSeq);
      }
      more = page.more;
    }
    expect([pages, [...after.values()]]).toEqual([4, [5, 5, 5]]);
  });
});
