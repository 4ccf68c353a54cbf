import { Attendant, Authority, eventually, MatrixUser, SharedRoom } from '@ganglion/testing';
import { FederatedHomeserver } from '../support/federated-homeserver.js';

/** Who was away is tried again after a while, which is the longer the longer that was. */
const PATIENCE_MS = 180_000;
const LONG_MS = 400_000;
const VERSIONS = ['10', '12'];

const inTime = <T>(expectations: () => T | Promise<T>) => eventually(expectations, PATIENCE_MS);

let authority: Authority;
let servers: readonly FederatedHomeserver[];
const open: Attendant[] = [];

beforeAll(async () => {
  authority = await Authority.create('the internet');
  servers = await Promise.all([1, 2, 3].map(() => FederatedHomeserver.start(authority)));
}, LONG_MS);
afterEach(async () => {
  for (const each of open.splice(0)) await each.end();
}, LONG_MS);
afterAll(async () => {
  await Promise.all((servers ?? []).map((server) => server.close()));
  authority?.end();
}, LONG_MS);

/** Somebody new at a server, who reads along from now on. */
async function person(name: string, server: FederatedHomeserver): Promise<Attendant> {
  const { userId, token, deviceId } = await server.person(name);
  const { url } = server.replica;
  const attendant = new Attendant(new MatrixUser({ url, userId, accessToken: token, deviceId }));
  await attendant.begin();
  open.push(attendant);
  return attendant;
}

const cut = (...which: FederatedHomeserver[]) => Promise.all(which.map(({ wire }) => wire.cut()));
const mend = (...which: FederatedHomeserver[]) => Promise.all(which.map(({ wire }) => wire.mend()));
const everywhere = (rooms: readonly SharedRoom[], what: (roomId: string) => Promise<unknown>) =>
  Promise.all(rooms.map(({ roomId }) => what(roomId)));

const levelOf = async (asking: Attendant, roomId: string, { userId }: Attendant) => {
  const { users } = (await asking.getState(roomId, 'm.room.power_levels')) as { users: Record<string, number> };
  return users[userId];
};
const membershipOf = async (asking: Attendant, roomId: string, { userId }: Attendant) =>
  (await asking.getState(roomId, 'm.room.member', userId)).membership;
const put = ({ user }: Attendant, roomId: string, how: 'kick' | 'ban', { userId }: Attendant) =>
  user.call('POST', `rooms/${encodeURIComponent(roomId)}/${how}`, { body: { user_id: userId } });

/** Their servers have the same, and each of them has been shown once what their server has taken. */
async function expectTheSame(room: SharedRoom, people: readonly Attendant[]): Promise<void> {
  const copies = await inTime(() => room.agreed());
  for (const [index, { shown }] of copies.entries()) {
    const reader = people[index]!;
    await inTime(() => expect(reader.saw(room.roomId)).toEqual(expect.arrayContaining([...shown])));
    const saw = reader.saw(room.roomId);
    expect(saw.toSorted()).toEqual([...new Set(saw)].sort());
  }
}

