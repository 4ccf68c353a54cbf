import { eventually } from '@ganglion/testing';
import { Homeserver, type Replica } from '../support/homeserver.js';
import { type Answer, exchange, inRoom, Person } from '../support/person.js';

let homeserver: Homeserver;
let replica: Replica;
let alice: Person;
let bob: Person;
beforeAll(async () => {
  homeserver = await Homeserver.create();
  replica = await homeserver.start({
    registration: { enabled: true, allow_guests: true },
    server_names: [{ name: 'one.test', client_base_url: 'https://matrix.one.test' }, { name: 'two.test' }],
  });
});
afterAll(() => homeserver.close());
beforeEach(async () => {
  [alice, bob] = await Promise.all([Person.register(replica.url, 'alice'), Person.register(replica.url, 'bob')]);
});

const refusal = ({ status, body }: Answer) => [status, body.errcode];
const authOf = ({ userId: user, password }: Person) => ({
  type: 'm.login.password',
  identifier: { type: 'm.id.user', user },
  password,
});

describe('what clients ask first', () => {
  it('is answered without an account', async () => {
    const ask = (path: string, host = 'one.test') => exchange(replica.url, 'GET', path, { headers: { host } });
    const { body } = await ask('/_matrix/client/versions');
    expect(body.versions).toEqual(expect.arrayContaining(['r0.6.1', 'v1.1', 'v1.11', 'v1.19']));
    expect(Object.values(body.unstable_features).every((value) => typeof value === 'boolean')).toBe(true);
    expect((await ask('/_matrix/client/v3/login')).body.flows).toContainEqual({ type: 'm.login.password' });
    expect((await ask('/_matrix/client/r0/login')).status).toBe(200);
    const wellKnown = await ask('/.well-known/matrix/client');
    expect(wellKnown.body).toEqual({ 'm.homeserver': { base_url: 'https://matrix.one.test' } });
    expect(refusal(await ask('/.well-known/matrix/client', 'two.test'))).toEqual([404, 'M_NOT_FOUND']);
    expect(refusal(await ask('/.well-known/matrix/support'))).toEqual([404, 'M_NOT_FOUND']);
  });

  it('is told who runs the server, where that is configured', async () => {
    const support = { contacts: [{ matrix_id: '@admin:two.test' }], page: 'https://one.test/help' };
    const { url } = await homeserver.start({ support });
    expect((await exchange(url, 'GET', '/.well-known/matrix/support')).body).toEqual({
      contacts: [{ matrix_id: '@admin:two.test', role: 'm.role.admin' }],
      support_page: 'https://one.test/help',
    });
  });

  it('needs one for the rest', async () => {
    const paths = ['capabilities', 'joined_rooms', 'account/whoami', 'devices', 'sync', 'pushers', 'pushrules/'];
    for (const path of paths) {
      const ask = (headers = {}) => exchange(replica.url, 'GET', `/_matrix/client/v3/${path}`, { headers });
      expect([path, ...refusal(await ask())]).toEqual([path, 401, 'M_MISSING_TOKEN']);
      const wrong = await ask({ authorization: 'Bearer wrong' });
      expect([path, ...refusal(wrong)]).toEqual([path, 401, 'M_UNKNOWN_TOKEN']);
      expect((await alice.get(path)).status).toBe(200);
    }
  });

  it('tells capabilities and who one is', async () => {
    const { capabilities } = await alice.must('GET', 'capabilities');
    expect(capabilities['m.room_versions'].default).toBe('12');
    expect(capabilities['m.change_password']).toEqual({ enabled: true });
    const owner = { user_id: alice.userId, device_id: alice.deviceId, is_guest: false };
    expect(await alice.must('GET', 'account/whoami')).toEqual(owner);
  });
});

