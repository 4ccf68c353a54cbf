import { ready } from '@ganglion/protocol';
import { CrossSigner, CryptoDevice } from '@ganglion/testing';
import { type Deployment, deploy } from './support/deployment.js';

let deployment: Deployment;
let counter = 0;
let alice: string;
let phone: CryptoDevice;

beforeAll(async () => {
  await ready();
  deployment = await deploy();
});
afterAll(() => deployment.close());
beforeEach(() => {
  counter += 1;
  alice = `@alice-${counter}:one.test`;
  phone = new CryptoDevice(alice, 'PHONE');
});

const call = (path: string, body: object, replica?: 0 | 1, method = 'POST') =>
  deployment.call(method, path, `${alice} PHONE`, body, replica);
const upload = (body: object) => call('keys/upload', body);
const updates = (afterSeq: number) => deployment.keysForServers.getListUpdates({ userId: alice, afterSeq });
const change = async (afterSeq: number) => (await deployment.keyLog.getKeyChanges({ userId: alice, afterSeq })).change;
const begin = (deviceId: string, createdAtMs = 1, displayName?: string) =>
  deployment.devices.begin(alice, deviceId, { createdAtMs, displayName });
const claim = async (algorithm = 'curve25519') => {
  const wanted = { one_time_keys: { [alice]: { PHONE: algorithm } } };
  return (await call('keys/claim', wanted)).body.one_time_keys[alice]?.PHONE;
};
const counts = async () => {
  const { counts } = await deployment.keyCounts.countKeys({ devices: [phone] });
  return counts[0];
};

const ONE_TIME = { 'curve25519:A': 'A'.repeat(43), 'curve25519:B': 'B'.repeat(42).concat('A') };
const FALLBACK = { 'curve25519:F': 'C'.repeat(42).concat('A') };

describe('one-time keys of a device that has no keys of its own yet', () => {
  beforeEach(async () => {
    begin('PHONE');
  });

  it('are taken, counted and claimed, and stay when its keys come', async () => {
    const { status, body } = await upload({ one_time_keys: ONE_TIME, fallback_keys: FALLBACK });
    expect([status, body]).toEqual([200, { one_time_key_counts: { curve25519: 2 } }]);
    expect(await claim()).toEqual({ 'curve25519:A': ONE_TIME['curve25519:A'] });
    expect(await counts()).toEqual({
      oneTimeKeys: [{ algorithm: 'curve25519', count: 1 }],
      unusedFallbackAlgorithms: ['curve25519'],
    });
    const keys = { device_keys: phone.keys(), one_time_keys: phone.oneTimeKeys(1) };
    expect((await upload(keys)).body).toEqual({ one_time_key_counts: { curve25519: 1, signed_curve25519: 1 } });
    expect(await claim()).toEqual({ 'curve25519:B': ONE_TIME['curve25519:B'] });
    expect(await claim()).toEqual(FALLBACK);
  });

  it('are refused where they are signed, as nobody can tell by whom', async () => {
    for (const body of [
      { one_time_keys: { ...ONE_TIME, ...phone.oneTimeKeys(1) } },
      { fallback_keys: phone.fallbackKey() },
    ]) {
      const answer = await upload(body);
      expect([answer.status, answer.body.errcode]).toEqual([400, 'M_BAD_JSON']);
    }
    expect(await claim()).toBeUndefined();
  });

  it('go with the device, and another one of the same id has none', async () => {
    await upload({ one_time_keys: ONE_TIME, fallback_keys: FALLBACK });
    begin('PHONE', 2);
    await deployment.reconcile(alice);
    expect(await claim()).toBeUndefined();
    await upload({ one_time_keys: ONE_TIME });
    deployment.devices.end(alice, 'PHONE');
    await deployment.reconcile(alice);
    expect(await claim()).toBeUndefined();
    begin('PHONE', 3);
    await upload({ one_time_keys: ONE_TIME });
    begin('PHONE', 4);
    const { body } = await upload({ device_keys: phone.keys() });
    expect(body).toEqual({ one_time_key_counts: {} });
  });

  it('are refused once it has logged out', async () => {
    deployment.devices.end(alice, 'PHONE');
    const { status, body } = await upload({ one_time_keys: ONE_TIME });
    expect([status, body.errcode]).toEqual([401, 'M_UNKNOWN_TOKEN']);
    expect(await claim()).toBeUndefined();
  });

  it('do not make it one that can be signed', async () => {
    await upload({ one_time_keys: ONE_TIME });
    const signer = new CrossSigner(alice);
    await call('keys/device_signing/upload', signer.upload());
    const { body } = await call('keys/signatures/upload', {
      [alice]: { PHONE: signer.signDevice(phone.unsignedKeys()) },
    });
    expect(body.failures[alice].PHONE.errcode).toBe('M_NOT_FOUND');
    const asked = await call('keys/query', { device_keys: { [alice]: [] } });
    expect(asked.body.device_keys[alice]).toEqual({});
  });
});

