import { assignShards } from '../src/jetstream/assignment.js';
import { range } from './support.js';

const names = (count: number) => range(1, count).map((n) => `member${n}`);

describe('assignShards', () => {
  it.each([
    [1, 1],
    [1, 8],
    [2, 4],
    [3, 4],
    [3, 16],
    [5, 8],
    [20, 16],
  ])('gives each of %i members a fair share of %i shards', (members, shards) => {
    const readers = assignShards(names(members), shards);
    const loads = names(members).map((name) => readers.filter((reader) => reader === name).length);
    expect(readers).toHaveLength(shards);
    expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1);
  });

  it('is the same in whatever order the members are known', () => {
    expect(assignShards(names(7).reverse(), 16)).toEqual(assignShards(names(7), 16));
    expect(assignShards([...names(3), 'member1'], 16)).toEqual(assignShards(names(3), 16));
  });

  it('moves few shards when a member comes or goes', () => {
    for (const count of range(2, 8)) {
      const before = assignShards(names(count), 64);
      const after = assignShards(names(count + 1), 64);
      const moved = before.filter((reader, shard) => reader !== after[shard]).length;
      expect(moved).toBeLessThan(64 / 2);
    }
  });
});
