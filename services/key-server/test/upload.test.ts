import { ready } from '@ganglion/protocol';
import { CryptoDevice } from '@ganglion/testing';
import { type Deployment, deploy } from './support/deployment.js';

let deployment: Deployment;
let counter = 0;
let phone: CryptoDevice;

beforeAll(async () => {
  await ready();
  deployment = await deploy();
});
afterAll(() => deployment.close());
beforeEach(() => {
  counter += 1;
  phone = device(`@alice-${counter}:one.test`, 'PHONE');
});

function device(userId: string, deviceId: string): CryptoDevice {
  deployment.devices.begin(userId, deviceId, { displayName: `${deviceId} of somebody` });
  return new CryptoDevice(userId, deviceId);
}

const tokenOf = ({ userId, deviceId }: CryptoDevice) => `${userId} ${deviceId}`;
const upload = (of: CryptoDevice, body: object, replica?: 0 | 1) =>
  deployment.call('POST', 'keys/upload', tokenOf(of), body, replica);
const query = async (of: CryptoDevice, userId = of.userId) =>
  (await deployment.call('POST', 'keys/query', tokenOf(of), { device_keys: { [userId]: [] } })).body.device_keys[
    userId
  ];
const head = async ({ userId }: CryptoDevice) => {
  const { heads } = await deployment.keyLog.listKeyHeads({ sinceCursor: 0, afterUser: '', limit: 0 });
  return heads.find((head) => head.userId === userId)?.seq;
};

describe('the keys of a device', () => {
  it('are found as they were uploaded, with its name', async () => {
    expect(await upload(phone, { device_keys: phone.keys() })).toEqual({
      status: 200,
      body: { one_time_key_counts: {} },
    });
    const unsigned = { device_display_name: 'PHONE of somebody' };
    const { signatures, ...keys } = phone.keys();
    expect(await query(phone)).toEqual({ PHONE: { ...keys, signatures, unsigned } });
  });

  it('change the list of the user once, however often they are uploaded', async () => {
    for (let i = 0; i < 3; i++) await upload(phone, { device_keys: phone.keys() });
    expect(await head(phone)).toBe(1);
    const { change } = await deployment.keyLog.getKeyChanges({ userId: phone.userId, afterSeq: 0 });
    expect(change).toEqual({ userId: phone.userId, seq: 1, listChanged: true, signedUserIds: [] });
    const later = await deployment.keyLog.getKeyChanges({ userId: phone.userId, afterSeq: 1 });
    expect(later.change).toBeUndefined();
  });

  it('are not replaced by others once the device has signed them', async () => {
    await upload(phone, { device_keys: phone.keys() });
    const thief = new CryptoDevice(phone.userId, 'PHONE');
    const { status, body } = await upload(thief, { device_keys: thief.keys(), one_time_keys: thief.oneTimeKeys(1) });
    expect([status, body.errcode]).toEqual([400, 'M_INVALID_PARAM']);
    expect((await query(phone)).PHONE.keys).toEqual(phone.keys().keys);
    expect(await upload(phone, {})).toEqual({ status: 200, body: { one_time_key_counts: {} } });
  });

  it('may be replaced as long as nobody has signed them', async () => {
    await upload(phone, { device_keys: { ...phone.unsignedKeys(), signatures: {} } });
    const anew = new CryptoDevice(phone.userId, 'PHONE');
    expect((await upload(anew, { device_keys: anew.keys() })).status).toBe(200);
    expect((await query(phone)).PHONE.keys).toEqual(anew.keys().keys);
  });

  it('may change what they can do', async () => {
    await upload(phone, { device_keys: phone.keys() });
    const changed = phone.keys({ algorithms: ['m.olm.v2'], dehydrated: true });
    expect((await upload(phone, { device_keys: changed })).status).toBe(200);
    expect((await query(phone)).PHONE).toMatchObject(changed);
    expect(await head(phone)).toBe(2);
  });

  it('are those of the one device of two that upload at once', async () => {
    const other = new CryptoDevice(phone.userId, 'PHONE');
    const uploads = [phone, other].map((one, i) =>
      upload(one, { device_keys: one.keys(), one_time_keys: one.oneTimeKeys(2) }, i as 0 | 1),
    );
    const statuses = (await Promise.all(uploads)).map(({ status }) => status);
    expect([...statuses].sort()).toEqual([200, 400]);
    const winner = statuses[0] === 200 ? phone : other;
    expect((await query(phone)).PHONE.keys).toEqual(winner.keys().keys);
  });

  it('bear no signatures of others', async () => {
    const keys = phone.keys();
    const signatures = { ...keys.signatures, '@mallory:one.test': { 'ed25519:X': 'x' } };
    await upload(phone, { device_keys: { ...keys, signatures } });
    expect((await query(phone)).PHONE.signatures).toEqual(keys.signatures);
  });

  it('are answered for the devices that are asked for alone', async () => {
    const tablet = device(phone.userId, 'TABLET');
    for (const one of [phone, tablet]) await upload(one, { device_keys: one.keys() });
    const asked = { device_keys: { [phone.userId]: ['TABLET', 'NONE'], '@nobody:two.test': [] } };
    const { body } = await deployment.call('POST', 'keys/query', tokenOf(phone), asked);
    expect(Object.keys(body.device_keys[phone.userId])).toEqual(['TABLET']);
    expect(body.device_keys['@nobody:two.test']).toEqual({});
  });
});

