import { Homeserver, type Replica } from '../support/homeserver.js';
import { inRoom, Person } from '../support/person.js';

let homeserver: Homeserver;
let replica: Replica;
beforeAll(async () => {
  homeserver = await Homeserver.create();
  replica = await homeserver.start();
});
afterAll(() => homeserver.close());

const named = async (prefix: string, displayname: string) => {
  const person = await Person.register(replica.url, prefix);
  await person.must('PUT', `profile/${person.userId}/displayname`, { displayname });
  return person;
};
const search = (who: Person, search_term: string, more: object = {}) =>
  who.must('POST', 'user_directory/search', { search_term, ...more });
const found = async (who: Person, term: string): Promise<string[]> =>
  (await search(who, term)).results.map(({ user_id }: { user_id: string }) => user_id);

describe('the user directory', () => {
  it('finds by name and id, in whatever case, those with whom one shares a room', async () => {
    const [alice, bob] = [await named('alice', 'Alice Cooper'), await named('bob', 'Bob')];
    await alice.must('PUT', `profile/${alice.userId}/avatar_url`, { avatar_url: 'mxc://one.test/face' });
    expect(await found(bob, 'cooper')).toEqual([]);
    const roomId = await bob.createRoom({ invite: [alice.userId] });
    expect(await found(bob, 'cooper')).toEqual([]);
    await alice.must('POST', `${inRoom(roomId)}/join`);
    expect(await search(bob, 'cOOper')).toEqual({
      results: [{ user_id: alice.userId, display_name: 'Alice Cooper', avatar_url: 'mxc://one.test/face' }],
      limited: false,
    });
    expect(await found(bob, alice.userId)).toEqual([alice.userId]);
    expect(await found(bob, alice.userId.slice(1, 6).toUpperCase())).toContain(alice.userId);
    expect(await found(bob, '100% _')).toEqual([]);
    await alice.must('POST', `${inRoom(roomId)}/leave`);
    expect(await found(bob, 'cooper')).toEqual([]);
  });

  it('finds those in rooms that everybody may join or read', async () => {
    const [open, shown, eve] = [
      await named('open', 'Zebra one'),
      await named('shown', 'Zebra two'),
      await named('eve', 'Zebra three'),
    ];
    await open.createRoom({ preset: 'public_chat' });
    const visibility = { type: 'm.room.history_visibility', content: { history_visibility: 'world_readable' } };
    await shown.createRoom({ initial_state: [visibility] });
    expect((await found(eve, 'zebra')).toSorted()).toEqual([open.userId, shown.userId].toSorted());
  });

  it('finds oneself as strangers do: in a room that is open to all, and not for a room of one’s own', async () => {
    const [alice, bob] = [await named('alice', 'Heron'), await named('bob', 'Bob')];
    await bob.must('POST', `${inRoom(await alice.createRoom({ invite: [bob.userId] }))}/join`);
    expect(await found(bob, 'heron')).toEqual([alice.userId]);
    expect(await found(alice, 'heron')).toEqual([]);
    await alice.createRoom({ preset: 'public_chat' });
    expect(await search(alice, 'heron')).toMatchObject({ results: [{ user_id: alice.userId }], limited: false });
    expect(await search(alice, 'heron', { limit: 1 })).toMatchObject({ limited: false });
  });

  it('knows people by the name that is for everybody, not by that of one room', async () => {
    const [alice, bob] = [await named('alice', 'Public Name'), await named('bob', 'Bob')];
    const roomId = await alice.createRoom({ preset: 'public_chat' });
    await bob.must('POST', `${inRoom(roomId)}/join`);
    const own = { membership: 'join', displayname: 'Freddy' };
    await alice.must('PUT', `${inRoom(roomId)}/state/m.room.member/${alice.userId}`, own);
    expect(await found(bob, 'freddy')).toEqual([]);
    expect(await found(bob, 'public name')).toEqual([alice.userId]);
  });

  it('gives the best matches first, as many as are asked for, and nobody who has gone', async () => {
    const bob = await Person.register(replica.url, 'bob');
    const people = [
      await named('q', 'has quince inside'),
      await named('q', 'Quince'),
      await named('q', 'Quince tart'),
      await named('q', 'aquince'),
    ];
    for (const person of people) await person.createRoom({ preset: 'public_chat' });
    const ids = people.map(({ userId }) => userId);
    expect(await found(bob, 'quince')).toEqual([ids[1], ids[2], ids[0], ids[3]]);
    expect(await search(bob, 'quince', { limit: 2 })).toMatchObject({ limited: true, results: [{}, {}] });
    const [, gone] = people;
    const auth = {
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user: gone!.userId },
      password: gone!.password,
    };
    await gone!.must('POST', 'account/deactivate', { auth });
    expect(await found(bob, 'quince')).toEqual([ids[2], ids[0], ids[3]]);
  });

  it('finds who is in a room with one, however many there are whom one may not know of', async () => {
    const bob = await Person.register(replica.url, 'bob');
    const friend = await Person.register(replica.url, 'zz-crowded');
    await replica.db.query({
      text: `INSERT INTO user_server.accounts (user_id) SELECT '@crowded' || n || ':one.test' FROM generate_series(1, 1100) n`,
      values: [],
    });
    const roomId = await bob.createRoom({ preset: 'private_chat', invite: [friend.userId] });
    expect(await found(bob, 'crowded')).toEqual([]);
    await friend.must('POST', `${inRoom(roomId)}/join`);
    expect(await found(bob, 'crowded')).toEqual([friend.userId]);
  });

  it('wants to know what is looked for', async () => {
    const bob = await Person.register(replica.url, 'bob');
    expect((await bob.post('user_directory/search', {})).body.errcode).toBe('M_BAD_JSON');
    expect((await bob.post('user_directory/search', { search_term: 'x', limit: -1 })).body.errcode).toBe('M_BAD_JSON');
    expect(await search(bob, '   ')).toEqual({ results: [], limited: false });
  });
});
