import { Budget } from '../src/domain/sending/budget.js';

it('only so much is on its way at once, and what is large waits for its turn', async () => {
  const budget = new Budget(10);
  let [now, most] = [0, 0];
  const sizes = [4, 4, 4, 25, 1, 10, 3];
  const order: number[] = [];
  const runs = sizes.map((size, index) =>
    budget.spend(size, async () => {
      now += Math.min(size, 10);
      most = Math.max(most, now);
      order.push(index);
      await new Promise(setImmediate);
      now -= Math.min(size, 10);
      if (size === 25) throw new Error('too much');
    }),
  );
  const results = await Promise.allSettled(runs);
  expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(1);
  expect(most).toBe(10);
  expect(order).toEqual([...sizes.keys()]);
});
