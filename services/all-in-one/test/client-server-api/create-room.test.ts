import { Homeserver, type Replica } from '../support/homeserver.js';
import { type Answer, inRoom, Person } from '../support/person.js';

let homeserver: Homeserver;
let replica: Replica;
let alice: Person;
let bob: Person;
beforeAll(async () => {
  homeserver = await Homeserver.create();
  replica = await homeserver.start();
  [alice, bob] = await Promise.all([Person.register(replica.url, 'alice'), Person.register(replica.url, 'bob')]);
});
afterAll(() => homeserver.close());

const VERSIONS = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12'];

interface StateEvent {
  readonly type: string;
  readonly state_key: string;
  readonly sender: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into contents of any shape
  readonly content: any;
}

async function stateOf(roomId: string, person = alice): Promise<StateEvent[]> {
  return person.must('GET', `${inRoom(roomId)}/state`);
}

/** The contents of a room's state by type, and by state key where it is not empty. */
async function contentsOf(roomId: string, person = alice) {
  const state = await stateOf(roomId, person);
  return Object.fromEntries(
    state.map(({ type, state_key, content }) => [state_key === '' ? type : `${type} ${state_key}`, content]),
  );
}

const refusal = ({ status, body }: Answer) => [status, body.errcode];

describe.each(VERSIONS)('a room of version %s', (version) => {
  const privileged = version === '12';

  it('has what it was asked for', async () => {
    const roomId = await alice.createRoom({
      room_version: version,
      name: 'Cake',
      topic: 'Cakes of all kinds',
      creation_content: { type: 'm.space', 'm.federate': false, creator: '@mallory:one.test', room_version: '0' },
      power_level_content_override: { invite: 77, events: { 'm.room.topic': 12 } },
      initial_state: [
        { type: 'm.room.join_rules', content: { join_rule: 'public' } },
        { type: 'org.example.thing', state_key: 'a', content: { n: 1 } },
      ],
    });
    const contents = await contentsOf(roomId);
    const creator = Number(version) < 11 ? { creator: alice.userId } : {};
    const created = { ...creator, room_version: version, type: 'm.space', 'm.federate': false };
    expect(contents['m.room.create']).toEqual(created);
    expect(contents).toMatchObject({
      'm.room.name': { name: 'Cake' },
      'm.room.topic': { topic: 'Cakes of all kinds', 'm.topic': { 'm.text': [{ body: 'Cakes of all kinds' }] } },
      'm.room.join_rules': { join_rule: 'public' },
      'm.room.power_levels': { invite: 77, events: { 'm.room.topic': 12 } },
      'org.example.thing a': { n: 1 },
      [`m.room.member ${alice.userId}`]: { membership: 'join', displayname: expect.any(String) },
    });
    expect(contents['m.room.power_levels'].users).toEqual(privileged ? {} : { [alice.userId]: 100 });
    expect(roomId).toMatch(privileged ? /^![\w-]{43}$/ : /^![\w-]+:one\.test$/);
  });

  it('takes null for what is not asked for', async () => {
    const names = ['visibility', 'preset', 'room_alias_name', 'name', 'topic', 'invite', 'invite_3pid', 'room_version'];
    const others = ['creation_content', 'initial_state', 'is_direct', 'power_level_content_override'];
    const nulls = Object.fromEntries([...names, ...others].map((name) => [name, null]));
    const [plain, asked] = [await alice.createRoom(), await alice.createRoom(nulls)];
    const typesOf = async (roomId: string) => {
      const state: { type: string }[] = await alice.must('GET', `${inRoom(roomId)}/state`);
      return state.map(({ type }) => type).sort();
    };
    expect(await typesOf(asked)).toEqual(await typesOf(plain));
    const state = [{ type: 'org.example.state', state_key: null, content: { is: 1 } }];
    const roomId = await alice.createRoom({ initial_state: state });
    expect(await alice.must('GET', `${inRoom(roomId)}/state/org.example.state`)).toEqual({ is: 1 });
  });

  it('can be talked in, left and come back to', async () => {
    const roomId = await alice.createRoom({ room_version: version, preset: 'public_chat' });
    await bob.must('POST', `join/${encodeURIComponent(roomId)}`);
    const eventId = await bob.say(roomId, 'hello');
    await alice.must('PUT', `${inRoom(roomId)}/redact/${encodeURIComponent(eventId)}/1`, { reason: 'no' });
    await bob.must('POST', `${inRoom(roomId)}/leave`);
    await bob.must('POST', `${inRoom(roomId)}/join`);
    expect(await bob.must('GET', `${inRoom(roomId)}/joined_members`)).toMatchObject({
      joined: { [alice.userId]: {}, [bob.userId]: {} },
    });
  });
});

