import type { Asked, FarServer } from '@ganglion/testing';
import { Neighbours } from '../support/federation.js';
import type { Person } from '../support/person.js';

const PROFILE = '/_matrix/federation/v1/query/profile';

let neighbours: Neighbours;
let far: FarServer;
let alice: Person;
let counter = 0;
let bob: string;
let profile: object | undefined;

beforeAll(async () => {
  neighbours = await Neighbours.meet();
  far = neighbours.far;
  alice = await neighbours.person('alice');
});
afterAll(() => neighbours.close());
beforeEach(() => {
  bob = far.user(`bob-${++counter}`);
  profile = { displayname: 'Bob', avatar_url: 'mxc://far.test/bob', 'm.tz': 'Europe/Berlin' };
  far.asked.length = 0;
  far.answering = ({ path }: Asked) => (path.startsWith(PROFILE) ? profile : undefined);
});

const questions = () => far.asked.filter(({ path }) => path.startsWith(PROFILE)).length;
const path = (userId = bob, field = '') => `profile/${encodeURIComponent(userId)}${field}`;

describe('the profile of a user of another server', () => {
  it('is what their server says, asked once for several who want to see it', async () => {
    expect(await alice.get(path())).toMatchObject({ status: 200, body: profile });
    expect((await alice.get(path(bob, '/displayname'))).body).toEqual({ displayname: 'Bob' });
    expect((await alice.get(path(bob, '/m.tz'))).body).toEqual({ 'm.tz': 'Europe/Berlin' });
    expect(await alice.get(path(bob, '/org.example.none'))).toMatchObject({
      status: 404,
      body: { errcode: 'M_NOT_FOUND' },
    });
    expect(questions()).toBe(1);
  });

  it('is told without what no profile has', async () => {
    profile = {
      displayname: 5,
      avatar_url: { url: 'mxc://x/y' },
      'no name': 1,
      big: 'x'.repeat(70_000),
      'org.example.a': 1,
    };
    expect((await alice.get(path())).body).toEqual({ 'org.example.a': 1 });
  });

  it('is not found when the server does not know the user, or does not answer', async () => {
    profile = undefined;
    expect(await alice.get(path())).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
    expect(await alice.get(path('@nobody:127.0.0.1:1'))).toMatchObject({
      status: 404,
      body: { errcode: 'M_NOT_FOUND' },
    });
  });
});
