import type { AppendBatch, AppendedEvent, AppendRoom } from '../src/domain/append-batch.js';
import type { MembershipRecord, ReadModel } from '../src/domain/ports/read-model.js';
import { UserViews } from '../src/domain/views/user-views.js';
import { NOTHING } from './support/batches.js';

const ALICE = '@alice:one.test';
const ROOMS = 2_000;
const BEGIN = 10_000;

const record = (nid: number, membership = 'join'): MembershipRecord => ({
  ...{ nid, roomId: `!${nid}:one.test`, roomVersion: '11', position: BEGIN - nid, membership },
  ...{ membershipPosition: 1, since: 1, eventNid: 1, strippedState: undefined },
});

const viewsOf = (model: ReadModel) =>
  new UserViews({ model, receipts: { ownReceipts: async () => [] }, deviceMessages: { inboxes: async () => [] } });

/** Somebody in many rooms, the last of which they have left. */
async function views() {
  const model = {
    memberships: async () => Array.from({ length: ROOMS }, (_, i) => record(i + 1, i + 1 === ROOMS ? 'leave' : 'join')),
    accountData: async () => [],
  } as unknown as ReadModel;
  const users = viewsOf(model);
  users.begin(BEGIN);
  return { users, alice: await users.get(ALICE) };
}

let position = BEGIN;
const batch = (rows: (at: number) => Partial<AppendBatch>): AppendBatch => {
  position += 1;
  return { ...NOTHING, previousPosition: position - 1, position, ...rows(position) };
};
const said = (roomNid: number) => batch((at) => ({ events: [{ roomNid, position: at } as AppendedEvent] }));
const member = (roomNid: number, membership: string) =>
  batch((at) => {
    const own = { userId: ALICE, position: at, since: at, eventNid: at, strippedState: undefined };
    const room = { nid: roomNid, roomId: `!${roomNid}:one.test`, roomVersion: '11', seq: 1 } as AppendRoom;
    return {
      rooms: [room],
      memberships: [{ roomNid, membership, ...own }],
      events: [{ roomNid, position: at } as AppendedEvent],
    };
  });
const receipt = (roomNid: number, userId: string, type = 'm.read') =>
  batch((at) => ({
    receipts: [{ roomNid, userId, type, threadId: '', eventId: '$e', eventPosition: 1, ts: 1, position: at }],
  }));
const roomData = (roomNid: number) =>
  batch((at) => ({
    accountData: [{ userId: ALICE, roomId: `!${roomNid}:one.test`, type: 'x', content: '{}', position: at }],
  }));

type Alice = Awaited<ReturnType<UserViews['get']>>;
const changed = (alice: Alice, since: number) => Array.from(alice.changedRooms(since), ({ room }) => room.record.nid);

describe('somebody in two thousand rooms', () => {
  it('is looked for only in those that have changed since they asked, the latest first', async () => {
    const { users, alice } = await views();
    const since = position;
    expect([alice.hasNews(since), changed(alice, since)]).toEqual([false, []]);
    for (const apply of [said(7), said(1_000), roomData(3), said(7), receipt(5, '@bob:one.test')]) users.apply(apply);
    expect(changed(alice, since)).toEqual([5, 7, 3, 1_000]);
    expect(changed(alice, position - 2)).toEqual([5, 7]);
    expect([alice.hasNews(position - 1), alice.hasNews(position)]).toEqual([true, false]);
  });

  it('is looked for in all of them when they ask from before what is known here', async () => {
    const { alice } = await views();
    expect(changed(alice, BEGIN - 1)).toHaveLength(ROOMS);
    expect(alice.hasNews(BEGIN - 1)).toBe(true);
  });

  it('is not concerned with what happens where they are no more, nor with what is private to others', async () => {
    const { users, alice } = await views();
    const since = position;
    for (const apply of [said(ROOMS), receipt(4, '@bob:one.test', 'm.read.private')]) users.apply(apply);
    expect([alice.wakes, changed(alice, since)]).toEqual([0, []]);
    for (const apply of [receipt(4, ALICE, 'm.read.private'), member(6, 'leave'), said(6)]) users.apply(apply);
    expect([alice.wakes, changed(alice, since)]).toEqual([2, [6, 4]]);
    for (const apply of [member(ROOMS, 'join'), member(ROOMS + 1, 'join'), said(ROOMS)]) users.apply(apply);
    expect([alice.wakes, changed(alice, since)]).toEqual([5, [ROOMS, ROOMS + 1, 6, 4]]);
  });

  it('is told of what has come while they were being loaded', async () => {
    const loaded = Promise.withResolvers<MembershipRecord[]>();
    const model = { memberships: () => loaded.promise, accountData: async () => [] } as unknown as ReadModel;
    const users = viewsOf(model);
    users.begin(position);
    const since = position;
    const loading = users.get(ALICE);
    for (const apply of [said(2), member(9, 'join'), receipt(1, '@bob:one.test')]) users.apply(apply);
    loaded.resolve([record(1), record(2), record(3)]);
    expect(changed(await loading, since)).toEqual([1, 9, 2]);
  });

  it('is loaded anew when everything was forgotten meanwhile', async () => {
    let loads = 0;
    const loaded = Promise.withResolvers<void>();
    const model = {
      memberships: async () => {
        loads += 1;
        if (loads === 1) await loaded.promise;
        return [record(loads)];
      },
      accountData: async () => [],
    } as unknown as ReadModel;
    const users = viewsOf(model);
    const loading = users.get(ALICE);
    users.begin(position);
    loaded.resolve();
    const alice = await loading;
    expect([[...alice.rooms.keys()], users.has(alice)]).toEqual([[2], true]);
  });
});