describe('a device without keys', () => {
  beforeEach(async () => {
    begin('FIRST');
    await deployment.reconcile(alice);
  });

  it('that is the first of its user is no news to anybody', async () => {
    expect(await change(0)).toBeUndefined();
    expect((await updates(0)).devices).toEqual([]);
  });

  it('changes the list of its user when it comes, is renamed and goes, once each', async () => {
    const told: unknown[] = [];
    const look = async () => {
      const { seq } = await updates(0);
      for (let i = 0; i < 2; i++) await Promise.all([deployment.reconcile(alice, 0), deployment.reconcile(alice, 1)]);
      expect(await change(seq)).toMatchObject({ seq: seq + 1, listChanged: true });
      told.push(...(await updates(seq)).devices);
    };
    begin('PHONE', 1, 'phone');
    await look();
    begin('PHONE', 1, 'other name');
    await look();
    deployment.devices.end(alice, 'PHONE');
    await look();
    const { answerJson } = await deployment.keysForServers.getUserDevices({ userId: alice });
    expect(JSON.parse(answerJson)).toMatchObject({ stream_id: 3, devices: [] });
    const device = { deviceId: 'PHONE' };
    expect(told).toEqual([
      { ...device, streamId: 1, keyless: true, displayName: 'phone' },
      { ...device, streamId: 2, keyless: true, displayName: 'other name' },
      { ...device, streamId: 3 },
    ]);
  });

  it('is one with keys from its upload on', async () => {
    begin('PHONE', 1);
    await deployment.reconcile(alice);
    await upload({ device_keys: phone.keys() });
    expect((await updates(0)).devices).toMatchObject([
      { deviceId: 'PHONE', streamId: 2, keysJson: expect.any(String) },
    ]);
    await deployment.reconcile(alice);
    expect((await updates(2)).devices).toEqual([]);
  });

  it('is one change with all others that came at once', async () => {
    for (let n = 0; n < 50; n++) begin(`D${n}`);
    await deployment.reconcile(alice);
    expect(deployment.published.filter((name) => name.startsWith(`${alice} `)).length).toBeLessThanOrEqual(1);
    const { devices, seq } = await updates(0);
    expect([devices.length, seq]).toEqual([50, 50]);
  });

  it('that nobody is logged in with is no news before it has its keys', async () => {
    deployment.devices.begin(alice, 'DEHYDRATED', { dehydrated: true });
    await deployment.reconcile(alice);
    expect(await change(0)).toBeUndefined();
  });
});

it('a user who is deactivated leaves no keys, signatures and backups, and others are told', async () => {
  const bob = new CrossSigner(`@bob-${counter}:one.test`);
  begin('PHONE');
  await upload({ device_keys: phone.keys(), one_time_keys: phone.oneTimeKeys(2) });
  const signer = new CrossSigner(alice);
  await call('keys/device_signing/upload', signer.upload());
  deployment.devices.begin(bob.userId, 'TV');
  await deployment.call('POST', 'keys/device_signing/upload', `${bob.userId} TV`, bob.upload());
  const signed = { [bob.userId]: { [bob.masterId]: signer.signUser(bob.masterKey()) } };
  expect((await call('keys/signatures/upload', signed)).body).toEqual({ failures: {} });
  const info = { algorithm: 'm.megolm_backup.v1.curve25519-aes-sha2', auth_data: {} };
  const key = { first_message_index: 0, forwarded_count: 0, is_verified: true, session_data: {} };
  await call('room_keys/version', info);
  await call('room_keys/keys/!room/session?version=1', key, 0, 'PUT');
  const { seq } = (await change(0))!;
  deployment.devices.deactivate(alice);
  for (let i = 0; i < 2; i++) await Promise.all([deployment.reconcile(alice, 0), deployment.reconcile(alice, 1)]);
  expect(await change(seq)).toMatchObject({ seq: seq + 1, listChanged: true });
  for (const table of [
    'devices',
    'keyless_devices',
    'one_time_keys',
    'cross_signing_keys',
    'user_signatures',
    'backups',
    'backup_keys',
  ]) {
    const text = `SELECT 1 FROM key_server.${table} WHERE user_id = $1`;
    expect([table, (await deployment.db.query({ text, values: [alice] })).rows]).toEqual([table, []]);
  }
  expect((await updates(seq)).devices).toEqual([{ deviceId: 'PHONE', streamId: seq + 1 }]);
});
