import { hash } from 'node:crypto';

const NUMBERS_A_HASH = 8;
const BYTES_A_NUMBER = 4;

/** Numbers that look random and are the same for the same seed, on every machine. */
export class Random {
  private block = Buffer.alloc(0);
  private drawn = 0;

  constructor(private readonly seed: number | string) {}

  /** A whole number from 0 to the limit, which it does not reach. */
  below(limit: number): number {
    const place = this.drawn % NUMBERS_A_HASH;
    if (place === 0) this.block = hash('sha256', `${this.seed} ${this.drawn}`, 'buffer');
    this.drawn += 1;
    return Math.floor((this.block.readUInt32LE(place * BYTES_A_NUMBER) / 2 ** 32) * limit);
  }

  /** True that many times in a hundred. */
  percent(share: number): boolean {
    return this.below(100) < share;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error('There is nothing to pick from');
    return item;
  }

  /** One of the items, each as often as its weight says. */
  weighted<T>(items: readonly (readonly [weight: number, item: T])[]): T {
    let left = this.below(items.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, item] of items) {
      if (left < weight) return item;
      left -= weight;
    }
    throw new Error('There is nothing to pick from');
  }

  /** Some of the items, no more than the number, in random order and none twice. */
  some<T>(items: readonly T[], number: number): T[] {
    const left = [...items];
    const chosen: T[] = [];
    while (left.length > 0 && chosen.length < number) chosen.push(...left.splice(this.below(left.length), 1));
    return chosen;
  }
}
