import { encodeBase64, ready } from '@ganglion/protocol';
import { CrossSigner, CryptoDevice } from '@ganglion/testing';
import { type Deployment, deploy } from './support/deployment.js';

let deployment: Deployment;
let counter = 0;
let phone: CryptoDevice;
let alice: CrossSigner;

beforeAll(async () => {
  await ready();
  deployment = await deploy();
});
afterAll(() => deployment.close());
beforeEach(async () => {
  counter += 1;
  phone = await newDevice(`@alice-${counter}:one.test`, 'PHONE');
  alice = new CrossSigner(phone.userId);
  deployment.auth.requests.length = 0;
});

async function newDevice(userId: string, deviceId: string): Promise<CryptoDevice> {
  const device = new CryptoDevice(userId, deviceId);
  deployment.devices.begin(userId, deviceId);
  await deployment.call('POST', 'keys/upload', tokenOf(device), { device_keys: device.keys() });
  return device;
}

const tokenOf = ({ userId, deviceId }: CryptoDevice) => `${userId} ${deviceId}`;
const upload = (of: CryptoDevice, body: object, replica?: 0 | 1) =>
  deployment.call('POST', 'keys/device_signing/upload', tokenOf(of), body, replica);
const sign = (of: CryptoDevice, body: object) => deployment.call('POST', 'keys/signatures/upload', tokenOf(of), body);
const query = async (of: CryptoDevice, userId = of.userId) => {
  const { body } = await deployment.call('POST', 'keys/query', tokenOf(of), { device_keys: { [userId]: [] } });
  const { device_keys, master_keys, self_signing_keys, user_signing_keys } = body;
  return {
    devices: device_keys[userId],
    master: master_keys[userId],
    selfSigning: self_signing_keys[userId],
    userSigning: user_signing_keys[userId],
  };
};
const changes = async (userId: string, afterSeq: number) =>
  (await deployment.keyLog.getKeyChanges({ userId, afterSeq })).change;

