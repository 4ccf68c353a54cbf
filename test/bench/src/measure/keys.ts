import type { Account } from '../load/account.ts';
import { DeviceKeys } from '../load/device-keys.ts';
import { closedLoop, forCount, forSeconds } from '../load/loop.ts';
import { at, insist, pooled } from '../load/scene.ts';
import { type Measure, observe } from './measure.ts';

const keysPath = '/_matrix/client/v3/keys';
const inFlight = 16;
const keysAnUpload = 100;
/** The devices of the crowd: they sign with the same key in every round. */
const devices = new WeakMap<Account, DeviceKeys>();

/** Who begins to talk to somebody takes one of their device's keys. Each is given out once. */
const claims: Measure = {
  id: 'keys-claim',
  title: `claims of one-time keys, ${inFlight} in flight`,
  headline: 'rate',
  warmUp: false,
  async run(setting) {
    const { scene } = setting;
    const crowd = await scene.crowd();
    const uploads = Math.ceil(scene.plan.claims / keysAnUpload / crowd.length);
    await pooled(8, crowd.length, async (n) => {
      const owner = at(crowd, n);
      const known = devices.get(owner);
      const device = known ?? new DeviceKeys(owner);
      devices.set(owner, device);
      const upload = (body: object) => scene.client.call('POST', `${keysPath}/upload`, owner.headers, body);
      if (known === undefined) await upload({ device_keys: device.identity() });
      for (let done = 0; done < uploads; done++) await upload({ one_time_keys: device.oneTimeKeys(keysAnUpload) });
    });
    const bodies = crowd.map(({ userId, deviceId }) =>
      JSON.stringify({ one_time_keys: { [userId]: { [deviceId]: 'signed_curve25519' } } }),
    );
    const step = (slot: number, n: number) =>
      scene.client.send('POST', `${keysPath}/claim`, at(crowd, slot).headers, at(bodies, n));
    return observe(setting, () => closedLoop(inFlight, forCount(scene.plan.claims), step));
  },
};

const devicesEach = 3;

/** Who opens a large room that is encrypted wants to know the devices of all who are in it. */
const queries: Measure = {
  id: 'keys-query',
  title: `queries of the keys of a large room, ${devicesEach} devices each, one after the other`,
  headline: 'p50',
  warmUp: true,
  async run(setting) {
    const { scene, seconds } = setting;
    const owners = await scene.keyOwners(devicesEach, upload);
    const body = JSON.stringify({ device_keys: Object.fromEntries(owners.map(({ userId }) => [userId, []])) });
    const step = (slot: number) => scene.client.send('POST', `${keysPath}/query`, at(owners, slot).headers, body);
    const answer = await step(0);
    insist(answer, 'a query of keys');
    const listed = Object.values(JSON.parse(answer.body.toString()).device_keys as Record<string, object>);
    const devices = listed.reduce((sum, ofUser) => sum + Object.keys(ofUser).length, 0);
    if (devices !== owners.length * devicesEach) throw new Error(`a query of keys brought ${devices} devices`);
    return observe(setting, () => closedLoop(1, forSeconds(seconds), step));

    async function upload(device: Account): Promise<void> {
      const keys = { device_keys: new DeviceKeys(device).identity() };
      await scene.client.call('POST', `${keysPath}/upload`, device.headers, keys);
    }
  },
};

export const keyMeasures: Measure[] = [claims, queries];