describe('a device that ends', () => {
  it('takes all of its keys with it, and others are told', async () => {
    const tablet = device(phone.userId, 'TABLET');
    for (const one of [phone, tablet]) {
      const keys = { one_time_keys: one.oneTimeKeys(2), fallback_keys: one.fallbackKey() };
      await upload(one, { device_keys: one.keys(), ...keys });
    }
    deployment.devices.end(phone.userId, 'PHONE');
    await deployment.reconcile(phone.userId);
    expect(Object.keys(await query(tablet))).toEqual(['TABLET']);
    // The tablet came without keys, and got some.
    expect(await head(phone)).toBe(4);
    const claim = { one_time_keys: { [phone.userId]: { PHONE: 'signed_curve25519', TABLET: 'signed_curve25519' } } };
    const { body } = await deployment.call('POST', 'keys/claim', tokenOf(tablet), claim);
    expect(Object.keys(body.one_time_keys[phone.userId])).toEqual(['TABLET']);
    await deployment.reconcile(phone.userId);
    expect(await head(phone)).toBe(4);
  });

  it('is forgotten, if nobody said so before, when the user sets up another one', async () => {
    await upload(phone, { device_keys: phone.keys() });
    deployment.devices.end(phone.userId, 'PHONE');
    const tablet = device(phone.userId, 'TABLET');
    await upload(tablet, { device_keys: tablet.keys() });
    expect(Object.keys(await query(tablet))).toEqual(['TABLET']);
  });

  it('leaves nothing to another one of the same id', async () => {
    await upload(phone, { device_keys: phone.keys(), one_time_keys: phone.oneTimeKeys(2) });
    deployment.devices.begin(phone.userId, 'PHONE', { createdAtMs: 2 });
    const anew = new CryptoDevice(phone.userId, 'PHONE');
    const { body } = await upload(anew, { device_keys: anew.keys(), one_time_keys: anew.oneTimeKeys(1) });
    expect(body).toEqual({ one_time_key_counts: { signed_curve25519: 1 } });
    await deployment.reconcile(phone.userId);
    expect((await query(phone)).PHONE.keys).toEqual(anew.keys().keys);
  });

  it('cannot upload keys any more', async () => {
    deployment.devices.end(phone.userId, 'PHONE');
    const { status, body } = await upload(phone, { device_keys: phone.keys() });
    expect([status, body.errcode]).toEqual([401, 'M_UNKNOWN_TOKEN']);
    expect(await query(phone)).toEqual({});
  });

  it('is called by its new name after it was renamed', async () => {
    await upload(phone, { device_keys: phone.keys() });
    deployment.devices.begin(phone.userId, 'PHONE', { displayName: 'new name' });
    await deployment.reconcile(phone.userId);
    expect((await query(phone)).PHONE.unsigned).toEqual({ device_display_name: 'new name' });
    expect(await head(phone)).toBe(2);
  });
});

