import { TypingRooms } from '../src/domain/append/typing-rooms.js';

const ALICE = '@alice:one.test';
const BOB = '@bob:one.test';
const note = (userId: string, timeoutMs: number, roomNid = 1) => ({ roomNid, userId, timeoutMs });
const usersIn = (rooms: TypingRooms) =>
  rooms.changes().map(({ roomNid, typing }) => [roomNid, typing.map(({ userId }) => userId)]);

/** As the appender does when the database has taken them. */
function place(rooms: TypingRooms): void {
  rooms.wasPlaced(rooms.changes().map((row) => ({ ...row, position: 1 })));
}

describe('who is typing, for the appender', () => {
  it('changes with who begins and who ends, not with who goes on', () => {
    const rooms = new TypingRooms();
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
    const rooms = new TypingRooms();
    rooms.note(note(ALICE, 1_000), 0);
    rooms.note(note(BOB, 300, 2), 0);
    expect([rooms.isDue(299), rooms.isDue(300)]).toEqual([false, true]);
    place(rooms);
    rooms.expire(300);
    expect(usersIn(rooms)).toEqual([[2, []]]);
    expect([rooms.isDue(999), rooms.isDue(1_000)]).toEqual([false, true]);
  });

  it('goes on being a change until the read model has it', () => {
    const rooms = new TypingRooms();
    rooms.note(note(ALICE, 1_000), 0);
    expect(usersIn(rooms)).toEqual(usersIn(rooms));
    place(rooms);
    expect(usersIn(rooms)).toEqual([]);
  });

  it('is what the term before has left, until its time is over', () => {
    const typing = [
      { userId: ALICE, untilMs: 100 },
      { userId: BOB, untilMs: 200 },
    ];
    const rooms = new TypingRooms([{ roomNid: 1, typing }]);
    expect([usersIn(rooms), rooms.isDue(99)]).toEqual([[], false]);
    rooms.expire(100);
    expect(usersIn(rooms)).toEqual([[1, [BOB]]]);
  });

  it('makes nothing of an end that was none', () => {
    const rooms = new TypingRooms();
    rooms.note(note(ALICE, 0), 0);
    rooms.noteEvent({ roomNid: 1, type: 'm.room.member', stateKey: BOB, membership: 'leave' });
    expect(usersIn(rooms)).toEqual([]);
  });
});
