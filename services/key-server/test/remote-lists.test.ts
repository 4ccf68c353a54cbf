import { ready } from '@ganglion/protocol';
import { CryptoDevice, eventually } from '@ganglion/testing';
import type { AskedList, RemoteListState } from '../src/domain/ports.js';
import { RemoteDeviceLists } from '../src/domain/remote-lists.js';

const BOB = '@bob:far.test';

beforeAll(ready);

/** One replica; of its looks at what is kept, the first is answered when it is told to. */
function replica({ shares }: { shares: boolean }) {
  const kept = new Map<string, AskedList>();
  const looks: (() => void)[] = [];
  let questions = 0;
  const stateOf = (userId: string): RemoteListState => {
    const list = kept.get(userId);
    return { userId, heardSeq: 0, keptSeq: list?.heardSeq, evidence: list?.evidence ?? '' };
  };
  const lists = new RemoteDeviceLists({
    store: {
      states: (userIds) => {
        const seen = userIds.map(stateOf);
        return new Promise((resolve) => looks.push(() => resolve(seen)));
      },
      begin: async () => undefined,
      askedFor: async () => new Set<string>(),
      keep: async (list) => void kept.set(list.userId, list),
    },
    servers: {
      queryKeys: async () => {
        questions++;
        return { device_keys: { [BOB]: { PHONE: { ...new CryptoDevice(BOB, 'PHONE').keys() } } } };
      },
      claimKeys: async () => ({}),
    },
    rooms: { evidence: async (users) => new Map(shares ? users.map(({ userId }) => [userId, 'a room']) : []) },
    logger: { warn: () => undefined },
  });
  return { lists, looks, questions: () => questions };
}

/** Two ask; the second has looked at what is kept before the first has its answer, and hears of it only after that. */
async function slowLook(shares: boolean) {
  const { lists, looks, questions } = replica({ shares });
  const first = lists.find([BOB], 10_000);
  const second = lists.find([BOB], 10_000);
  looks[0]!();
  const told = await first;
  looks[1]!();
  return { told: [told, await second], questions };
}

describe('the devices of a user of another server', () => {
  it('are asked for once, though somebody has looked before they came and goes on after that', async () => {
    const { told, questions } = await slowLook(true);
    for (const { asked } of told) expect([...asked.get(BOB)!.devices.keys()]).toEqual(['PHONE']);
    expect(questions()).toBe(1);
  });

  it('are asked for each time when nobody tells us of changes', async () => {
    const { told, questions } = await slowLook(false);
    for (const { asked } of told) expect([...asked.get(BOB)!.devices.keys()]).toEqual(['PHONE']);
    expect(questions()).toBe(2);
  });
});

/** A replica whose questions a test answers, or lets fail; what is heard of users is counted by it. */
function replicaOf({ askAgainAfterMs }: { askAgainAfterMs?: readonly number[] } = {}) {
  const heard = new Map<string, number>();
  const kept = new Map<string, AskedList>();
  const questions: (readonly string[])[] = [];
  const far = { isDead: false };
  const lists = new RemoteDeviceLists({
    store: {
      states: async (userIds) =>
        userIds.map((userId) => {
          const list = kept.get(userId);
          const heardSeq = heard.get(userId) ?? 0;
          return { userId, heardSeq, keptSeq: list?.heardSeq, evidence: list?.evidence ?? '' };
        }),
      begin: async () => undefined,
      askedFor: async () => new Set<string>(),
      keep: async (list) => void kept.set(list.userId, list),
    },
    servers: {
      queryKeys: async (_, userIds) => {
        questions.push(userIds);
        if (far.isDead) throw new Error('dead');
        return { device_keys: Object.fromEntries(userIds.map((userId) => [userId, {}])) };
      },
      claimKeys: async () => ({}),
    },
    rooms: { evidence: async (users) => new Map(users.map(({ userId }) => [userId, 'a room'])) },
    logger: { warn: () => undefined },
    askAgainAfterMs,
  });
  const change = (userId: string) => heard.set(userId, (heard.get(userId) ?? 0) + 1);
  return { lists, questions, far, change, kept };
}

describe('after a change of the devices of users of another server', () => {
  const users = Array.from({ length: 1_000 }, (_, n) => `@user-${n}:far.test`);

  it('so many of so many users as there may be are a bounded number of questions, and none before somebody wants to know', async () => {
    const { lists, questions, change } = replicaOf();
    await lists.find(users, 10_000);
    questions.length = 0;
    for (let n = 0; n < 20; n++) for (const userId of users) change(userId);
    expect(questions).toEqual([]);
    await Promise.all(Array.from({ length: 50 }, () => lists.find(users, 10_000)));
    expect(questions.map(({ length }) => length)).toEqual([250, 250, 250, 250]);
    expect((await lists.find(users, 10_000)).kept).toHaveLength(users.length);
    expect(questions).toHaveLength(4);
  });

  it('what was known before is told while their server does not answer, with its failure, and it is asked again by and by', async () => {
    const { lists, questions, far, change, kept } = replicaOf({ askAgainAfterMs: [5, 5, 5, 5, 5, 5, 5, 5] });
    await lists.find([BOB], 10_000);
    change(BOB);
    far.isDead = true;
    const told = await lists.find([BOB, '@new:far.test'], 10_000);
    expect([told.kept, Object.keys(told.failures), [...told.asked]]).toEqual([[BOB], ['far.test'], []]);
    await eventually(() => expect(questions.length).toBeGreaterThan(3));
    far.isDead = false;
    await eventually(() => expect(kept.get(BOB)?.heardSeq).toBe(1));
    const asked = questions.length;
    expect(await lists.find([BOB], 10_000)).toMatchObject({ kept: [BOB], failures: {} });
    expect(questions).toHaveLength(asked);
    lists.stop();
  });

  it('nobody is asked again for ever', async () => {
    const { lists, questions, far, change } = replicaOf({ askAgainAfterMs: [1, 1] });
    await lists.find([BOB], 10_000);
    change(BOB);
    far.isDead = true;
    await lists.find([BOB], 10_000);
    await eventually(() => expect(questions).toHaveLength(4));
    change(BOB);
    await lists.find([BOB], 10_000);
    await eventually(() => expect(questions).toHaveLength(7));
  });
});
