import { TypingRooms } from '../src/domain/append/typing-rooms.js';
import type { TypingLists } from '../src/domain/typing-lists.js';

const ALICE = '@alice:one.test';
const BOB = '@bob:one.test';
const NOBODY: TypingLists = { from: 0, rows: [] };
const note = (userId: string, timeoutMs: number, roomNid = 1) => ({ roomNid, userId, timeoutMs });
const usersIn = (rooms: TypingRooms) =>
  rooms.changes().map(({ roomNid, typing }) => [roomNid, typing.map(({ userId }) => userId)]);

/** As the appender does when it has appended them. */
function place(rooms: TypingRooms): void {
  rooms.wasPlaced({ rows: rooms.changes().map((row) => ({ ...row, position: 1 })) });
}

describe('who is typing, for the appender', () => {
  it('changes with who begins and who ends, not with who goes on', () => {
    const rooms = new TypingRooms(NOBODY, false);
    rooms.note(note(ALICE, 1_000), 0);
    expect(usersIn(rooms)).toEqual([[1, [ALICE]]]);
    place(rooms);
    rooms.note(note(ALICE, 1_000), 500);
    expect(usersIn(rooms)).toEqual([]);
    rooms.expire(1_400);
    expect(usersIn(rooms)).toEqual([]);
    rooms.expire(1_500);
    expect(usersIn(rooms)).toEqual([[1, []]]);
  });

  it('is due when the first of all ends', () => {
    const rooms = new TypingRooms(NOBODY, false);
    rooms.note(note(ALICE, 1_000), 0);
    rooms.note(note(BOB, 300, 2), 0);
    expect([rooms.isDue(299), rooms.isDue(300)]).toEqual([false, true]);
    place(rooms);
    rooms.expire(300);
    expect(usersIn(rooms)).toEqual([[2, []]]);
    expect([rooms.isDue(999), rooms.isDue(1_000)]).toEqual([false, true]);
  });

  it('goes on being a change until it is appended, whatever is appended before', () => {
    const rooms = new TypingRooms(NOBODY, false);
    rooms.note(note(ALICE, 1_000), 0);
    rooms.wasPlaced({ rows: [] });
    expect(usersIn(rooms)).toEqual([[1, [ALICE]]]);
    place(rooms);
    expect(usersIn(rooms)).toEqual([]);
  });

  it('is what the term before has left, until its time is over', () => {
    const typing = [
      { userId: ALICE, untilMs: 100 },
      { userId: BOB, untilMs: 200 },
    ];
    const rooms = new TypingRooms({ from: 3, rows: [{ roomNid: 1, typing, position: 4 }] }, false);
    expect([usersIn(rooms), rooms.isDue(99)]).toEqual([[], false]);
    rooms.expire(100);
    expect(usersIn(rooms)).toEqual([[1, [BOB]]]);
  });

  it('begins with nobody when the term before has left no word', () => {
    const rooms = new TypingRooms({ from: 7, rows: [] }, true);
    rooms.wasPlaced({ rows: [] });
    expect(rooms.isBeginning).toBe(true);
    rooms.wasPlaced({ rows: [], endsAt: 8 });
    expect([rooms.isBeginning, rooms.lists]).toEqual([false, { from: 7, rows: [] }]);
  });

  it('remembers lists that have become empty', () => {
    const rooms = new TypingRooms(NOBODY, false);
    rooms.note(note(ALICE, 1_000), 0);
    place(rooms);
    rooms.note(note(ALICE, 0), 0);
    place(rooms);
    expect(rooms.lists.rows).toEqual([{ roomNid: 1, typing: [], position: 1 }]);
  });

  it('makes nothing of an end that was none', () => {
    const rooms = new TypingRooms(NOBODY, false);
    rooms.note(note(ALICE, 0), 0);
    rooms.noteMember({ roomNid: 1, userId: BOB, membership: 'leave' });
    expect(usersIn(rooms)).toEqual([]);
  });
});
