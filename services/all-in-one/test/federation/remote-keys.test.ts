import {
  type Asked,
  CrossSigner,
  CryptoDevice,
  eventually,
  type FarRoom,
  type FarServer,
  pduOf,
} from '@ganglion/testing';
import { Neighbours, sees } from '../support/federation.js';
import type { Person } from '../support/person.js';

const QUERY = '/_matrix/federation/v1/user/keys/query';
const CLAIM = '/_matrix/federation/v1/user/keys/claim';

let neighbours: Neighbours;
let far: FarServer;
let alice: Person;
let counter = 0;
/** A user of the other server, and what it says of their keys. */
let bob: string;
let phone: CryptoDevice;
let signer: CrossSigner;
let sections: Record<string, object>;

beforeAll(async () => {
  neighbours = await Neighbours.meet();
  far = neighbours.far;
  alice = await neighbours.person('alice');
});
afterAll(() => neighbours.close());
beforeEach(() => {
  bob = far.user(`bob-${++counter}`);
  phone = new CryptoDevice(bob, 'PHONE');
  signer = new CrossSigner(bob);
  sections = {
    device_keys: { PHONE: { ...phone.keys(), unsigned: { device_display_name: 'The phone', more: 1 } } },
    ...{ master_keys: signer.masterKey(), self_signing_keys: signer.selfSigningKey() },
    user_signing_keys: signer.userSigningKey(),
  };
  far.asked.length = 0;
  far.answering = (asked) => answer(asked);
});

/** What the far server says when it is asked for the keys of its users. */
function answer({ path, body }: Asked): object | undefined {
  if (path !== QUERY) return undefined;
  const users = Object.keys(JSON.parse(body).device_keys);
  const ofUsers = (keys: object) => Object.fromEntries(users.map((userId) => [userId, keys]));
  return Object.fromEntries(Object.entries(sections).map(([section, keys]) => [section, ofUsers(keys)]));
}

const questions = () => far.asked.filter(({ path }) => path === QUERY).length;
const query = (person: Person, userIds: string[], more: object = {}) =>
  person.must('POST', 'keys/query', { device_keys: Object.fromEntries(userIds.map((id) => [id, []])), ...more });

/** Bob comes into a room with Alice. */
async function meetBob(): Promise<FarRoom> {
  const room = await neighbours.farRoom(alice);
  await comes(room);
  return room;
}

async function comes(room: FarRoom, membership = 'join'): Promise<void> {
  const event = room.member(bob, membership);
  await far.send(neighbours.url, { pdus: [pduOf(event)] });
  await sees(alice, room.roomId, event.eventId);
}

