import { eventually } from '@ganglion/testing';
import { type Destination, Sending } from './support/sending.js';

let sending: Sending;
let far: Destination;
let counter = 0;
let anna: string;

beforeAll(async () => {
  sending = await Sending.create();
});
afterAll(() => sending.close());
beforeEach(async () => {
  far = await sending.destination();
  anna = `@anna${++counter}:ours.example`;
});
afterEach(() => sending.stopAll());

const soon = (expectations: () => unknown) => eventually(expectations, 60_000);
const updates = () => far.edus('m.device_list_update').filter(({ user_id }) => user_id === anna);
const isBehind = async () => {
  const text = 'SELECT is_behind FROM federation_api.destinations WHERE server_name = $1';
  const { rows } = await sending.db.query<{ is_behind: boolean }>({ text, values: [far.name] });
  return rows[0]?.is_behind;
};

it('servers that share a room hear of new, changed and ended devices, each naming the one before', async () => {
  sending.rooms.create(far.name);
  const keys = { device_id: 'PHONE', keys: {} };
  sending.keys.change(anna, 'PHONE', keys);
  await sending.start();
  await soon(() => expect(updates()).toHaveLength(1));
  sending.keys.change(anna, 'TV', keys);
  sending.keys.change(anna, 'PHONE');
  sending.keys.addKeyless(anna, 'NEW', 'new phone');
  await soon(() => expect(updates()).toHaveLength(4));
  const known = { user_id: anna };
  expect(updates()).toEqual([
    { ...known, device_id: 'PHONE', stream_id: 1, prev_id: [0], keys },
    { ...known, device_id: 'TV', stream_id: 2, prev_id: [1], keys },
    { ...known, device_id: 'PHONE', stream_id: 3, prev_id: [2], deleted: true },
    { ...known, device_id: 'NEW', stream_id: 4, prev_id: [3], device_display_name: 'new phone' },
  ]);
}, 90_000);

it('servers that share a room hear of cross-signing keys, under both names', async () => {
  sending.rooms.create(far.name);
  const master_key = { usage: ['master'] };
  sending.keys.setSigningKeys(anna, { master_key });
  await sending.start();
  for (const type of ['m.signing_key_update', 'org.matrix.signing_key_update']) {
    await soon(() => expect(far.edus(type)).toContainEqual({ user_id: anna, master_key }));
  }
  expect(updates()).toEqual([]);
}, 90_000);

it('servers that share no room hear of no keys', async () => {
  const other = await sending.destination();
  sending.rooms.create(other.name);
  sending.keys.change(anna, 'PHONE', {});
  await sending.start();
  await soon(() => expect(other.edus('m.device_list_update')).not.toEqual([]));
  sending.mailbox.post(anna, far.name, { '@a:far': { ONE: {} } });
  await soon(() => expect(far.edus('m.direct_to_device')).toHaveLength(1));
  expect(updates()).toEqual([]);
}, 90_000);

it('whoever reads next goes on where the last one ended', async () => {
  sending.rooms.create(far.name);
  sending.keys.change(anna, 'PHONE', {});
  const first = await sending.start();
  await soon(() => expect(updates()).toHaveLength(1));
  await first.stop();
  sending.keys.change(anna, 'TV', {});
  await Promise.all([sending.start(), sending.start()]);
  await soon(() => expect(updates()).toHaveLength(2));
  expect(updates()[1]).toMatchObject({ device_id: 'TV', prev_id: [1] });
}, 90_000);

it('a server that was away for long hears of each user what came last, not of all that was before', async () => {
  sending.rooms.create(far.name);
  let isAway = true;
  far.answering = () => (isAway ? { status: 502, body: {} } : { pdus: {} });
  sending.keys.change(anna, 'PHONE', {});
  await sending.start();
  await soon(async () => {
    await sending.retryNow(far);
    expect(await isBehind()).toBe(true);
  });
  const queued = async () => {
    const text = `SELECT count(*)::integer AS count FROM federation_api.queued_edus WHERE server_name = $1 AND subject = $2`;
    const { rows } = await sending.db.query({ text, values: [far.name, `devices ${anna}`] });
    return rows[0];
  };
  for (const n of [1, 2, 3, 4]) {
    sending.keys.change(anna, `D${n}`, {});
    await soon(async () => {
      const text = 'SELECT key_seq FROM federation_api.sender_users WHERE user_id = $1';
      expect((await sending.db.query({ text, values: [anna] })).rows).toEqual([{ key_seq: n + 1 }]);
    });
  }
  expect(await queued()).toEqual({ count: 1 });
  const before = updates().length;
  isAway = false;
  await soon(async () => {
    await sending.retryNow(far);
    expect(updates().slice(before)).toEqual([expect.objectContaining({ device_id: 'D4', stream_id: 5, prev_id: [4] })]);
  });
}, 90_000);

it('servers hear of the devices of who comes to a first room with them, and not again of who is there', async () => {
  const other = await sending.destination();
  const roomId = sending.rooms.create(far.name);
  sending.keys.change(anna, 'PHONE', { device_id: 'PHONE' });
  sending.devices.set(anna, ['PHONE', 'TV']);
  await sending.start();
  await soon(() => expect(updates()).toHaveLength(1));
  const next = sending.rooms.create(other.name, far.name);
  const joined = sending.rooms.join(next, anna);
  const told = () => other.edus('m.device_list_update');
  await soon(() => expect(told()).toHaveLength(2));
  const known = { user_id: anna, stream_id: 1, prev_id: [] };
  expect(told()).toEqual([
    { ...known, device_id: 'TV' },
    { ...known, device_id: 'PHONE', keys: { device_id: 'PHONE' } },
  ]);
  sending.rooms.join(next, anna, [joined]);
  sending.rooms.say(roomId, 'the end');
  sending.rooms.say(next, 'the end');
  await soon(() => expect([far.bodies.at(-1), other.bodies.at(-1)]).toEqual(['the end', 'the end']));
  expect([updates(), told()].map(({ length }) => length)).toEqual([1, 2]);
}, 90_000);
