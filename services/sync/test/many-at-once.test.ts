import { eventually } from '@ganglion/testing';
import { Deployment, type Replica } from './support/deployment.js';
import type { Person } from './support/person.js';

const NAMES = Array.from({ length: 12 }, (_, index) => `user-${index}`);
const ROOMS = 60;

let deployment: Deployment;
let replica: Replica;
let people: Person[];
let roomIds: string[];

beforeAll(async () => {
  deployment = await Deployment.create();
  replica = await deployment.start();
  people = NAMES.map((name) => deployment.person(name, replica));
  const userIds = people.map(({ userId }) => userId);
  roomIds = await Promise.all(Array.from({ length: ROOMS }, () => deployment.rooms.create(...userIds)));
  const joined = async () => Object.keys((await people[0]!.with({ deviceId: 'FIRST' }).sync()).rooms?.join ?? {});
  await eventually(async () => expect((await joined()).length).toBe(ROOMS), 20_000);
});
afterAll(() => deployment.close());

it('users of many rooms who all begin at once each get all of them, also when others go away meanwhile', async () => {
  const controllers = people.map(() => new AbortController());
  const gone = people.map(({ userId }, index) => {
    const headers = { authorization: `Bearer ${encodeURIComponent(`${userId} GONE`)}` };
    return fetch(`${replica.url}/_matrix/client/v3/sync?timeout=0`, { headers, signal: controllers[index]!.signal });
  });
  const answers = Promise.all(
    people.flatMap((person) => [
      person.with({ deviceId: 'ONE' }).sync(),
      person.with({ deviceId: 'TWO' }).sync({ fullState: true }),
    ]),
  );
  for (const controller of controllers) controller.abort();
  await Promise.allSettled(gone);
  for (const { rooms } of await answers) expect(Object.keys(rooms.join).sort()).toEqual([...roomIds].sort());
});
