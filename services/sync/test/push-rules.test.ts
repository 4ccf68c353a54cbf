import { defaultPushRules } from '@ganglion/protocol';
import { BUSES } from '@ganglion/testing';
import { Deployment, type Replica } from './support/deployment.js';
import type { Person, SyncOptions } from './support/person.js';

describe.each(BUSES)('push rules, on the %s bus', (_, makeBus) => {
  let deployment: Deployment;
  let replica: Replica;
  let alice: Person;

  beforeAll(async () => {
    deployment = await Deployment.create(makeBus);
    replica = await deployment.start();
  });
  afterAll(() => deployment.close());
  beforeEach(() => {
    alice = deployment.person('alice', replica);
  });

  /** What an answer shows of push rules. */
  async function shown(person: Person, options?: SyncOptions) {
    const events: { type: string; content: { global: object } }[] =
      (await person.sync(options)).account_data?.events ?? [];
    return events.filter(({ type }) => type === 'm.push_rules').map(({ content }) => content.global);
  }

  it('are shown in an initial sync to who has changed none, and not again', async () => {
    expect(await shown(alice)).toEqual([defaultPushRules(alice.userId)]);
    expect(await shown(alice)).toEqual([]);
  });

  it('wake who waits when they change, and are shown complete', async () => {
    await alice.sync();
    const waiting = shown(alice, { timeout: 10_000 });
    await deployment.users.set(alice.userId, 'm.push_rules', { predefined: { '.m.rule.master': { enabled: true } } });
    const [first, ...more] = defaultPushRules(alice.userId).override;
    const override = [{ ...first, enabled: true }, ...more];
    const expected = { ...defaultPushRules(alice.userId), override };
    expect(await waiting).toEqual([expected]);
    expect(await shown(alice.with({ deviceId: 'NEW' }))).toEqual([expected]);
  });

  it('are shown beside other account data, once', async () => {
    await deployment.users.set(alice.userId, 'other', { n: 1 });
    await deployment.users.set(alice.userId, 'm.push_rules', {});
    const { account_data } = await alice.sync();
    const types = account_data.events.map(({ type }: { type: string }) => type);
    expect(types.sort()).toEqual(['m.push_rules', 'other']);
  });

  it('are left out where a filter says so', async () => {
    const filter = { account_data: { not_types: ['m.push_rules'] } };
    expect(await shown(alice, { filter })).toEqual([]);
    expect(await shown(alice.with({ deviceId: 'NEW' }), { filter: { account_data: { types: ['m.*'] } } })).toHaveLength(
      1,
    );
  });
});
