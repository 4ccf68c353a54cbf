import { TypingBoard } from '../src/domain/typing-board.js';
import type { TypingRow } from '../src/domain/typing-lists.js';

const row = (roomNid: number, position: number, ...users: string[]): TypingRow => ({
  ...{ roomNid, position },
  typing: users.map((userId) => ({ userId, untilMs: 1 })),
});

describe('the board of who is typing', () => {
  it('ends everybody when the appender knows of nobody any more', () => {
    const board = new TypingBoard({ from: 0, rows: [row(1, 5, '@a'), row(2, 6)] });
    expect(board.apply({ rows: [row(3, 9, '@b')], endsAt: 8 })).toEqual([row(1, 8), row(3, 9, '@b')]);
    expect([board.of(1), board.of(2), board.of(3)]).toEqual([row(1, 8), row(2, 6), row(3, 9, '@b')]);
  });

  it('learns what it has missed, and what has ended meanwhile', () => {
    const board = new TypingBoard({ from: 0, rows: [row(1, 5, '@a'), row(2, 6, '@b'), row(3, 7)] });
    const known = { from: 4, rows: [row(2, 6, '@b'), row(4, 9, '@c')] };
    expect(board.learn(known, 10)).toEqual([row(4, 9, '@c'), row(1, 10)]);
    expect(board.from).toBe(4);
  });

  it('tells as of later what it has learned too late', () => {
    const board = new TypingBoard({ from: 10, rows: [] });
    expect(board.learn({ from: 4, rows: [row(4, 9, '@c')] }, 10, 11)).toEqual([row(4, 11, '@c')]);
  });

  it('forgets the lists that have been empty for longest, and says so', () => {
    const board = new TypingBoard({ from: 0, rows: [row(0, 1, '@a')] });
    for (let nid = 1; nid < 10_010; nid++) board.apply({ rows: [row(nid, nid + 1)] });
    expect([board.lists.rows.length, board.from]).toEqual([10_000, 11]);
    expect([board.of(0), board.of(10), board.of(11)]).toEqual([row(0, 1, '@a'), undefined, row(11, 12)]);
  });
});