describe('a preset', () => {
  const invite = 'invite';
  it.each([
    [{}, invite, 'shared', 'can_join', 0],
    [{ visibility: 'private' }, invite, 'shared', 'can_join', 0],
    [{ visibility: 'public' }, 'public', 'shared', undefined, 50],
    [{ preset: 'private_chat' }, invite, 'shared', 'can_join', 0],
    [{ preset: 'trusted_private_chat' }, invite, 'shared', 'can_join', 0],
    [{ preset: 'public_chat' }, 'public', 'shared', undefined, 50],
    [{ preset: 'private_chat', visibility: 'public' }, invite, 'shared', 'can_join', 0],
  ])('of %j makes a room that is joined by %s', async (options, join_rule, history_visibility, guest_access, level) => {
    const contents = await contentsOf(await alice.createRoom(options));
    expect(contents).toMatchObject({
      'm.room.join_rules': { join_rule },
      'm.room.history_visibility': { history_visibility },
    });
    expect(contents['m.room.guest_access']?.guest_access).toBe(guest_access);
    expect(contents['m.room.power_levels'].invite).toBe(level);
  });

  it.each(['11', '12'])(
    'that trusts its invitees gives them the power of the creator in version %s',
    async (room_version) => {
      const options = { room_version, preset: 'trusted_private_chat', invite: [bob.userId], is_direct: true };
      const contents = await contentsOf(await alice.createRoom(options));
      const powers = { [alice.userId]: 100, [bob.userId]: 100 };
      expect(contents['m.room.power_levels'].users).toEqual(room_version === '11' ? powers : {});
      const additional = room_version === '11' ? undefined : [bob.userId];
      expect(contents['m.room.create'].additional_creators).toEqual(additional);
      expect(contents[`m.room.member ${bob.userId}`]).toMatchObject({ membership: 'invite', is_direct: true });
    },
  );

  it('gives way to the state that is asked for', async () => {
    const initial_state = [
      { type: 'm.room.history_visibility', state_key: '', content: { history_visibility: 'joined' } },
      { type: 'm.room.power_levels', content: { users: { [alice.userId]: 100 }, events_default: 7 } },
    ];
    const contents = await contentsOf(await alice.createRoom({ room_version: '11', initial_state }));
    expect(contents['m.room.history_visibility']).toEqual({ history_visibility: 'joined' });
    expect(contents['m.room.power_levels']).toEqual({ users: { [alice.userId]: 100 }, events_default: 7 });
    const more = { room_version: '11', initial_state, power_level_content_override: { events_default: 9, ban: 70 } };
    expect((await contentsOf(await alice.createRoom(more)))['m.room.power_levels']).toEqual({
      ...{ users: { [alice.userId]: 100 }, events_default: 9, ban: 70 },
    });
  });
});

describe('invitees', () => {
  it('are invited once each, and the creator not at all', async () => {
    const roomId = await alice.createRoom({ invite: [bob.userId, alice.userId, bob.userId] });
    const members = (await stateOf(roomId)).filter(({ type }) => type === 'm.room.member');
    expect(members.map(({ state_key, content }) => [state_key, content.membership])).toEqual([
      [alice.userId, 'join'],
      [bob.userId, 'invite'],
    ]);
    expect(members[1]?.content.is_direct).toBeUndefined();
    await bob.must('POST', `${inRoom(roomId)}/join`);
  });
});

it('a room for hundreds is made with all of its invites', async () => {
  const invite = Array.from({ length: 300 }, (_, i) => `@guest-${i}:one.test`);
  const state = await stateOf(await alice.createRoom({ invite }));
  const invited = state.filter(({ content }) => content.membership === 'invite').map(({ state_key }) => state_key);
  expect(invited.toSorted()).toEqual(invite.toSorted());
});