describe('pushers', () => {
  const pusher = (pushkey: string) => ({
    ...{ app_id: 'org.example.app', pushkey, kind: 'http', lang: 'en', append: true },
    ...{ app_display_name: 'App', device_display_name: 'Telephone' },
    data: { url: 'https://push.example.org/_matrix/push/v1/notify' },
  });
  const keys = async () => {
    const { pushers } = await alice.must('GET', 'pushers');
    return pushers.map(({ pushkey }: { pushkey: string }) => pushkey);
  };

  it('of other devices end with a change of the password, and stay when those do', async () => {
    const laptop = await alice.onNewDevice();
    await laptop.must('POST', 'pushers/set', pusher('laptop'));
    await alice.must('POST', 'pushers/set', pusher('telephone'));
    const body = { auth: authOf(alice), new_password: 'another good one' };
    await alice.must('POST', 'account/password', { ...body, logout_devices: false });
    expect(await keys()).toEqual(['laptop', 'telephone']);
    const auth = { ...authOf(alice), password: 'another good one' };
    await alice.must('POST', 'account/password', { auth, new_password: 'and another one' });
    expect(await keys()).toEqual(['telephone']);
  });

  it('end with a log-out and with the deletion of a device', async () => {
    const [laptop, tablet] = [await alice.onNewDevice(), await alice.onNewDevice()];
    await laptop.must('POST', 'pushers/set', pusher('laptop'));
    await tablet.must('POST', 'pushers/set', pusher('tablet'));
    await laptop.must('POST', 'logout');
    expect(await keys()).toEqual(['tablet']);
    await alice.must('POST', 'delete_devices', { auth: authOf(alice), devices: [tablet.deviceId] });
    expect(await keys()).toEqual([]);
  });
});

describe('account data', () => {
  it('that is deleted comes as nothing to who has seen it, and not at all to who begins anew', async () => {
    const roomId = await alice.createRoom();
    const paths = ['account_data/org.example.own', `${inRoom(roomId)}/account_data/org.example.own`];
    for (const path of paths) await alice.must('PUT', `user/${alice.userId}/${path}`, { is: 1 });
    const eventsOf = ({ account_data, rooms }: { account_data: object; rooms: { join: Record<string, object> } }) =>
      [account_data, (rooms.join[roomId] as { account_data?: object } | undefined)?.account_data ?? {}].map((part) =>
        ((part as { events?: { type: string }[] }).events ?? []).filter(({ type }) => type === 'org.example.own'),
      );
    const before = await alice.must('GET', 'sync');
    const event = (content: object) => [{ type: 'org.example.own', content }];
    expect(eventsOf(before)).toEqual([event({ is: 1 }), event({ is: 1 })]);
    for (const path of paths) {
      await alice.must('DELETE', `/_matrix/client/unstable/org.matrix.msc3391/user/${alice.userId}/${path}`);
    }
    expect(eventsOf(await alice.must('GET', `sync?since=${before.next_batch}`))).toEqual([event({}), event({})]);
    expect(eventsOf(await alice.must('GET', 'sync'))).toEqual([[], []]);
  });
});

