import { eventually } from '@ganglion/testing';
import { Homeserver, type Replica } from '../support/homeserver.js';
import { inRoom, Person } from '../support/person.js';

let homeserver: Homeserver;
let replica: Replica;
let other: Replica;
let alice: Person;
let bob: Person;
beforeAll(async () => {
  homeserver = await Homeserver.create();
  replica = await homeserver.start();
  other = await homeserver.start();
});
afterAll(() => homeserver.close());
beforeEach(async () => {
  [alice, bob] = [await Person.register(replica.url), (await Person.register(other.url)).at(other.url)];
});

const LISTS = 'org.matrix.msc4155.invite_permission_config';
const wants = (type: string, content: object) =>
  alice.must('PUT', `user/${encodeURIComponent(alice.userId)}/account_data/${type}`, content);
const BLOCKED = [403, 'M_INVITE_BLOCKED'];
const invites = async () => Object.keys((await alice.must('GET', 'sync')).rooms.invite ?? {});

/** Bob invites alice in each way that there is; what he is told. */
async function attempts(): Promise<unknown[]> {
  const roomId = await bob.createRoom();
  const member = `${inRoom(roomId)}/state/m.room.member/${encodeURIComponent(alice.userId)}`;
  const answers = [
    await bob.post(`${inRoom(roomId)}/invite`, { user_id: alice.userId }),
    await bob.put(member, { membership: 'invite' }),
    await bob.post('createRoom', { invite: [alice.userId] }),
  ];
  return answers.map(({ status, body }) => [status, body.errcode]);
}

it.each(['m.invite_permission_config', 'org.matrix.msc4380.invite_permission_config'])(
  'who wants no invites gets none (%s), and gets them again',
  async (type) => {
    await wants(type, { default_action: 'block' });
    expect(await attempts()).toEqual([BLOCKED, BLOCKED, BLOCKED]);
    expect(await invites()).toEqual([]);
    await wants(type, {});
    const roomId = await bob.createRoom({ invite: [alice.userId] });
    await eventually(async () => expect(await invites()).toEqual([roomId]));
  },
);

it('who wants no invites any more is not told of those that there are', async () => {
  const roomId = await bob.createRoom({ invite: [alice.userId] });
  await eventually(async () => expect(await invites()).toEqual([roomId]));
  await wants('m.invite_permission_config', { default_action: 'block' });
  await eventually(async () => expect(await invites()).toEqual([]));
  await wants('m.invite_permission_config', {});
  await eventually(async () => expect(await invites()).toEqual([roomId]));
});

it('some may invite where others may not', async () => {
  await wants(LISTS, { blocked_servers: ['one.*'], allowed_users: [bob.userId] });
  const roomId = await bob.createRoom({ invite: [alice.userId] });
  await eventually(async () => expect(await invites()).toEqual([roomId]));
  const carol = await Person.register(replica.url);
  const { status, body } = await carol.post('createRoom', { invite: [alice.userId] });
  expect([status, body.errcode]).toEqual(BLOCKED);
});

it('who is ignored is not told so, and nobody is told of the invite', async () => {
  await wants(LISTS, { ignored_users: [bob.userId] });
  const roomId = await bob.createRoom({ invite: [alice.userId] });
  const carols = await (await Person.register(replica.url)).createRoom({ invite: [alice.userId] });
  await eventually(async () => expect(await invites()).toEqual([carols]));
  const { chunk } = await bob.must('GET', `${inRoom(roomId)}/members?membership=invite`);
  expect(chunk.map(({ state_key }: { state_key: string }) => state_key)).toEqual([alice.userId]);
});
