import { ready } from '@ganglion/protocol';
import { CrossSigner, CryptoDevice } from '@ganglion/testing';
import { type Deployment, deploy } from './support/deployment.js';

let deployment: Deployment;
let counter = 0;
let alice: string;

beforeAll(async () => {
  await ready();
  deployment = await deploy();
});
afterAll(() => deployment.close());
beforeEach(() => {
  counter += 1;
  alice = `@alice-${counter}:one.test`;
});

const tokenOf = ({ userId, deviceId }: CryptoDevice) => `${userId} ${deviceId}`;

async function newDevice(deviceId: string): Promise<CryptoDevice> {
  const device = new CryptoDevice(alice, deviceId);
  deployment.devices.begin(alice, deviceId);
  await deployment.call('POST', 'keys/upload', tokenOf(device), { device_keys: device.keys() });
  return device;
}

async function updates(afterSeq: number) {
  const { devices, ...rest } = await deployment.keysForServers.getListUpdates({ userId: alice, afterSeq });
  return {
    ...rest,
    devices: devices.map(({ keysJson, ...device }) => ({ ...device, isThere: keysJson !== undefined })),
  };
}

async function streamId(): Promise<number> {
  const { answerJson } = await deployment.keysForServers.getUserDevices({ userId: alice });
  return JSON.parse(answerJson).stream_id;
}

describe('what other servers are told of devices', () => {
  it('is each of them under a number of its own, also when several end at once', async () => {
    for (const deviceId of ['A', 'B', 'C']) await newDevice(deviceId);
    const { seq, devices } = await updates(0);
    expect(devices).toMatchObject(['A', 'B', 'C'].map((deviceId) => ({ deviceId, isThere: true })));
    expect(new Set(devices.map(({ streamId: id }) => id)).size).toBe(3);
    for (const deviceId of ['A', 'C']) deployment.devices.end(alice, deviceId);
    await deployment.reconcile(alice);
    const ended = await updates(seq);
    expect(ended.devices.map(({ deviceId, isThere }) => [deviceId, isThere]).toSorted()).toEqual([
      ['A', false],
      ['C', false],
    ]);
    expect(new Set(ended.devices.map(({ streamId: id }) => id)).size).toBe(2);
    expect(ended.seq).toBe(seq + 2);
    expect(await streamId()).toBe(ended.devices.at(-1)!.streamId);
    expect((await updates(ended.seq)).devices).toEqual([]);
  });

  it('is a device that is there again, and not that it was gone', async () => {
    await newDevice('A');
    const { seq } = await updates(0);
    deployment.devices.end(alice, 'A');
    await deployment.reconcile(alice);
    await newDevice('A');
    expect((await updates(seq)).devices).toMatchObject([{ deviceId: 'A', isThere: true }]);
  });

  it('are cross-signing keys, but for the one that only its owner may see', async () => {
    const phone = await newDevice('A');
    const { seq, signingKeysJson } = await updates(0);
    expect(signingKeysJson).toBeUndefined();
    const signer = new CrossSigner(alice);
    await deployment.call('POST', 'keys/device_signing/upload', tokenOf(phone), signer.upload());
    const after = await updates(seq);
    expect(Object.keys(JSON.parse(after.signingKeysJson!)).toSorted()).toEqual(['master_key', 'self_signing_key']);
    expect(after.devices).toEqual([]);
    expect(await streamId()).toBeLessThanOrEqual(seq);
    const ofOthers = await deployment.keysForServers.getListUpdates({ userId: '@a:far.test', afterSeq: 0 });
    expect(ofOthers).toMatchObject({ seq: 0, devices: [] });
  });
});
