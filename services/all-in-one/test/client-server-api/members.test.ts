import { eventually } from '@ganglion/testing';
import { Homeserver, type Replica } from '../support/homeserver.js';
import { type Answer, inRoom, Person } from '../support/person.js';

let homeserver: Homeserver;
let replica: Replica;
let alice: Person;
let bob: Person;
let carol: Person;
let dave: Person;
let roomId: string;
beforeAll(async () => {
  homeserver = await Homeserver.create();
  replica = await homeserver.start();
});
afterAll(() => homeserver.close());
beforeEach(async () => {
  const register = (name: string) => Person.register(replica.url, name);
  [alice, bob, carol, dave] = (await Promise.all(['alice', 'bob', 'carol', 'dave'].map(register))) as Four;
  roomId = await alice.createRoom({ preset: 'public_chat' });
  await bob.must('POST', `${inRoom(roomId)}/join`);
  await alice.must('POST', `${inRoom(roomId)}/invite`, { user_id: carol.userId });
  await alice.must('POST', `${inRoom(roomId)}/ban`, { user_id: dave.userId });
});

type Four = [Person, Person, Person, Person];

const refusal = ({ status, body }: Answer) => [status, body.errcode];

/** Who is listed, with their memberships. */
async function members(asSeenBy: Person, query = ''): Promise<Record<string, string>> {
  const { chunk } = await asSeenBy.must('GET', `${inRoom(roomId)}/members${query}`);
  type Member = { state_key: string; content: { membership: string } };
  return Object.fromEntries(chunk.map(({ state_key, content }: Member) => [state_key, content.membership]));
}

/** Where the room stands now, for a client that has read all of it. */
async function tokenAfter(person: Person, eventId: string): Promise<string> {
  return eventually(async () => {
    const { next_batch, rooms } = await person.must('GET', 'sync?timeout=0');
    const events = rooms.join[roomId].timeline.events as { event_id: string }[];
    expect(events.map(({ event_id }) => event_id)).toContain(eventId);
    return next_batch;
  });
}

it('members are listed by their membership', async () => {
  const all = { [alice.userId]: 'join', [bob.userId]: 'join', [carol.userId]: 'invite', [dave.userId]: 'ban' };
  const only = (...memberships: string[]) =>
    Object.fromEntries(Object.entries(all).filter(([, membership]) => memberships.includes(membership)));
  await eventually(async () => expect(await members(alice)).toEqual(all));
  expect(await members(bob, '?membership=join')).toEqual(only('join'));
  expect(await members(bob, '?membership=knock')).toEqual({});
  expect(await members(bob, '?not_membership=join')).toEqual(only('invite', 'ban'));
  expect(await members(bob, '?membership=invite&not_membership=join')).toEqual(only('invite', 'ban'));
  expect(await members(bob, '?membership=join&not_membership=ban')).toEqual(only('join', 'invite'));
  for (const query of ['?membership=x', '?not_membership=', '?at=x', '?membership=join&membership=ban']) {
    expect(refusal(await bob.get(`${inRoom(roomId)}/members${query}`))).toEqual([400, 'M_INVALID_PARAM']);
  }
});

it.each(['event/$unknown', 'context/$unknown', 'event/$unknown:one.test'])(
  'an event that nobody has sent is not found: %s',
  async (path) => {
    const [kind, eventId = ''] = path.split('/');
    const answer = await alice.get(`${inRoom(roomId)}/${kind}/${encodeURIComponent(eventId)}`);
    expect(refusal(answer)).toEqual([404, 'M_NOT_FOUND']);
    expect(refusal(await alice.get(`${inRoom(roomId)}/${kind}/unknown`))).toEqual([400, 'M_INVALID_PARAM']);
  },
);

it('members at a point are those of then', async () => {
  const token = await tokenAfter(alice, await alice.say(roomId, 'then'));
  await bob.must('POST', `${inRoom(roomId)}/leave`);
  await carol.must('POST', `${inRoom(roomId)}/join`);
  await eventually(async () => expect(await members(alice)).toMatchObject({ [bob.userId]: 'leave' }));
  expect(await members(alice, `?at=${token}`)).toMatchObject({ [bob.userId]: 'join', [carol.userId]: 'invite' });
  expect(await members(alice, `?at=${token}&membership=join`)).toEqual({
    [alice.userId]: 'join',
    [bob.userId]: 'join',
  });
});

it('members are shown to who has left as they were then', async () => {
  await bob.must('POST', `${inRoom(roomId)}/leave`);
  await carol.must('POST', `${inRoom(roomId)}/join`);
  await eventually(async () => expect(await members(alice)).toMatchObject({ [carol.userId]: 'join' }));
  expect(await members(bob)).toMatchObject({ [bob.userId]: 'leave', [carol.userId]: 'invite' });
  await alice.must('POST', `${inRoom(roomId)}/ban`, { user_id: bob.userId });
  await eventually(async () => expect(await members(alice)).toMatchObject({ [bob.userId]: 'ban' }));
  expect(await members(bob)).toMatchObject({ [bob.userId]: 'leave', [carol.userId]: 'invite' });
});

it('neither a ban nor the state around it is shown to who had left before', async () => {
  await bob.must('POST', `${inRoom(roomId)}/leave`);
  await carol.must('POST', `${inRoom(roomId)}/join`);
  await alice.must('POST', `${inRoom(roomId)}/ban`, { user_id: bob.userId });
  const path = `${inRoom(roomId)}/state/m.room.member/${bob.userId}?format=event`;
  const { event_id } = await alice.must('GET', path);
  await eventually(async () => expect(await members(alice)).toMatchObject({ [bob.userId]: 'ban' }));
  const answer = await bob.get(`${inRoom(roomId)}/context/${encodeURIComponent(event_id)}`);
  expect(refusal(answer)).toEqual([404, 'M_NOT_FOUND']);
});

it('members are nobody’s who never was one', async () => {
  for (const person of [carol, dave]) {
    expect(refusal(await person.get(`${inRoom(roomId)}/members`))).toEqual([403, 'M_FORBIDDEN']);
  }
});

it('who is joined and shows neither name nor picture is told of with null for both', async () => {
  await bob.must('PUT', `profile/${bob.userId}/displayname`, { displayname: 'Bob' });
  await eventually(async () => {
    const { body } = await alice.get(`${inRoom(roomId)}/joined_members`);
    expect(body).toEqual({
      joined: {
        [alice.userId]: { display_name: expect.any(String), avatar_url: null },
        [bob.userId]: { display_name: 'Bob', avatar_url: null },
      },
    });
  });
  const odd = { membership: 'join', displayname: 5, avatar_url: ['x'] };
  await alice.must('PUT', `${inRoom(roomId)}/state/m.room.member/${alice.userId}`, odd);
  const { joined } = await bob.must('GET', `${inRoom(roomId)}/joined_members`);
  expect(joined[alice.userId]).toEqual({ display_name: null, avatar_url: null });
});
