import { ready } from '@ganglion/protocol';
import { CryptoDevice } from '@ganglion/testing';
import { type Answer, type Deployment, deploy } from './support/deployment.js';

let deployment: Deployment;
let counter = 0;
let userId: string;

beforeAll(async () => {
  await ready();
  deployment = await deploy();
});
afterAll(() => deployment.close());
beforeEach(() => {
  counter += 1;
  userId = `@alice-${counter}:one.test`;
  deployment.devices.begin(userId, 'PHONE');
});

const PATH = '/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device';
const DATA = { algorithm: 'org.example.pickle', pickle: 'secret' };

function bodyOf(device: CryptoDevice): object {
  return {
    ...{ device_id: device.deviceId, device_data: DATA, initial_device_display_name: 'Dehydrated' },
    ...{ device_keys: device.keys(), one_time_keys: device.oneTimeKeys(2), fallback_keys: device.fallbackKey() },
  };
}
const call = (method: string, body?: unknown, replica?: 0 | 1): Promise<Answer> =>
  deployment.call(method, PATH, `${userId} PHONE`, body, replica);
const put = (device: CryptoDevice, replica?: 0 | 1) => call('PUT', bodyOf(device), replica);
const published = async () => {
  const asked = { device_keys: { [userId]: [] } };
  const { body } = await deployment.call('POST', 'keys/query', '@bob:one.test X', asked);
  return Object.keys(body.device_keys[userId]);
};
const living = async () =>
  (await deployment.devices.listDevices({ userId })).devices.map(({ deviceId }) => deviceId).sort();

it('a dehydrated device is found as it was put, with keys for others', async () => {
  const device = new CryptoDevice(userId, 'COLD');
  expect(await call('GET')).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
  expect(await put(device)).toEqual({ status: 200, body: { device_id: 'COLD' } });
  expect(await call('GET', undefined, 1)).toEqual({ status: 200, body: { device_id: 'COLD', device_data: DATA } });
  expect(await published()).toEqual(['COLD']);
  const claim = { one_time_keys: { [userId]: { COLD: 'signed_curve25519' } } };
  const { body } = await deployment.call('POST', 'keys/claim', '@bob:one.test X', claim);
  expect(Object.keys(body.one_time_keys[userId])).toEqual(['COLD']);
});

it('the same request again changes nothing', async () => {
  const device = new CryptoDevice(userId, 'COLD');
  const body = bodyOf(device);
  for (let i = 0; i < 3; i++) expect((await call('PUT', body, (i % 2) as 0 | 1)).status).toBe(200);
  expect(await living()).toEqual(['COLD', 'PHONE']);
});

it('a new one takes the place of the one before, which ends', async () => {
  await put(new CryptoDevice(userId, 'COLD'));
  await put(new CryptoDevice(userId, 'COLDER'), 1);
  expect((await call('GET')).body.device_id).toBe('COLDER');
  expect(await published()).toEqual(['COLDER']);
  expect(await living()).toEqual(['COLDER', 'PHONE']);
});

it('of two that are put at once one is left, with its keys', async () => {
  await put(new CryptoDevice(userId, 'COLD'));
  const answers = await Promise.all([put(new CryptoDevice(userId, 'ONE'), 0), put(new CryptoDevice(userId, 'TWO'), 1)]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  const { device_id } = (await call('GET')).body;
  expect(await published()).toEqual([device_id]);
  expect(await living()).toEqual([device_id, 'PHONE'].sort());
});

it('of many that are put at once none is left without keys', async () => {
  const ids = Array.from({ length: 12 }, (_, n) => `COLD${n}`);
  const answers = await Promise.all(ids.map((id, n) => put(new CryptoDevice(userId, id), (n % 2) as 0 | 1)));
  expect(answers.map(({ status }) => status)).toEqual(ids.map(() => 200));
  expect(await living()).toEqual([...(await published()), 'PHONE']);
});

it('goes, with its keys, when it is deleted', async () => {
  await put(new CryptoDevice(userId, 'COLD'));
  expect(await call('DELETE')).toEqual({ status: 200, body: { device_id: 'COLD' } });
  expect((await call('GET')).status).toBe(404);
  expect((await call('DELETE')).body.errcode).toBe('M_NOT_FOUND');
  expect(await published()).toEqual([]);
  expect(await living()).toEqual(['PHONE']);
});

it('goes when it is ended as any device is', async () => {
  await put(new CryptoDevice(userId, 'COLD'));
  deployment.devices.end(userId, 'COLD');
  await deployment.reconcile(userId);
  expect((await call('GET')).body.errcode).toBe('M_NOT_FOUND');
});

describe('refuses', () => {
  const cases: [string, (device: CryptoDevice) => object, string][] = [
    ['the device that somebody is logged in with', () => bodyOf(new CryptoDevice(userId, 'PHONE')), 'M_INVALID_PARAM'],
    ['keys of another device', (device) => ({ ...bodyOf(device), device_id: 'OTHER' }), 'M_INVALID_PARAM'],
    ['a device without keys', (device) => ({ ...bodyOf(device), device_keys: undefined }), 'M_BAD_JSON'],
    ['data without an algorithm', (device) => ({ ...bodyOf(device), device_data: {} }), 'M_BAD_JSON'],
    [
      'data that is too large',
      (device) => ({ ...bodyOf(device), device_data: { ...DATA, x: 'x'.repeat(70_000) } }),
      'M_BAD_JSON',
    ],
    [
      'keys that are signed by another key',
      (device) => {
        const keys = device.keys();
        const signatures = { [userId]: { 'ed25519:COLD': 'x'.repeat(86) } };
        return { ...bodyOf(device), device_keys: { ...keys, signatures } };
      },
      'M_INVALID_SIGNATURE',
    ],
  ];
  it.each(cases)('%s, and leaves the one before', async (_, make, errcode) => {
    await put(new CryptoDevice(userId, 'BEFORE'));
    const { status, body } = await call('PUT', make(new CryptoDevice(userId, 'COLD')));
    expect([status, body.errcode]).toEqual([400, errcode]);
    expect((await call('GET')).body.device_id).toBe('BEFORE');
    expect(await living()).toEqual(['BEFORE', 'PHONE']);
  });
});
