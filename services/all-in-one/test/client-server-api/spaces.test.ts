import { eventually } from '@ganglion/testing';
import { Homeserver, type Replica } from '../support/homeserver.js';
import { inRoom, Person } from '../support/person.js';

let homeserver: Homeserver;
let replica: Replica;
let alice: Person;
let bob: Person;
beforeAll(async () => {
  homeserver = await Homeserver.create();
  replica = await homeserver.start();
});
afterAll(() => homeserver.close());
beforeEach(async () => {
  [alice, bob] = await Promise.all([Person.register(replica.url, 'alice'), Person.register(replica.url, 'bob')]);
});

const openSpace = (name: string) =>
  alice.createRoom({ preset: 'public_chat', name, creation_content: { type: 'm.space' } });
const openRoom = (name: string) => alice.createRoom({ preset: 'public_chat', name });
const put = (space: string, child: string, content: object = {}) =>
  alice.must('PUT', `${inRoom(space)}/state/m.space.child/${encodeURIComponent(child)}`, {
    via: ['one.test'],
    ...content,
  });
const restrictedTo = (roomId: string) => ({
  type: 'm.room.join_rules',
  content: { join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: roomId }] },
});
const walk = (who: Person, space: string, query = '') =>
  who.must('GET', `/_matrix/client/v1/${inRoom(space)}/hierarchy${query}`);
const idsOf = ({ rooms }: { rooms: readonly { room_id: string }[] }) => rooms.map(({ room_id }) => room_id);

describe('the hierarchy of a space', () => {
  it('is walked depth first, in the order that the space gives, each room once even in a circle', async () => {
    const [space, inner] = [await openSpace('outer'), await openSpace('inner')];
    const [one, two, three] = [await openRoom('one'), await openRoom('two'), await openRoom('three')];
    await put(space, one);
    await put(space, two, { order: 'b' });
    await put(space, inner, { order: 'a' });
    await put(inner, three);
    await put(inner, space);
    await put(inner, one);
    const found = await walk(bob, space);
    // In the inner space the older child comes first: neither of its rooms has an order.
    expect(idsOf(found)).toEqual([space, inner, three, one, two]);
    expect(found.rooms[0]).toMatchObject({
      name: 'outer',
      room_type: 'm.space',
      num_joined_members: 1,
      join_rule: 'public',
    });
    expect(found.rooms[0].children_state.map((child: { state_key: string }) => child.state_key)).toEqual([
      inner,
      two,
      one,
    ]);
    expect(found.rooms[0].children_state[0]).toMatchObject({
      type: 'm.space.child',
      sender: alice.userId,
      content: { order: 'a' },
    });
    expect(idsOf(await walk(bob, space, '?max_depth=1')).toSorted()).toEqual([space, inner, two, one].toSorted());
  });

  it('comes in pages, of which the token is good for the same question alone', async () => {
    const space = await openSpace('paged');
    const rooms: string[] = [];
    for (const name of ['a', 'b', 'c', 'd']) {
      rooms.push(await openRoom(name));
      await put(space, rooms.at(-1)!, { order: name });
    }
    const seen: string[] = [];
    let from: string | undefined = '';
    for (let page = 0; page < 5 && from !== undefined; page++) {
      const answer = await walk(bob, space, `?limit=2${from && `&from=${from}`}`);
      seen.push(...idsOf(answer));
      from = answer.next_batch;
    }
    expect(seen).toEqual([space, ...rooms]);
    const { next_batch } = await walk(bob, space, '?limit=2');
    const path = `/_matrix/client/v1/${inRoom(space)}/hierarchy`;
    expect((await bob.get(`${path}?suggested_only=true&from=${next_batch}`)).body.errcode).toBe('M_INVALID_PARAM');
  });

  it('leaves out what was taken out, is not suggested, or is not to be shown', async () => {
    const space = await openSpace('careful');
    const [suggested, gone, secret] = [await openRoom('suggested'), await openRoom('gone'), await alice.createRoom()];
    const members = await alice.createRoom({ initial_state: [restrictedTo(space)] });
    await put(space, suggested, { suggested: true });
    await put(space, gone);
    await put(space, gone, { via: [] });
    await put(space, secret);
    await put(space, members);
    expect(idsOf(await walk(bob, space))).toEqual([space, suggested]);
    expect(idsOf(await walk(alice, space)).toSorted()).toEqual([space, suggested, secret, members].toSorted());
    await bob.must('POST', `${inRoom(space)}/join`);
    const found = await walk(bob, space);
    expect(idsOf(found).toSorted()).toEqual([space, suggested, members].toSorted());
    expect(found.rooms.find((room: { room_id: string }) => room.room_id === members).allowed_room_ids).toEqual([space]);
    expect(idsOf(await walk(bob, space, '?suggested_only=true'))).toEqual([space, suggested]);
    const refused = await bob.get(`/_matrix/client/v1/${inRoom(secret)}/hierarchy`);
    expect([refused.status, refused.body.errcode]).toEqual([403, 'M_FORBIDDEN']);
  });
});

