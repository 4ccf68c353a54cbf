import { OverdueCommits } from '../src/domain/append/overdue-commits.js';

const upTo = (seq: number, roomId = '!a:one.test') => ({
  rooms: [
    {
      nid: 1,
      roomId,
      roomVersion: '11',
      seq,
      backSeq: 0,
      joined: 1,
      invited: 0,
      membersPosition: 1,
      relationsPosition: 0,
    },
  ],
  userSeqs: [],
});

describe('what was announced', () => {
  let commits: OverdueCommits;
  beforeEach(() => {
    commits = new OverdueCommits();
    commits.announce('!a:one.test', 5, 0);
  });

  it('is overdue when it stays away for a second, and that is said once', () => {
    expect(commits.take(999)).toBe(false);
    expect(commits.take(1_000)).toBe(true);
    expect(commits.take(10_000)).toBe(false);
  });

  it('is not when it has been appended, of a room or of a user', () => {
    commits.announce('@bob:one.test', 3, 0);
    commits.appended(upTo(5), 500);
    commits.appended({ rooms: [], userSeqs: [{ userId: '@bob:one.test', seq: 4 }] }, 500);
    expect(commits.take(10_000)).toBe(false);
  });

  it('is not while its room comes closer to it, however busy the room is', () => {
    for (let seq = 1; seq < 10; seq++) {
      commits.announce('!a:one.test', seq + 5, seq * 900);
      commits.appended(upTo(seq), seq * 900);
      expect(commits.take(seq * 900 + 899)).toBe(false);
    }
    expect(commits.take(9 * 900 + 1_000)).toBe(true);
  });

  it('is not said again within three seconds', () => {
    expect(commits.take(1_000)).toBe(true);
    commits.announce('!b:one.test', 1, 1_500);
    expect(commits.take(3_999)).toBe(false);
    expect(commits.take(4_000)).toBe(true);
  });
});
