import { hash } from '../names.js';

/**
 * Which member reads which shard: every process computes the same from who is there. Rendezvous hashing, so that few
 * shards move when a member comes or goes, but nobody gets more than a fair share: with few shards chance alone would
 * leave members without any.
 */
export function assignShards(members: readonly string[], shards: number): string[] {
  const loads = new Map([...new Set(members)].sort().map((member) => [member, 0]));
  const share = Math.floor(shards / loads.size);
  let larger = shards % loads.size;
  return Array.from({ length: shards }, (_, shard) => {
    const fair = [...loads].filter(([, load]) => load < share || (load === share && larger > 0));
    const [member, load] = fair.reduce((best, one) => (weight(one[0], shard) > weight(best[0], shard) ? one : best));
    if (load === share) larger--;
    loads.set(member, load + 1);
    return member;
  });
}

function weight(member: string, shard: number): number {
  return hash(`${member} ${shard}`);
}