describe('cross-signing keys', () => {
  it('are uploaded freely by who has none, and again as they are', async () => {
    for (let i = 0; i < 2; i++) expect(await upload(phone, alice.upload())).toEqual({ status: 200, body: {} });
    const { master_key, self_signing_key, user_signing_key } = alice.upload() as Record<string, object>;
    expect(await query(phone)).toMatchObject({
      ...{ master: master_key, selfSigning: self_signing_key, userSigning: user_signing_key },
    });
    expect(deployment.auth.requests).toEqual([]);
    expect(await changes(phone.userId, 1)).toMatchObject({ seq: 2, listChanged: true });
  });

  it('show the user-signing key to its owner alone', async () => {
    await upload(phone, alice.upload());
    const other = await newDevice(`@bob-${counter}:one.test`, 'TV');
    const seen = await query(other, phone.userId);
    expect([seen.userSigning, seen.master !== undefined, seen.selfSigning !== undefined]).toEqual([
      undefined,
      true,
      true,
    ]);
  });

  it('come and are seen as they were uploaded, without signatures where there were none', async () => {
    const { signatures: _, ...master } = alice.masterKey() as Record<string, unknown>;
    await upload(phone, { ...alice.upload(), master_key: master });
    const other = await newDevice(`@bob-${counter}:one.test`, 'TV');
    expect((await query(phone)).master).toEqual(master);
    expect((await query(other, phone.userId)).master).toEqual(master);
  });

  it.each(['device_signing/upload', 'signatures/upload'])(
    'are taken where old clients send them: unstable/keys/%s',
    async (path) => {
      const body = path.startsWith('device') ? alice.upload() : {};
      const unstable = `/_matrix/client/unstable/keys/${path}`;
      expect((await deployment.call('POST', unstable, tokenOf(phone), body)).status).toBe(200);
      if (path.startsWith('device')) expect((await query(phone)).master).toMatchObject(alice.masterKey());
    },
  );

  it('for other users are a change that nobody but their owner hears of', async () => {
    const { user_signing_key, ...others } = alice.upload() as Record<string, object>;
    await upload(phone, others);
    const { seq } = (await changes(phone.userId, 0))!;
    await upload(phone, { user_signing_key, auth: { password: 'right' } });
    const own = { userId: phone.userId, seq: seq + 1, listChanged: false, signedUserIds: [phone.userId] };
    expect(await changes(phone.userId, seq)).toEqual(own);
    expect(await deployment.keysForServers.getListUpdates({ userId: phone.userId, afterSeq: seq })).toMatchObject({
      ...{ devices: [], signingKeysJson: undefined },
    });
  });

  it('are replaced only by who shows who they are', async () => {
    await upload(phone, alice.upload());
    const anew = new CrossSigner(phone.userId);
    const challenge = await upload(phone, anew.upload());
    expect(challenge).toEqual({ status: 401, body: { flows: [{ stages: ['m.login.password'] }] } });
    expect((await query(phone)).master).toMatchObject(alice.masterKey());
    expect((await upload(phone, { ...anew.upload(), auth: { password: 'right' } })).status).toBe(200);
    expect((await query(phone)).master).toMatchObject(anew.masterKey());
    expect(deployment.auth.requests[0]).toMatchObject({ userId: phone.userId, deviceId: 'PHONE' });
    expect(deployment.auth.requests[0]?.endpoint).toBe('POST /_matrix/client/v3/keys/device_signing/upload');
  });

  it('that the old master key had signed go with it', async () => {
    await upload(phone, alice.upload());
    const anew = new CrossSigner(phone.userId);
    await upload(phone, { master_key: anew.masterKey(), auth: { password: 'right' } });
    expect(await query(phone)).toMatchObject({ selfSigning: undefined, userSigning: undefined });
  });

  it('come one by one, and a new one beside a master key needs a proof', async () => {
    await upload(phone, { master_key: alice.masterKey() });
    const more = { self_signing_key: alice.selfSigningKey() };
    expect((await upload(phone, more)).status).toBe(401);
    expect((await upload(phone, { ...more, auth: { password: 'right' } })).status).toBe(200);
    expect((await upload(phone, more)).status).toBe(200);
    expect((await query(phone)).selfSigning).toEqual(alice.selfSigningKey());
  });

  it('are those of one of two who set them up at once', async () => {
    const other = new CrossSigner(phone.userId);
    const uploads = [alice, other].map((signer, i) => upload(phone, signer.upload(), i as 0 | 1));
    const statuses = (await Promise.all(uploads)).map(({ status }) => status);
    expect([...statuses].sort()).toEqual([200, 401]);
    const winner = statuses[0] === 200 ? alice : other;
    const { master, selfSigning, userSigning } = await query(phone);
    expect([master, selfSigning, userSigning]).toMatchObject([
      ...[winner.masterKey(), winner.selfSigningKey(), winner.userSigningKey()],
    ]);
  });

  const cases: [string, (signer: CrossSigner) => object, number, string][] = [
    ['keys of somebody else', () => new CrossSigner('@mallory:one.test').upload(), 403, 'M_FORBIDDEN'],
    ['no master key', (own) => ({ self_signing_key: own.selfSigningKey() }), 400, 'M_MISSING_PARAM'],
    [
      'a key that another master key has signed',
      (own) => ({ ...own.upload(), self_signing_key: new CrossSigner(own.userId).selfSigningKey() }),
      ...([400, 'M_INVALID_SIGNATURE'] as const),
    ],
    [
      'a key for another use',
      (own) => ({ ...own.upload(), user_signing_key: own.selfSigningKey() }),
      ...([400, 'M_BAD_JSON'] as const),
    ],
    [
      'two keys at once',
      (own) => ({ master_key: { ...own.masterKey(), keys: { a: 'b', c: 'd' } } }),
      400,
      'M_BAD_JSON',
    ],
    ['no key', (own) => ({ master_key: { ...own.masterKey(), keys: {} } }), 400, 'M_BAD_JSON'],
    [
      'a key under a wrong name',
      (own) => ({ master_key: { ...own.masterKey(), keys: { 'ed25519:x': own.masterId } } }),
      ...([400, 'M_BAD_JSON'] as const),
    ],
    [
      'a key that is none',
      (own) => ({ master_key: { ...own.masterKey(), keys: { 'ed25519:x': 'x' } } }),
      400,
      'M_BAD_JSON',
    ],
    ['a text', () => ({ master_key: 'key' }), 400, 'M_BAD_JSON'],
  ];
  it.each(cases)('refuse %s', async (_, make, status, errcode) => {
    const answer = await upload(phone, make(alice));
    expect([answer.status, answer.body.errcode]).toEqual([status, errcode]);
    expect((await query(phone)).master).toBeUndefined();
  });

  it('refuse a key that is the id of a device', async () => {
    await newDevice(phone.userId, alice.masterId);
    const { status, body } = await upload(phone, alice.upload());
    expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN']);
  });

  it('refuse a wrong signature of an own device', async () => {
    const thief = new CryptoDevice(phone.userId, 'PHONE');
    const { status, body } = await upload(phone, { master_key: thief.sign(alice.masterKey()) });
    expect([status, body.errcode]).toEqual([400, 'M_INVALID_SIGNATURE']);
  });
});

