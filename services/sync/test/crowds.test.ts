import { eventually } from '@ganglion/testing';
import { Deployment, type Replica } from './support/deployment.js';
import type { Person } from './support/person.js';
import type { NewEvent } from './support/rooms.js';

const CROWD = 1_200;
const STRANGER = '@stranger:far.test';

let deployment: Deployment;
let replica: Replica;
let alice: Person;
let crowd: string[];
let roomId: string;

beforeAll(async () => {
  deployment = await Deployment.create();
  replica = await deployment.start({ presence: true });
  alice = deployment.person('alice', replica);
  crowd = Array.from({ length: CROWD }, (_, index) => `@user-${index}:far.test`);
  roomId = await deployment.rooms.create(alice.userId);
  const joins = crowd.map(
    (userId): NewEvent => ({
      ...{ type: 'm.room.member', sender: userId, stateKey: userId, content: { membership: 'join' } },
    }),
  );
  await deployment.rooms.commit(roomId, joins);
  await deployment.rooms.create(STRANGER);
  await alice.sees(roomId, await deployment.rooms.say(roomId, alice.userId, 'All are here'));
});
afterAll(() => deployment.close());

const tell = (presence: string, userIds: readonly string[] = crowd) =>
  replica.server.remoteEphemeral.setPresence({
    presence: userIds.map((userId) => ({ userId, presence, lastActiveAgoMs: 0 })),
  });

interface Told {
  readonly sender: string;
  readonly content: { readonly presence: string };
}

/** What a device is told from its token on, until it has been told of so many. */
async function told(person: Person, count: number): Promise<Map<string, string>> {
  const seen = new Map<string, string>();
  await eventually(async () => {
    const { presence } = await person.sync({ timeout: 100 });
    for (const { sender, content } of (presence?.events ?? []) as Told[]) {
      if (sender.endsWith(':far.test')) seen.set(sender, content.presence);
    }
    expect(seen.size).toBeGreaterThanOrEqual(count);
  }, 20_000);
  return seen;
}

it('a crowd that comes at once is seen by who shares a room, and is written in parts', async () => {
  await alice.sync();
  await tell('online', [...crowd, STRANGER]);
  const seen = await told(alice, CROWD);
  expect([seen.size, seen.get(STRANGER)]).toEqual([CROWD, undefined]);
  expect(new Set(seen.values())).toEqual(new Set(['online']));
  const text = 'SELECT count(*)::int AS size FROM sync.presence GROUP BY xmin::text';
  const { rows } = await deployment.db.query<{ size: number }>({ text });
  expect(Math.max(...rows.map(({ size }) => size))).toBeLessThanOrEqual(500);
});

it('who comes to a room, or comes back after long, is told of all who are there, and of nobody else', async () => {
  const [first, second] = [crowd[0]!, crowd[1]!];
  await tell('online', [...crowd, STRANGER]);
  await alice.sync();
  const watching = alice.with({});
  watching.since = alice.since;
  await tell('unavailable', [first, STRANGER]);
  await tell('offline', [second]);
  await told(watching, 2);
  // This replica has heard of nothing that was before it.
  const late = await deployment.start({ presence: true });
  const returned = alice.with({ url: late.url });
  returned.since = alice.since;
  expect(await told(returned, 2)).toEqual(
    new Map([
      [first, 'unavailable'],
      [second, 'offline'],
    ]),
  );
  const bob = deployment.person('bob', late);
  await bob.sync();
  await deployment.rooms.setMembership(roomId, bob.userId, 'join');
  const met = await told(bob, CROWD - 1);
  expect([met.size, met.get(first), met.has(second), met.has(STRANGER)]).toEqual([
    CROWD - 1,
    ...['unavailable', false, false],
  ]);
});