describe('POST /keys/upload refuses', () => {
  type Make = (own: CryptoDevice) => Record<string, unknown>;
  const wrong = (changes: Record<string, unknown>): Make => {
    return (own) => ({ device_keys: own.keys(changes) });
  };
  const oneTime = (key: unknown): Make => {
    return (own) => ({ device_keys: own.keys(), one_time_keys: { 'signed_curve25519:X': key } });
  };
  const cases: [string, Make, string][] = [
    ['keys of another user', wrong({ user_id: '@mallory:one.test' }), 'M_INVALID_PARAM'],
    ['keys of another device', wrong({ device_id: 'OTHER' }), 'M_INVALID_PARAM'],
    ['keys without a signing key', wrong({ keys: {} }), 'M_BAD_JSON'],
    ['keys that are none', wrong({ keys: { 'ed25519:PHONE': 'short' } }), 'M_BAD_JSON'],
    ['keys that are no text', wrong({ keys: { 'ed25519:PHONE': 1 } }), 'M_BAD_JSON'],
    ['keys with the name of another device', wrong({ keys: { 'ed25519:OTHER': 'x' } }), 'M_BAD_JSON'],
    ['keys without algorithms', wrong({ algorithms: undefined }), 'M_BAD_JSON'],
    ['algorithms that are no list', wrong({ algorithms: 'all' }), 'M_BAD_JSON'],
    ['keys without signatures', (own) => ({ device_keys: own.unsignedKeys() }), 'M_BAD_JSON'],
    ['a list of keys', () => ({ device_keys: [] }), 'M_BAD_JSON'],
    [
      'keys that were changed after they were signed',
      (own) => ({ device_keys: { ...own.keys(), algorithms: [] } }),
      'M_INVALID_SIGNATURE',
    ],
    ['one-time keys without keys of the device', (own) => ({ one_time_keys: own.oneTimeKeys(1) }), 'M_BAD_JSON'],
    ['a one-time key that is not signed', oneTime({ key: 'A'.repeat(43) }), 'M_INVALID_SIGNATURE'],
    ['a one-time key that is none', (own) => oneTime(own.sign({ key: 'A' }))(own), 'M_BAD_JSON'],
    ['a one-time key that is a text', oneTime('A'.repeat(43)), 'M_BAD_JSON'],
    ['a one-time key that is a number', oneTime(1), 'M_BAD_JSON'],
    [
      'a one-time key that another device has signed',
      (own) => oneTime(new CryptoDevice(own.userId, 'PHONE').sign({ key: 'A'.repeat(43) }))(own),
      'M_INVALID_SIGNATURE',
    ],
    ['a name without a key id', (own) => ({ device_keys: own.keys(), one_time_keys: { x: 'x' } }), 'M_BAD_JSON'],
    ['NUL', (own) => ({ device_keys: own.keys(), one_time_keys: { 'other:x': '\0' } }), 'M_BAD_JSON'],
    [
      'two fallback keys of one algorithm',
      (own) => ({ device_keys: own.keys(), fallback_keys: own.oneTimeKeys(2) }),
      'M_BAD_JSON',
    ],
    [
      'more one-time keys than anybody needs',
      (own) => ({ device_keys: own.keys(), one_time_keys: own.oneTimeKeys(1_001) }),
      'M_INVALID_PARAM',
    ],
  ];
  it.each(cases)('%s', async (_, make, errcode) => {
    const { status, body } = await upload(phone, make(phone));
    expect([status, body.errcode]).toEqual([400, errcode]);
    expect(await query(phone)).toEqual({});
    expect(await head(phone)).toBeUndefined();
  });
});

describe('POST /keys/query refuses', () => {
  it.each([
    ['device ids that are no list', { device_keys: { '@bob:one.test': { PHONE: true } } }],
    ['a user id that is none', { device_keys: { bob: [] } }],
    ['a request for nobody', {}],
    ['a timeout that is no number', { device_keys: {}, timeout: 'long' }],
  ])('%s', async (_, body) => {
    const answer = await deployment.call('POST', 'keys/query', tokenOf(phone), body);
    expect([answer.status, answer.body.errcode]).toEqual([400, 'M_BAD_JSON']);
  });
});