describe('the summary of a room', () => {
  it('tells those who could come in what they would find, and nobody else that there is one', async () => {
    const open = await alice.createRoom({ preset: 'public_chat', name: 'Open', room_version: '11' });
    const path = (roomId: string) => `/_matrix/client/v1/room_summary/${encodeURIComponent(roomId)}`;
    const summary = { room_id: open, name: 'Open', join_rule: 'public', num_joined_members: 1, room_version: '11' };
    expect(await bob.must('GET', path(open))).toMatchObject({ ...summary, membership: 'leave', guest_can_join: false });
    expect(await alice.must('GET', path(open))).toMatchObject({ ...summary, membership: 'join' });
    const rich = [
      { mimetype: 'text/html', body: '<b>Cakes</b>' },
      { mimetype: 'text/plain', body: 'Cakes' },
    ];
    const topic = { topic: 'Old words', 'm.topic': { 'm.text': rich } };
    await alice.must('PUT', `${inRoom(open)}/state/m.room.topic`, topic);
    await eventually(async () => expect(await bob.must('GET', path(open))).toMatchObject({ topic: 'Cakes' }));
    const older = `/_matrix/client/unstable/im.nheko.summary/rooms/${encodeURIComponent(open)}/summary`;
    expect(await bob.must('GET', older)).toMatchObject(summary);
    const closed = await alice.createRoom();
    expect((await bob.get(path(closed))).body.errcode).toBe('M_NOT_FOUND');
    await alice.must('POST', `${inRoom(closed)}/invite`, { user_id: bob.userId });
    expect(await bob.must('GET', path(closed))).toMatchObject({ membership: 'invite' });
    await alice.must('POST', `${inRoom(open)}/ban`, { user_id: bob.userId });
    expect((await bob.get(path(open))).body.errcode).toBe('M_NOT_FOUND');
  });
});

describe('mutual rooms', () => {
  it('are those that both have joined', async () => {
    const [both, own, invited] = [await openRoom('both'), await openRoom('own'), await alice.createRoom()];
    await bob.must('POST', `${inRoom(both)}/join`);
    await alice.must('POST', `${inRoom(invited)}/invite`, { user_id: bob.userId });
    const path = '/_matrix/client/v1/mutual_rooms';
    expect(await alice.must('GET', `${path}?user_id=${bob.userId}`)).toEqual({ joined: [both], count: 1 });
    expect(own).not.toBe(both);
    expect(await alice.must('GET', `${path}?user_id=@nobody:one.test`)).toEqual({ joined: [], count: 0 });
    expect((await alice.get(`${path}?user_id=${alice.userId}`)).body.errcode).toBe('M_INVALID_PARAM');
    expect((await alice.get(path)).body.errcode).toBe('M_MISSING_PARAM');
    expect((await alice.get(`${path}?user_id=${bob.userId}&from=x`)).body.errcode).toBe('M_INVALID_PARAM');
  });
});