it(
  'two servers that were cut off from each other, and went on, have the same rooms afterwards',
  async () => {
    const sides = servers.slice(0, 2);
    const [here, there] = sides as [FederatedHomeserver, FederatedHomeserver];
    const [anna, bert, dora] = [await person('anna', here), await person('bert', there), await person('dora', there)];
    const people = [anna, bert, dora];
    const rooms: SharedRoom[] = [];
    for (const version of VERSIONS) rooms.push(await SharedRoom.open({ version, sides, people, moderators: [bert] }));

    await cut(here, there);
    await everywhere(rooms, async (roomId) => {
      await anna.user.sendText(roomId, 'alone here');
      const levels = await anna.getState(roomId, 'm.room.power_levels');
      const users = { ...(levels.users as object), [bert.userId]: 40 };
      await anna.putState(roomId, 'm.room.power_levels', { ...levels, users });
      await anna.putState(roomId, 'm.room.topic', { topic: 'of here' });
      await put(anna, roomId, 'ban', dora);
      await anna.user.sendText(roomId, 'still alone here');
    });
    await everywhere(rooms, async (roomId) => {
      await bert.user.sendText(roomId, 'alone there');
      const levels = await bert.getState(roomId, 'm.room.power_levels');
      const users = { ...(levels.users as object), [dora.userId]: 50 };
      await bert.putState(roomId, 'm.room.power_levels', { ...levels, users });
      await dora.putState(roomId, 'm.room.topic', { topic: 'of there' });
      await dora.putState(roomId, 'm.room.member', { membership: 'join', displayname: 'Dora the great' }, dora.userId);
      await dora.user.sendText(roomId, 'whatever they say');
      await bert.user.sendText(roomId, 'still alone there');
    });
    for (const { roomId } of rooms) expect(await membershipOf(bert, roomId, dora)).toBe('join');
    await mend(here, there);

    await Promise.all(rooms.map((room) => room.reunite([anna, bert])));
    for (const room of rooms) {
      const { roomId } = room;
      await expectTheSame(room, [anna, bert]);
      for (const each of [anna, bert]) {
        expect(await each.getState(roomId, 'm.room.topic')).toEqual({ topic: 'of here' });
        expect(await membershipOf(each, roomId, dora)).toBe('ban');
        expect([await levelOf(each, roomId, bert), await levelOf(each, roomId, dora)]).toEqual([40, undefined]);
      }
      const said = ['Here we are', 'alone here', 'alone there', 'still alone here', 'still alone there'];
      const all = [...said, `${anna.userId} is back`, `${bert.userId} is back`].sort();
      expect(anna.heard(roomId).toSorted()).toEqual(all);
      expect(bert.heard(roomId).toSorted()).toEqual([...all, 'whatever they say'].sort());
    }
  },
  LONG_MS,
);

it(
  'three servers of which one was stopped and came back alone have the same rooms afterwards',
  async () => {
    const [one, two, three] = servers as [FederatedHomeserver, FederatedHomeserver, FederatedHomeserver];
    const [anna, bert, carl] = [await person('anna', one), await person('bert', two), await person('carl', three)];
    const people = [anna, bert, carl, await person('emma', two)];
    const emma = people[3]!;
    const rooms: SharedRoom[] = [];
    for (const version of VERSIONS) {
      rooms.push(await SharedRoom.open({ version, sides: servers, people, moderators: [bert, carl] }));
    }

    await Promise.all([bert.end(), emma.end()]);
    await two.pause();
    await everywhere(rooms, async (roomId) => {
      await anna.user.sendText(roomId, 'without two');
      await put(anna, roomId, 'kick', bert);
      await carl.putState(roomId, 'm.room.topic', { topic: 'of three' });
    });
    await inTime(() => rooms.map(({ roomId }) => expect(carl.heard(roomId)).toContain('without two')));
    await inTime(() =>
      everywhere(rooms, async (roomId) => {
        expect(await membershipOf(carl, roomId, bert)).toBe('leave');
        expect(await anna.getState(roomId, 'm.room.topic')).toEqual({ topic: 'of three' });
      }),
    );

    await cut(one, three);
    await two.resume(true);
    for (const each of [bert, emma]) await each.begin(two.replica.url);
    await everywhere(rooms, async (roomId) => {
      await bert.putState(roomId, 'm.room.topic', { topic: 'of two' });
      await bert.putState(
        roomId,
        'm.room.member',
        { membership: 'join', displayname: 'Bert, still here' },
        bert.userId,
      );
      await bert.user.sendText(roomId, 'though I was put out');
      await emma.user.sendText(roomId, 'only two');
      await carl.putState(roomId, 'm.room.name', { name: 'of three' });
      await carl.user.sendText(roomId, 'only three');
      await anna.putState(roomId, 'm.room.name', { name: 'of one' });
      await anna.user.sendText(roomId, 'only one');
    });
    await mend(one, two, three);

    await Promise.all(rooms.map((room) => room.reunite([anna, emma, carl])));
    for (const room of rooms) {
      const { roomId } = room;
      await expectTheSame(room, [anna, emma, carl]);
      const [name] = await Promise.all([anna, emma, carl].map((each) => each.getState(roomId, 'm.room.name')));
      expect(['of one', 'of three']).toContain(name!.name);
      for (const each of [anna, emma, carl]) {
        expect(await each.getState(roomId, 'm.room.topic')).toEqual({ topic: 'of three' });
        expect(await membershipOf(each, roomId, bert)).toBe('leave');
        expect(each.heard(roomId)).toEqual(
          expect.arrayContaining(['without two', 'only one', 'only two', 'only three']),
        );
      }
      for (const each of [anna, carl]) expect(each.heard(roomId)).not.toContain('though I was put out');
    }
  },
  LONG_MS,
);
