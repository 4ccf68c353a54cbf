import type { LoadedRoom } from '../src/domain/ports/read-model.js';
import type { EventPlace, StateVersion } from '../src/domain/timeline-event.js';
import { RoomView } from '../src/domain/views/room-view.js';

const RECORD = { nid: 1, roomId: '!a:one.test', roomVersion: '11', position: 0 };
const EMPTY: LoadedRoom = {
  ...{ roomNid: 1, recent: [], windowStart: 0, state: [], memberChanges: [] },
  counts: { joined: 0, invited: 0, membersPosition: 0 },
  relationsPosition: 0,
  wholeFrom: 0,
};

const place = (position: number): EventPlace => ({
  ...{ roomNid: 1, position, eventNid: position, depth: position, visibility: 'shared' },
});
const version = (type: string, stateKey: string, position: number): StateVersion => ({
  ...{ type, stateKey, position, eventNid: position, membership: type === 'm.room.member' ? 'join' : undefined },
});

describe('a room in memory', () => {
  it('keeps what changed of its state when more comes at once than it remembers of events', () => {
    const view = new RoomView(RECORD, EMPTY, 5);
    view.learnAllMembers([]);
    for (let position = 1; position <= 30; position++) view.apply(place(position));
    view.applyState(version('m.room.topic', '', 2));
    view.applyState(version('m.room.member', '@a:one.test', 3));
    expect(view.windowStart).toBeGreaterThan(3);
    expect(view.version('m.room.topic', '', 30)?.eventNid).toBe(2);
    expect(view.member('@a:one.test', 30)?.eventNid).toBe(3);
    expect(view.changedState(view.windowStart, 30, true)).toEqual([]);
  });

  it('takes nothing twice, whether the load or the feed has brought it first', () => {
    const state = [version('m.room.topic', '', 2)];
    const view = new RoomView(RECORD, { ...EMPTY, recent: [place(1), place(2)], state }, 5);
    view.apply(place(2));
    view.applyState(version('m.room.topic', '', 2));
    view.apply(place(3));
    view.applyState(version('m.room.topic', '', 3));
    expect(view.between(0, 9).map(({ position }) => position)).toEqual([1, 2, 3]);
    expect(view.changedState(0, 9, true).map(({ position }) => position)).toEqual([3]);
    expect(view.changedState(0, 2, true).map(({ position }) => position)).toEqual([2]);
    expect(view.version('m.room.topic', '', 2)?.position).toBe(2);
  });
});