describe('an alias', () => {
  it('leads to the room, which names it, and is given once', async () => {
    const room_alias_name = `cakes-${bob.userId.slice(1, 6)}`;
    const alias = `#${room_alias_name}:one.test`;
    const roomId = await alice.createRoom({ room_alias_name, visibility: 'public' });
    expect(await bob.must('GET', `directory/room/${encodeURIComponent(alias)}`)).toEqual({
      room_id: roomId,
      servers: ['one.test'],
    });
    expect((await contentsOf(roomId))['m.room.canonical_alias']).toEqual({ alias });
    expect(await bob.must('POST', `join/${encodeURIComponent(alias)}`)).toEqual({ room_id: roomId });
    expect(refusal(await bob.post('createRoom', { room_alias_name }))).toEqual([400, 'M_ROOM_IN_USE']);
    expect((await bob.must('GET', 'joined_rooms')).joined_rooms).toContain(roomId);
  });
});

describe('POST /createRoom refuses', () => {
  const creator = () => ({ type: 'm.room.member', state_key: bob.userId, content: { membership: 'join' } });
  it.each<[string, () => object, string]>([
    ['a room version that there is not', () => ({ room_version: '99' }), 'M_UNSUPPORTED_ROOM_VERSION'],
    ['a number for a version', () => ({ room_version: 1 }), 'M_BAD_JSON'],
    ['a preset that there is not', () => ({ preset: 'secret_chat' }), 'M_BAD_JSON'],
    ['a visibility that there is not', () => ({ visibility: 'hidden' }), 'M_BAD_JSON'],
    ['who is no user', () => ({ invite: ['bob'] }), 'M_BAD_JSON'],
    ['an alias with a server name', () => ({ room_alias_name: 'a:one.test' }), 'M_INVALID_PARAM'],
    ['a full alias', () => ({ room_alias_name: '#a:one.test' }), 'M_INVALID_PARAM'],
    ['state without content', () => ({ initial_state: [{ type: 'a' }] }), 'M_BAD_JSON'],
    ['state without type', () => ({ initial_state: [{ content: {} }] }), 'M_BAD_JSON'],
    ['somebody else made to join', () => ({ initial_state: [creator()] }), 'M_INVALID_ROOM_STATE'],
    [
      'a second create event',
      () => ({ initial_state: [{ type: 'm.room.create', content: {} }] }),
      'M_INVALID_ROOM_STATE',
    ],
    ['a name that is no text', () => ({ name: 5 }), 'M_BAD_JSON'],
    ['levels that are no numbers', () => ({ power_level_content_override: { ban: 'x' } }), 'M_INVALID_ROOM_STATE'],
    [
      'levels without the creator',
      () => ({ room_version: '11', power_level_content_override: { users: {} } }),
      'M_INVALID_ROOM_STATE',
    ],
    [
      'levels that name a creator of version 12',
      () => ({ room_version: '12', power_level_content_override: { users: { [alice.userId]: 100 } } }),
      'M_INVALID_ROOM_STATE',
    ],
    [
      'creators that are no users',
      () => ({ room_version: '12', creation_content: { additional_creators: ['bob'] } }),
      'M_INVALID_ROOM_STATE',
    ],
    [
      'creators that are no list',
      () => ({ room_version: '12', creation_content: { additional_creators: 'bob' } }),
      'M_INVALID_ROOM_STATE',
    ],
    [
      'invitees whom the creator may not invite',
      () => ({ room_version: '11', power_level_content_override: { invite: 101 }, invite: [bob.userId] }),
      'M_INVALID_ROOM_STATE',
    ],
    [
      'an invite by e-mail without an identity server',
      () => ({ invite_3pid: [{ medium: 'email', address: 'a@b.c' }] }),
      'M_BAD_JSON',
    ],
  ])('%s', async (_, options, errcode) => {
    const before = (await alice.must('GET', 'joined_rooms')).joined_rooms.length;
    expect(refusal(await alice.post('createRoom', options()))).toEqual([400, errcode]);
    expect((await alice.must('GET', 'joined_rooms')).joined_rooms).toHaveLength(before);
  });

  it('what is larger than an event may be', async () => {
    expect(refusal(await alice.post('createRoom', { topic: 'x'.repeat(66_000) }))).toEqual([413, 'M_TOO_LARGE']);
  });
});
