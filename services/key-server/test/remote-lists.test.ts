import { ready } from '@ganglion/protocol';
import { CryptoDevice } from '@ganglion/testing';
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