describe('keys of a user of another server', () => {
  it('are told, but for those that are only for the user', async () => {
    const body = await query(alice, [bob]);
    expect(body).toMatchObject({
      device_keys: { [bob]: { PHONE: { ...phone.keys(), unsigned: { device_display_name: 'The phone' } } } },
      ...{ master_keys: { [bob]: signer.masterKey() }, self_signing_keys: { [bob]: signer.selfSigningKey() } },
      ...{ user_signing_keys: {}, failures: {} },
    });
  });

  it('are asked for once while the user shares a room with us, and again when they have changed', async () => {
    await meetBob();
    await query(alice, [bob]);
    const elsewhere = alice.at(neighbours.replicas[1].url);
    expect((await query(elsewhere, [bob])).device_keys[bob].PHONE).toMatchObject(phone.keys());
    expect(questions()).toBe(1);
    const tablet = new CryptoDevice(bob, 'TABLET');
    sections.device_keys = { TABLET: tablet.keys() };
    const content = { user_id: bob, device_id: 'TABLET', stream_id: 5 };
    await far.send(neighbours.url, { edus: [{ edu_type: 'm.device_list_update', content }] });
    await eventually(async () => {
      expect(Object.keys((await query(elsewhere, [bob])).device_keys[bob])).toEqual(['TABLET']);
    });
    await query(alice, [bob]);
    expect(questions()).toBe(2);
  });

  it('are asked for once by each replica, however many changes come, some of them lost, before many of ours want to know', async () => {
    await meetBob();
    await query(alice, [bob]);
    const tablet = new CryptoDevice(bob, 'TABLET');
    sections.device_keys = { TABLET: tablet.keys() };
    for (let first = 100; first < 200; first += 20) {
      const edus = Array.from({ length: 10 }, (_, n) => ({
        edu_type: 'm.device_list_update',
        content: { user_id: bob, device_id: 'TABLET', stream_id: first + 2 * n, prev_id: [first + 2 * n - 1] },
      }));
      await far.send(neighbours.url, { edus });
    }
    const replicas = neighbours.replicas.map(({ url }) => alice.at(url));
    await Promise.all(Array.from({ length: 20 }, (_, n) => query(replicas[n % replicas.length]!, [bob])));
    expect(Object.keys((await query(alice, [bob])).device_keys[bob])).toEqual(['TABLET']);
    expect(questions()).toBeGreaterThan(1);
    expect(questions()).toBeLessThanOrEqual(1 + replicas.length);
  });

  it('are no news when a server tells of somebody for the first time, unless somebody has asked before', async () => {
    await meetBob();
    const introduce = (stream_id: number) => {
      const content = { user_id: bob, device_id: 'PHONE', stream_id, prev_id: [] };
      return far.send(neighbours.url, { edus: [{ edu_type: 'm.device_list_update', content }] });
    };
    const { next_batch: since } = await alice.must('GET', 'sync');
    await introduce(1);
    const quiet = await alice.must('GET', `sync?since=${since}`);
    expect(quiet.device_lists?.changed ?? []).not.toContain(bob);
    await query(alice, [bob]);
    await introduce(2);
    await eventually(async () => {
      expect((await alice.must('GET', `sync?since=${since}`)).device_lists?.changed ?? []).toContain(bob);
    }, 30_000);
    await query(alice, [bob]);
    expect(questions()).toBe(2);
  });

  it('are news when they are the first that a server tells of, whoever has asked', async () => {
    await meetBob();
    const { next_batch: since } = await alice.must('GET', 'sync');
    const content = { user_id: bob, device_id: 'PHONE', stream_id: 1, prev_id: [], keys: { ...phone.keys().keys } };
    await far.send(neighbours.url, { edus: [{ edu_type: 'm.device_list_update', content }] });
    await eventually(async () => {
      expect((await alice.must('GET', `sync?since=${since}`)).device_lists?.changed ?? []).toContain(bob);
    }, 30_000);
  });

  it('are asked for once, though several want to know at once', async () => {
    await meetBob();
    await Promise.all([1, 2, 3].map(() => query(alice, [bob])));
    expect(questions()).toBe(1);
  });

  it('are asked for again when a change was heard of before they came', async () => {
    await meetBob();
    const content = { user_id: bob, device_id: 'PHONE', stream_id: 6 };
    far.answering = async (asked) => {
      await far.send(neighbours.url, { edus: [{ edu_type: 'm.device_list_update', content }] });
      return answer(asked);
    };
    await query(alice, [bob]);
    far.answering = answer;
    await query(alice, [bob]);
    await query(alice, [bob]);
    expect(questions()).toBe(2);
  });

  it('are asked for each time when no room is shared', async () => {
    await query(alice, [bob]);
    await query(alice, [bob]);
    expect(questions()).toBe(2);
  });

  it('are asked for again when the user was away and came back', async () => {
    const room = await meetBob();
    await query(alice, [bob]);
    await comes(room, 'leave');
    await query(alice, [bob]);
    await comes(room);
    await query(alice, [bob]);
    expect(questions()).toBe(3);
    await query(alice, [bob]);
    expect(questions()).toBe(3);
  });

  it('are told without those that are not as they have to be', async () => {
    const [good, other] = [new CryptoDevice(bob, 'GOOD'), new CryptoDevice('@other:one.test', 'OTHER')];
    const unsigned = { ...new CryptoDevice(bob, 'UNSIGNED').unsignedKeys(), signatures: {} };
    const forged = { ...phone.keys(), keys: new CryptoDevice(bob, 'PHONE').unsignedKeys().keys };
    sections = {
      device_keys: {
        ...{ GOOD: good.keys(), OTHER: other.keys(), PHONE: forged },
        ...{
          UNSIGNED: unsigned,
          NO_SIGNATURES: new CryptoDevice(bob, 'NO_SIGNATURES').unsignedKeys(),
          NOTHING: 'nothing',
        },
        ...{ WRONG: good.keys(), ' \0': new CryptoDevice(bob, '\0').keys() },
      },
      master_keys: signer.masterKey(),
      self_signing_keys: new CrossSigner(bob).selfSigningKey(),
    };
    await meetBob();
    for (const _ of ['asked', 'kept']) {
      const body = await query(alice, [bob]);
      const { signatures: _, ...keys } = unsigned;
      expect(body.device_keys[bob]).toMatchObject({ GOOD: { ...good.keys(), unsigned: {} }, UNSIGNED: keys });
      expect(Object.keys(body.device_keys[bob])).toEqual(['GOOD', 'UNSIGNED']);
      expect([body.master_keys[bob], body.self_signing_keys[bob]]).toMatchObject([signer.masterKey(), undefined]);
    }
  });

  it('may be signed by ours, who alone see that', async () => {
    await meetBob();
    const own = new CrossSigner(alice.userId);
    await alice.must('POST', 'keys/device_signing/upload', own.upload());
    const { master_keys } = await query(alice, [bob]);
    const signed = own.signUser(master_keys[bob]);
    const { failures } = await alice.must('POST', 'keys/signatures/upload', { [bob]: { [signer.masterId]: signed } });
    expect(failures).toEqual({});
    const [signatures] = Object.values((await query(alice, [bob])).master_keys[bob].signatures);
    expect(Object.values(signatures as object)).toHaveLength(1);
    const carol = await neighbours.person('carol');
    expect((await query(carol, [bob])).master_keys[bob].signatures ?? {}).toEqual({});
  });
});