describe('an account', () => {
  it('shows its new name in its rooms', async () => {
    const roomId = await alice.createRoom();
    await alice.must('PUT', `profile/${alice.userId}/displayname`, { displayname: 'Alice' });
    await alice.must('PUT', `profile/${alice.userId}/avatar_url`, { avatar_url: 'mxc://one.test/a' });
    await eventually(async () => {
      const { joined } = await alice.must('GET', `${inRoom(roomId)}/joined_members`);
      expect(joined[alice.userId]).toEqual({ display_name: 'Alice', avatar_url: 'mxc://one.test/a' });
    });
  });

  it('that is deactivated leaves its rooms, declines its invites, and is nobody’s any more', async () => {
    const [roomId, other] = [await alice.createRoom({ preset: 'public_chat' }), await alice.createRoom()];
    await bob.must('POST', `${inRoom(roomId)}/join`);
    await alice.must('POST', `${inRoom(other)}/invite`, { user_id: bob.userId });
    expect(refusal(await bob.post('account/deactivate', { auth: { ...authOf(bob), password: 'x' } }))[0]).toBe(401);
    await bob.must('POST', 'account/deactivate', { auth: authOf(bob) });
    await eventually(async () => {
      for (const room of [roomId, other]) {
        const { membership } = await alice.must('GET', `${inRoom(room)}/state/m.room.member/${bob.userId}`);
        expect(membership).toBe('leave');
      }
    });
    expect(refusal(await bob.get('account/whoami'))).toEqual([401, 'M_UNKNOWN_TOKEN']);
    const login = await exchange(replica.url, 'POST', '/_matrix/client/v3/login', { body: authOf(bob) });
    expect(refusal(login)).toEqual([403, 'M_FORBIDDEN']);
    const username = bob.userId.slice(1, bob.userId.indexOf(':'));
    const available = await alice.get(`register/available?username=${username}`);
    expect(refusal(available)).toEqual([400, 'M_USER_IN_USE']);
  });

  it('that is erased leaves no words about others in the state, but for who was there', async () => {
    const [dave, carol] = [await Person.register(replica.url, 'dave'), await Person.register(replica.url, 'carol')];
    const users = { [bob.userId]: 50 };
    const roomId = await alice.createRoom({ preset: 'public_chat', power_level_content_override: { users } });
    for (const person of [bob, dave]) await person.must('POST', `join/${encodeURIComponent(roomId)}`);
    await bob.must('POST', `${inRoom(roomId)}/kick`, { user_id: dave.userId, reason: 'Secret reason' });
    await carol.must('POST', `join/${encodeURIComponent(roomId)}`);
    const member = `state/m.room.member/${dave.userId}`;
    const seenBy = async (person: Person) =>
      Promise.all(['state', member].map(async (path) => (await person.get(`${inRoom(roomId)}/${path}`)).text));
    for (const text of await seenBy(carol)) expect(text).toContain('Secret reason');
    await bob.must('POST', 'account/deactivate', { auth: authOf(bob), erase: true });
    await eventually(async () => {
      for (const text of await seenBy(carol)) expect(text).not.toContain('Secret reason');
    });
    expect(await carol.must('GET', `${inRoom(roomId)}/${member}`)).toEqual({ membership: 'leave' });
    for (const text of await seenBy(alice)) expect(text).toContain('Secret reason');
  });

  it('of another server name is made by the host that is asked, and talks with the others', async () => {
    const body = { username: `carol-${Date.now()}`, password: 'a good one', auth: { type: 'm.login.dummy' } };
    const headers = { host: 'two.test' };
    const answer = await exchange(replica.url, 'POST', '/_matrix/client/v3/register', { headers, body });
    expect(answer.body.user_id).toBe(`@${body.username}:two.test`);
    const { user_id, device_id, access_token } = answer.body;
    const carol = new Person(replica.url, user_id, device_id, access_token, body.password);
    const roomId = await carol.createRoom({ preset: 'public_chat' });
    await alice.must('POST', `${inRoom(roomId)}/join`);
    expect(await alice.say(roomId, 'hello')).toMatch(/^\$/);
  });
});

describe('a guest', () => {
  it('may look around and not much more', async () => {
    const path = '/_matrix/client/v3/register?kind=guest';
    const { body } = await exchange(replica.url, 'POST', path, { body: {} });
    const guest = new Person(replica.url, body.user_id, body.device_id, body.access_token, '');
    expect(await guest.must('GET', 'account/whoami')).toMatchObject({ is_guest: true });
    expect((await guest.get('capabilities')).status).toBe(200);
    const forbidden = [403, 'M_GUEST_ACCESS_FORBIDDEN'];
    expect(refusal(await guest.post('createRoom'))).toEqual(forbidden);
    expect(refusal(await guest.get('pushers'))).toEqual(forbidden);
    const roomId = await alice.createRoom({ preset: 'public_chat' });
    expect(refusal(await guest.post(`${inRoom(roomId)}/join`))).toEqual(forbidden);
  });
});
