import { hash, shardOf } from '../src/names.js';
import { range } from './support.js';

describe('shardOf', () => {
  it('is the same in every process and release', () => {
    const keys = ['', '!a:example.org', '!b:example.org', 'ü', '😀'];
    expect(keys.map((key) => shardOf(key, 16))).toEqual([11, 9, 4, 1, 6]);
  });

  it('spreads rooms evenly', () => {
    const shards = 16;
    const counts = Array<number>(shards).fill(0);
    for (const n of range(1, 16_000)) counts[shardOf(`!room${n}:example.org`, shards)]! += 1;
    expect(Math.min(...counts)).toBeGreaterThan(850);
    expect(Math.max(...counts)).toBeLessThan(1_150);
  });

  it('knows one shard only when there is one', () => {
    expect(shardOf('!a:x', 1)).toBe(0);
  });

  it('hashes to 32 bits without a sign', () => {
    for (const n of range(1, 1_000)) {
      expect(hash(`${n}`)).toBeGreaterThanOrEqual(0);
      expect(hash(`${n}`)).toBeLessThan(2 ** 32);
    }
  });
});
