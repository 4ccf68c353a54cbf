import { Deployment, type Replica } from './support/deployment.js';
import type { Person } from './support/person.js';
import type { NewEvent } from './support/rooms.js';

let deployment: Deployment;
let replicas: [Replica, Replica];
let alice: Person;
let roomId: string;

beforeAll(async () => {
  deployment = await Deployment.create();
  replicas = [await deployment.start(), await deployment.start()];
});
afterAll(() => deployment.close());
beforeEach(() => {
  alice = deployment.person('alice', replicas[0]);
  roomId = deployment.rooms.name();
});

const HOST = '@host:two.test';
const NAME = { type: 'm.room.name', state_key: '', sender: HOST, content: { name: 'Elsewhere' } };
const told = (membership: string, sender: string, strippedState: readonly object[]): NewEvent => ({
  ...{ type: 'm.room.member', stateKey: alice.userId, sender, content: { membership }, strippedState },
});
const invite = (...state: object[]) => deployment.rooms.send(roomId, told('invite', HOST, state));

/** Syncs until one of the sections tells of the room. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of any shape
async function hear(person: Person, section: 'invite' | 'knock' | 'leave'): Promise<any> {
  for (let tries = 0; tries < 20; tries++) {
    const { rooms } = await person.sync({ timeout: 1_000 });
    if (rooms[section][roomId] !== undefined) return rooms[section][roomId];
  }
  throw new Error(`nothing was heard of ${roomId}`);
}

describe('an invite to a room that nobody here is in', () => {
  it('shows what is known of the room, with the invite itself, at any replica and again', async () => {
    await alice.sync();
    await invite(NAME, { type: 'm.room.topic', nonsense: true }, 7 as unknown as object);
    const own = { type: 'm.room.member', state_key: alice.userId, sender: HOST, content: { membership: 'invite' } };
    expect((await hear(alice, 'invite')).invite_state.events).toEqual([NAME, own]);
    const elsewhere = alice.with({ url: replicas[1].url, deviceId: 'OTHER' });
    expect((await hear(elsewhere, 'invite')).invite_state.events).toEqual([NAME, own]);
    expect((await alice.sync()).rooms.invite).toBeUndefined();
  });

  it('is not doubled when what is known holds it', async () => {
    const own = { type: 'm.room.member', state_key: alice.userId, sender: HOST, content: { membership: 'invite' } };
    await invite(own, NAME);
    expect((await hear(alice, 'invite')).invite_state.events).toEqual([own, NAME]);
  });

  it('is not shown from somebody who is ignored', async () => {
    await deployment.users.set(alice.userId, 'm.ignored_user_list', { ignored_users: { [HOST]: {} } });
    await invite(NAME);
    const { rooms } = await alice.sync();
    expect(rooms.invite).toBeUndefined();
  });

  it('ends with a leaving that is shown, and nothing of the room with it', async () => {
    await invite(NAME);
    await hear(alice, 'invite');
    const eventId = await deployment.rooms.send(roomId, told('leave', alice.userId, []));
    const { timeline, state } = await hear(alice, 'leave');
    expect(timeline.events).toEqual([expect.objectContaining({ event_id: eventId, content: { membership: 'leave' } })]);
    expect(state.events).toEqual([]);
    const path = `rooms/${encodeURIComponent(roomId)}`;
    for (const what of ['messages?dir=b', 'members', `event/${encodeURIComponent(eventId)}`]) {
      expect((await alice.call('GET', `${path}/${what}`)).status).toBeGreaterThanOrEqual(403);
    }
    expect((await alice.call('POST', `${path}/forget`)).status).toBe(200);
  });

  it('becomes a room like any other by joining it', async () => {
    await invite(NAME);
    await hear(alice, 'invite');
    const room = deployment.rooms.room(roomId);
    const create = room.outlier({ type: 'm.room.create', sender: HOST, stateKey: '', content: {} });
    const eventId = `$join-${roomId}`;
    await deployment.rooms.send(roomId, {
      ...{ type: 'm.room.member', stateKey: alice.userId, sender: alice.userId, content: { membership: 'join' } },
      ...{ eventId, stateChanges: [{ type: 'm.room.create', stateKey: '', eventId: create.eventId }] },
    });
    const joined = (await alice.sees(roomId, eventId)) as unknown as { state: { events: { type: string }[] } };
    // It is no part of the log, and yet of the state.
    expect(joined.state.events.map(({ type }) => type)).toEqual(['m.room.create']);
    const said = await deployment.rooms.say(roomId, HOST, 'Welcome');
    await alice.sees(roomId, said);
  });
});

describe('a knock at a room that nobody here is in', () => {
  it('shows what is known of the room', async () => {
    await deployment.rooms.send(roomId, told('knock', alice.userId, [NAME]));
    expect((await hear(alice, 'knock')).knock_state.events[0]).toEqual(NAME);
  });
});

describe('members of other servers', () => {
  it('are members like ours, but nobody keeps their rooms for them', async () => {
    const room = await deployment.rooms.create(alice.userId, HOST);
    const said = await deployment.rooms.say(room, HOST, 'Hello');
    const seen = (await alice.sees(room, said)) as unknown as { summary: object };
    expect(seen.summary).toMatchObject({ 'm.joined_member_count': 2, 'm.heroes': [HOST] });
    const text = 'SELECT user_id FROM sync.memberships JOIN sync.rooms USING (room_nid) WHERE room_id = $1';
    expect((await deployment.db.query({ text, values: [room] })).rows).toEqual([{ user_id: alice.userId }]);
  });
});
