import { Deployment, type Replica } from './support/deployment.js';
import type { Person } from './support/person.js';

const LAZY = { room: { state: { lazy_load_members: true }, timeline: { limit: 1 } } };

interface Room {
  readonly summary?: Readonly<Record<string, unknown>>;
  readonly state: { readonly events: readonly { readonly type: string; readonly state_key: string }[] };
}

let deployment: Deployment;
let replica: Replica;
let alice: Person;
let others: string[];
let roomId: string;

beforeAll(async () => {
  deployment = await Deployment.create();
  replica = await deployment.start();
});
afterAll(() => deployment.close());

beforeEach(async () => {
  alice = deployment.person('alice', replica);
  others = Array.from({ length: 7 }, (_, index) => deployment.person(`other${index}`, replica).userId);
  roomId = await deployment.rooms.create(alice.userId, ...others);
});

const setState = (type: string, content: object) =>
  deployment.rooms.send(roomId, { type, stateKey: '', sender: alice.userId, content });
const after = async (eventId: string) => (await follow(eventId)) as unknown as Room;
const follow = (eventId: string) =>
  alice.roomUntil(roomId, ({ timeline }) => timeline.events.some(({ event_id }) => event_id === eventId), {
    filter: LAZY,
  });
const heroes = ({ summary }: Room) => summary?.['m.heroes'];
const members = ({ state }: Room) =>
  state.events.filter(({ type }) => type === 'm.room.member').map(({ state_key }) => state_key);

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync */
describe('the summary of a room', () => {
  it('counts members and names the first five of them, whose member events come along', async () => {
    await deployment.rooms.setMembership(roomId, '@invited:one.test', 'invite', alice.userId);
    const last = await deployment.rooms.say(roomId, alice.userId, 'Hello');
    const room = await after(last);
    expect(room.summary).toEqual({
      ...{ 'm.joined_member_count': 8, 'm.invited_member_count': 1, 'm.heroes': others.slice(0, 5) },
    });
    expect(members(room).sort()).toEqual([alice.userId, ...others.slice(0, 5)].sort());
  });

  it.each([
    ['m.room.name', { name: 'Ours' }, { name: '' }],
    ['m.room.name', { name: 'Ours' }, {}],
    ['m.room.name', { name: 'Ours' }, { name: 7 }],
    ['m.room.canonical_alias', { alias: '#ours:one.test' }, {}],
  ])('names nobody while %s is %j, and somebody again when it is %j', async (type, named, empty) => {
    const before = await after(await setState(type, named));
    expect(before.summary).toMatchObject({ 'm.joined_member_count': 8 });
    expect(heroes(before)).toBeUndefined();
    const room = await after(await setState(type, empty));
    expect(heroes(room)).toEqual(others.slice(0, 5));
    expect(members(room).sort()).toEqual(others.slice(0, 5).sort());
  });

  it('is told again when it changes, with the member event of who becomes one of the first', async () => {
    await after(await deployment.rooms.say(roomId, alice.userId, 'Hello'));
    const quiet = await after(await deployment.rooms.say(roomId, alice.userId, 'Nothing changes'));
    expect(quiet.summary).toBeUndefined();
    await deployment.rooms.setMembership(roomId, others[0]!, 'leave');
    const room = await after(await deployment.rooms.say(roomId, alice.userId, 'Gone'));
    expect(room.summary).toMatchObject({ 'm.joined_member_count': 7, 'm.heroes': others.slice(1, 6) });
    expect(members(room)).toContain(others[5]);
    expect(members(room)).not.toContain(others[2]);
  });
});