describe('signatures', () => {
  let bob: CryptoDevice;
  let bobs: CrossSigner;
  beforeEach(async () => {
    bob = await newDevice(`@bob-${counter}:one.test`, 'TV');
    bobs = new CrossSigner(bob.userId);
    await upload(phone, alice.upload());
    await upload(bob, bobs.upload());
  });

  const keyIdOf = (key: { publicKey: Uint8Array }) => `ed25519:${encodeBase64(key.publicKey)}`;

  it('of an own device by the self-signing key are seen by everybody, and told of once', async () => {
    const signed = alice.signDevice(phone.unsignedKeys());
    const body = { [phone.userId]: { PHONE: signed } };
    for (let i = 0; i < 2; i++) expect(await sign(phone, body)).toEqual({ status: 200, body: { failures: {} } });
    const { devices } = await query(bob, phone.userId);
    const signatures = devices.PHONE.signatures[phone.userId];
    expect(Object.keys(signatures).sort()).toEqual([keyIdOf(alice.selfSigning), 'ed25519:PHONE'].sort());
    expect(await changes(phone.userId, 2)).toMatchObject({ seq: 3, listChanged: true });
  });

  it('stay when the device uploads its keys again', async () => {
    await sign(phone, { [phone.userId]: { PHONE: alice.signDevice(phone.unsignedKeys()) } });
    await deployment.call('POST', 'keys/upload', tokenOf(phone), { device_keys: phone.keys() });
    const { devices } = await query(bob, phone.userId);
    expect(Object.keys(devices.PHONE.signatures[phone.userId])).toHaveLength(2);
  });

  it('of the master key by an own device are seen by everybody', async () => {
    await sign(phone, { [phone.userId]: { [alice.masterId]: phone.sign(alice.masterKey()) } });
    const { master } = await query(bob, phone.userId);
    expect(Object.keys(master.signatures[phone.userId])).toEqual(['ed25519:PHONE']);
  });

  it('of somebody else are seen by who made them alone, whose devices are told', async () => {
    const signed = alice.signUser(bobs.masterKey());
    expect((await sign(phone, { [bob.userId]: { [bobs.masterId]: signed } })).body).toEqual({ failures: {} });
    const own = await query(phone, bob.userId);
    expect(Object.keys(own.master.signatures[phone.userId])).toEqual([keyIdOf(alice.userSigning)]);
    expect((await query(bob)).master.signatures?.[phone.userId]).toBeUndefined();
    const change = await changes(phone.userId, 2);
    expect(change).toEqual({ userId: phone.userId, seq: 3, listChanged: false, signedUserIds: [bob.userId] });
    expect(await changes(bob.userId, 2)).toBeUndefined();
  });

  it('of somebody who has new keys are gone with the old ones', async () => {
    await sign(phone, { [bob.userId]: { [bobs.masterId]: alice.signUser(bobs.masterKey()) } });
    const anew = new CrossSigner(bob.userId);
    await upload(bob, { ...anew.upload(), auth: { password: 'right' } });
    expect((await query(phone, bob.userId)).master.signatures?.[phone.userId]).toBeUndefined();
  });

  it('fail one by one, and the others are kept', async () => {
    const forged = new CrossSigner(phone.userId).signDevice(phone.unsignedKeys());
    const { body } = await sign(phone, {
      [phone.userId]: {
        PHONE: alice.signDevice(phone.unsignedKeys()),
        NONE: alice.signDevice({ ...phone.unsignedKeys(), device_id: 'NONE' }),
        [alice.masterId]: forged,
      },
      [bob.userId]: { [bobs.masterId]: bobs.signUser(bobs.masterKey()), TV: alice.signUser(bob.unsignedKeys()) },
    });
    const errcodes = Object.values(body.failures).map((byKey) =>
      Object.fromEntries(Object.entries(byKey as object).map(([key, { errcode }]) => [key, errcode])),
    );
    expect(errcodes).toEqual([
      { NONE: 'M_NOT_FOUND', [alice.masterId]: 'M_INVALID_SIGNATURE' },
      { [bobs.masterId]: 'M_INVALID_SIGNATURE', TV: 'M_NOT_FOUND' },
    ]);
    const { devices } = await query(bob, phone.userId);
    expect(Object.keys(devices.PHONE.signatures[phone.userId])).toHaveLength(2);
  });

  it.each([
    [
      'of other keys',
      (own: CrossSigner, device: CryptoDevice) => own.signDevice(device.unsignedKeys({ algorithms: [] })),
    ],
    [
      'that were forged',
      (own: CrossSigner, device: CryptoDevice) => {
        const signed = own.signDevice(device.unsignedKeys());
        return { ...signed, signatures: { [own.userId]: { [keyIdOf(own.selfSigning)]: 'A'.repeat(86) } } };
      },
    ],
    ['by nobody', (_: CrossSigner, device: CryptoDevice) => device.unsignedKeys()],
    ['by a key that signs users', (own: CrossSigner, device: CryptoDevice) => own.signUser(device.unsignedKeys())],
  ])('%s are refused', async (_, make) => {
    const { status, body } = await sign(phone, { [phone.userId]: { PHONE: make(alice, phone) } });
    expect([status, body.failures[phone.userId]?.PHONE?.errcode]).toEqual([200, 'M_INVALID_SIGNATURE']);
    expect(Object.keys((await query(phone)).devices.PHONE.signatures[phone.userId])).toHaveLength(1);
  });

  it.each([
    ['a list', []],
    ['keys that are no objects', { '@bob:one.test': { TV: 'x' } }],
    ['a user id that is none', { bob: {} }],
  ])('in the form of %s are refused', async (_, body) => {
    const answer = await sign(phone, body);
    expect([answer.status, answer.body.errcode]).toEqual([400, 'M_BAD_JSON']);
  });
});
