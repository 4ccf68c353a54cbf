import {
  Attendant,
  Authority,
  eventually,
  MatrixUser,
  SharedRoom,
  type TestAllInOne,
  type TestCluster,
} from '@ganglion/testing';
import { type Federating, federatingCluster, federatingProcess } from './support/federating.js';

/** Who was away is tried again after a while, which is the longer the longer that was. */
const PATIENCE_MS = 180_000;
const LONG_MS = 400_000;

const inTime = <T>(expectations: () => T | Promise<T>) => eventually(expectations, PATIENCE_MS);

let authority: Authority;
let here: Federating<TestCluster>;
let there: Federating<TestAllInOne>;
let anna: Attendant;
let bert: Attendant;
let dora: Attendant;

beforeAll(async () => {
  authority = await Authority.create('the internet');
  here = await federatingCluster(authority);
  there = await federatingProcess(authority);
  const register = async (name: string, { deployment }: Federating<TestCluster> | Federating<TestAllInOne>) => {
    const attendant = new Attendant(await MatrixUser.register(deployment.url, name));
    await attendant.begin();
    return attendant;
  };
  anna = await register('anna', here);
  bert = await register('bert', there);
  dora = await register('dora', there);
}, LONG_MS);
afterAll(async () => {
  await Promise.all([anna, bert, dora].map((each) => each?.end().catch(() => {})));
  await Promise.all([here?.close(), there?.close()]);
  authority?.end();
}, LONG_MS);

const share = (version: string) =>
  SharedRoom.open({ version, sides: [here, there], people: [anna, bert, dora], moderators: [bert] });
const put = ({ user }: Attendant, roomId: string, how: 'kick' | 'ban', { userId }: Attendant) =>
  user.call('POST', `rooms/${encodeURIComponent(roomId)}/${how}`, { body: { user_id: userId } });
const explaining = (run: () => Promise<void>) => here.deployment.explaining(() => there.deployment.explaining(run));

/** Both servers have the same, and of each what it has taken has been shown once. */
async function expectTheSame(room: SharedRoom): Promise<void> {
  const copies = await inTime(() => room.agreed());
  for (const [index, reader] of [anna, bert].entries()) {
    await inTime(() => expect(reader.saw(room.roomId)).toEqual(expect.arrayContaining([...copies[index]!.shown])));
    const saw = reader.saw(room.roomId);
    expect(saw.toSorted()).toEqual([...new Set(saw)].sort());
  }
}

it(
  'a cluster and a server that were cut off from each other, and went on, have the same rooms afterwards',
  () =>
    explaining(async () => {
      const rooms = [await share('10'), await share('12')];
      await Promise.all([here, there].map(({ wire }) => wire.cut()));
      for (const { roomId } of rooms) {
        await anna.user.sendText(roomId, 'alone here');
        await anna.putState(roomId, 'm.room.topic', { topic: 'of here' });
        await put(anna, roomId, 'kick', dora);
        const levels = await anna.getState(roomId, 'm.room.power_levels');
        await anna.putState(roomId, 'm.room.power_levels', { ...levels, state_default: 70 });
      }
      const [one, two] = [
        here.deployment.replicasOf('room-server')[0]!,
        here.deployment.replicasOf('federation-api')[0]!,
      ];
      await Promise.all([one.kill(), two.kill()]);
      for (const { roomId } of rooms) {
        await bert.user.sendText(roomId, 'alone there');
        await bert.putState(roomId, 'm.room.topic', { topic: 'of there' });
        const renamed = { membership: 'join', displayname: 'Dora the great' };
        await dora.putState(roomId, 'm.room.member', renamed, dora.userId);
        await dora.user.sendText(roomId, 'whatever they say');
        const levels = await bert.getState(roomId, 'm.room.power_levels');
        await bert.putState(roomId, 'm.room.power_levels', { ...levels, kick: 55 });
      }
      await Promise.all([here, there].map(({ wire }) => wire.mend()));
      await Promise.all([one.start(), two.start()]);
      await Promise.all(rooms.map((room) => room.reunite([anna, bert])));
      for (const room of rooms) {
        const { roomId } = room;
        await expectTheSame(room);
        for (const each of [anna, bert]) {
          expect(await each.getState(roomId, 'm.room.topic')).toEqual({ topic: 'of here' });
          expect(await each.getState(roomId, 'm.room.member', dora.userId)).toMatchObject({ membership: 'leave' });
          const { state_default, kick } = await each.getState(roomId, 'm.room.power_levels');
          expect([state_default, kick]).toEqual([70, 50]);
          expect(each.heard(roomId)).toEqual(expect.arrayContaining(['alone here', 'alone there']));
        }
        expect(anna.heard(roomId)).not.toContain('whatever they say');
      }
    }),
  LONG_MS,
);

it(
  'a cluster that was stopped for a while, and what went on without it, have the same room afterwards',
  () =>
    explaining(async () => {
      const room = await share('11');
      const { roomId } = room;
      await anna.end();
      const { replicas } = here.deployment;
      await Promise.all(replicas.map((replica) => replica.stop()));
      await bert.user.sendText(roomId, 'while you were away');
      await bert.putState(roomId, 'm.room.topic', { topic: 'changed meanwhile' });
      await put(bert, roomId, 'ban', dora);
      await Promise.all(replicas.map((replica) => replica.start()));
      await anna.begin();
      await room.reunite([anna, bert]);
      await expectTheSame(room);
      for (const each of [anna, bert]) {
        expect(await each.getState(roomId, 'm.room.topic')).toEqual({ topic: 'changed meanwhile' });
        expect(await each.getState(roomId, 'm.room.member', dora.userId)).toMatchObject({ membership: 'ban' });
        expect(each.heard(roomId)).toContain('while you were away');
      }
    }),
  LONG_MS,
);
