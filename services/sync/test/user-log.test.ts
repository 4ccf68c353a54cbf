import { USER_CHANGES } from '@ganglion/contracts';
import { eventually } from '@ganglion/testing';
import { Deployment } from './support/deployment.js';
import type { Person } from './support/person.js';

let deployment: Deployment;
beforeAll(async () => {
  deployment = await Deployment.create();
});
afterAll(() => deployment.close());

const change = (n: number) => ({ roomId: '', type: `type-${n}`, contentJson: `{"n":${n}}` });

/** Syncs on until this account data has come; all that came, in its order. */
async function accountDataUntil(person: Person, last: number): Promise<number[]> {
  const seen: number[] = [];
  await eventually(async () => {
    const { account_data } = await person.sync({ timeout: 1_000 });
    for (const { content } of account_data?.events ?? []) if ('n' in content) seen.push(content.n);
    expect(seen).toContain(last);
  }, 90_000);
  return seen;
}

it('a change that the bus brings before an earlier one does not hide that one', async () => {
  const alice = deployment.person('alice', await deployment.start());
  await deployment.users.set(alice.userId, 'type-1', { n: 1 });
  expect(await accountDataUntil(alice, 1)).toEqual([1]);
  // Another replica has made it, and is slow to publish it.
  const late = deployment.users.store(alice.userId, change(2));
  await deployment.users.set(alice.userId, 'type-3', { n: 3 });
  expect(await accountDataUntil(alice, 3)).toEqual([2, 3]);
  const { bus } = deployment.testBus;
  await bus.publish(USER_CHANGES, { userId: alice.userId, changes: [late] }, { key: alice.userId });
  await deployment.users.set(alice.userId, 'type-4', { n: 4 });
  expect(await accountDataUntil(alice, 4)).toEqual([4]);
});

it('twenty thousand changes of which the bus knows nothing are read from the log', async () => {
  const bob = deployment.person('bob', await deployment.start());
  for (let n = 1; n <= 20_000; n++) deployment.users.store(bob.userId, change(n));
  await deployment.users.set(bob.userId, 'type-20001', { n: 20_001 });
  const seen = await accountDataUntil(bob, 20_001);
  expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20_001 }, (_, index) => index + 1));
}, 120_000);