it('the master key of a user of another server may be signed by who shares no room with them and has not asked before', async () => {
  const dan = await neighbours.person('dan');
  const own = new CrossSigner(dan.userId);
  await dan.must('POST', 'keys/device_signing/upload', own.upload());
  const sign = (key: ReturnType<CrossSigner['masterKey']>, id: string) =>
    dan.must('POST', 'keys/signatures/upload', { [bob]: { [id]: own.signUser(key) } });
  expect((await sign(signer.masterKey(), signer.masterId)).failures).toEqual({});
  const signaturesOfDan = async () => (await query(dan, [bob])).master_keys[bob].signatures?.[dan.userId] ?? {};
  expect(Object.values(await signaturesOfDan())).toHaveLength(1);
  const forged = new CrossSigner(bob);
  const { failures } = await sign(forged.masterKey(), forged.masterId);
  expect(failures[bob][forged.masterId].errcode).toBe('M_NOT_FOUND');
});

describe('a server that does not answer', () => {
  it('is told of as a failure, and keeps nobody from what others say', async () => {
    const silent = await neighbours.another();
    silent.answering = () => new Promise(() => undefined);
    try {
      const users = [bob, silent.user('carl'), alice.userId];
      const body = await query(alice, users, { timeout: 500 });
      expect(Object.keys(body.failures)).toEqual([silent.name]);
      expect(Object.keys(body.device_keys).toSorted()).toEqual([alice.userId, bob].toSorted());
      const wanted = { [silent.user('carl')]: { TV: 'signed_curve25519' } };
      const claimed = await alice.must('POST', 'keys/claim', { one_time_keys: wanted, timeout: 500 });
      expect([Object.keys(claimed.failures), claimed.one_time_keys]).toEqual([[silent.name], {}]);
    } finally {
      await silent.close();
    }
  });
});

describe('one-time keys of devices of another server', () => {
  it('are given as asked for, when the device has signed them', async () => {
    await meetBob();
    const tv = new CryptoDevice(bob, 'TV');
    sections.device_keys = { PHONE: phone.keys(), TV: tv.keys() };
    await query(alice, [bob]);
    const key = phone.oneTimeKeys(1);
    const one_time_keys = {
      [bob]: { PHONE: { 'other:1': 'x', ...key, ...phone.oneTimeKeys(1) }, TV: phone.oneTimeKeys(1), MORE: key },
      '@somebody:else.test': { PHONE: key },
    };
    far.answering = (asked) => (asked.path === CLAIM ? { one_time_keys } : answer(asked));
    const algorithm = 'signed_curve25519';
    const wanted = { one_time_keys: { [bob]: { PHONE: algorithm, TV: algorithm } } };
    const body = await alice.must('POST', 'keys/claim', wanted);
    expect(body).toEqual({ failures: {}, one_time_keys: { [bob]: { PHONE: key } } });
    expect(far.asked.filter(({ path }) => path === CLAIM).map((asked) => JSON.parse(asked.body))).toEqual([wanted]);
  });
});
