import { Deployment, type Replica } from './support/deployment.js';
import type { Person } from './support/person.js';

let deployment: Deployment;
let replica: Replica;
let alice: Person;
let bob: Person;
let roomId: string;

beforeAll(async () => {
  deployment = await Deployment.create();
  replica = await deployment.start();
});
afterAll(() => deployment.close());
beforeEach(async () => {
  [alice, bob] = ['alice', 'bob'].map((name) => deployment.person(name, replica)) as [Person, Person];
  roomId = await deployment.rooms.create(alice.userId);
});

const setVisibility = (history_visibility: string) =>
  deployment.rooms.send(roomId, {
    ...{ type: 'm.room.history_visibility', stateKey: '', sender: alice.userId, content: { history_visibility } },
  });
const say = (body: string, more: object = {}) =>
  deployment.rooms.send(roomId, { type: 'm.room.message', sender: alice.userId, content: { body }, ...more });

async function bodiesFor(person: Person): Promise<string[]> {
  const path = `rooms/${encodeURIComponent(roomId)}/messages?dir=f&limit=100`;
  const { status, body } = await person.call('GET', path);
  expect(status).toBe(200);
  return body.chunk.flatMap(({ content }: { content: { body?: string } }) => content.body ?? []);
}

async function inSync(person: Person): Promise<string[]> {
  const { rooms } = await person.with({ deviceId: 'NEW' }).sync({ filter: { room: { timeline: { limit: 50 } } } });
  const events: { content: { body?: string } }[] = rooms.join[roomId]?.timeline.events ?? [];
  return events.flatMap(({ content }) => content.body ?? []);
}

/** Who may see an event is told by the state at it, not by when it came. */
describe('an event of a branch', () => {
  it('from before somebody joined is not theirs, although it came after that', async () => {
    await setVisibility('joined');
    await deployment.rooms.setMembership(roomId, bob.userId, 'join', alice.userId);
    await say('theirs');
    await say('late', { depth: 2, memberships: [{ userId: bob.userId, membership: 'leave' }], visibility: 'joined' });
    await alice.sees(roomId, await say('last'));
    expect(await bodiesFor(bob)).toEqual(['theirs', 'last']);
    expect(await inSync(bob)).toEqual(['theirs', 'last']);
    expect((await bodiesFor(alice)).toSorted()).toEqual(['last', 'late', 'theirs']);
  });

  it('from when the room was open stays open, although it came after it was closed', async () => {
    await setVisibility('joined');
    await say('closed');
    await say('open', { depth: 2, visibility: 'shared' });
    const last = await deployment.rooms.setMembership(roomId, bob.userId, 'join', alice.userId);
    await bob.sees(roomId, last);
    expect(await bodiesFor(bob)).toEqual(['open']);
  });

  it('from when somebody was in is theirs, although it came when they had been removed and had come back', async () => {
    await setVisibility('joined');
    for (const membership of ['join', 'leave']) {
      await deployment.rooms.setMembership(roomId, bob.userId, membership, alice.userId);
    }
    await say('unseen');
    await say('late', { memberships: [{ userId: bob.userId, membership: 'join' }] });
    await deployment.rooms.setMembership(roomId, bob.userId, 'join', alice.userId);
    await bob.sees(roomId, await say('last'));
    expect(await bodiesFor(bob)).toEqual(['late', 'last']);
  });
});

describe('an event that was backfilled', () => {
  it('is seen by whom the state at it lets, and says what they were', async () => {
    await deployment.rooms.setMembership(roomId, bob.userId, 'join', alice.userId);
    await say('now');
    const message = (body: string, more: object) => ({
      ...{ type: 'm.room.message', sender: alice.userId, content: { body }, depth: 0, ...more },
    });
    const events = deployment.rooms.backfill(roomId, [
      message('shared', { visibility: 'shared' }),
      message('as a member', {
        ...{ visibility: 'joined', memberships: [{ userId: bob.userId, membership: 'join' }] },
      }),
      message('not as a member', { visibility: 'joined', memberships: [] }),
      message('as a guest', { visibility: 'invited', memberships: [{ userId: bob.userId, membership: 'invite' }] }),
    ]);
    await deployment.rooms.publish(roomId, events);
    await bob.sees(roomId, await say('last'));
    expect(await bodiesFor(bob)).toEqual(['as a guest', 'as a member', 'shared', 'now', 'last']);
    // What is older than what a client has does not come by /sync.
    expect(await inSync(bob)).toEqual(['now', 'last']);
    const one = async (index: number) => {
      const eventId = encodeURIComponent(events[index]!.eventId);
      return (await bob.call('GET', `rooms/${encodeURIComponent(roomId)}/event/${eventId}`)).body;
    };
    expect((await one(1)).unsigned.membership).toBe('join');
    expect((await one(3)).unsigned.membership).toBe('invite');
    expect((await one(0)).unsigned.membership).toBeUndefined();
    expect((await one(2)).errcode).toBe('M_NOT_FOUND');
  });
});
