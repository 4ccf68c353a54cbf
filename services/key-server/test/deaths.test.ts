import { once } from 'node:events';
import { ready } from '@ganglion/protocol';
import { CryptoDevice, eventually } from '@ganglion/testing';
import { spawnTypeScript, type TestProcess } from '../../../libs/testing/src/child-process.js';
import { type Deployment, deploy } from './support/deployment.js';

let deployment: Deployment;
let child: TestProcess | undefined;

beforeAll(async () => {
  await ready();
  deployment = await deploy();
});
afterEach(() => child?.kill('SIGKILL'));
afterAll(() => deployment.close());

function startDying(at: 'publish' | 'devices', { userId, deviceId }: CryptoDevice): TestProcess {
  const script = new URL('./processes/dying-replica.ts', import.meta.url);
  child = spawnTypeScript(script, [deployment.databaseUrl, at, userId, deviceId]);
  return child;
}

async function death({ process: dying }: TestProcess): Promise<void> {
  if (dying.signalCode === null) await once(dying, 'exit');
  expect(dying.signalCode).toBe('SIGKILL');
}

const tokenOf = ({ userId, deviceId }: CryptoDevice) => `${userId} ${deviceId}`;

async function publishedDevices(of: CryptoDevice): Promise<string[]> {
  const { body } = await deployment.call('POST', 'keys/query', '@bob:one.test X', { device_keys: { [of.userId]: [] } });
  return Object.keys(body.device_keys[of.userId]);
}

it('a change of keys is told of though its key server is killed when it has committed it', async () => {
  const phone = new CryptoDevice('@carol:one.test', 'PHONE');
  const dying = startDying('publish', phone);
  const url = (await dying.line('listening ')).slice('listening '.length);
  const upload = fetch(`${url}/_matrix/client/v3/keys/upload`, {
    method: 'POST',
    headers: { authorization: `Bearer ${encodeURIComponent(tokenOf(phone))}`, 'content-type': 'application/json' },
    body: JSON.stringify({ device_keys: phone.keys() }),
  });
  // It may have been answered, or cut off.
  await upload.then(({ body }) => body?.cancel()).catch(() => {});
  await death(dying);
  expect(await publishedDevices(phone)).toEqual(['PHONE']);
  await eventually(() => expect(deployment.published).toContain(`${phone.userId} 1`));
  await eventually(async () => {
    const { rows } = await deployment.db.query({ text: 'SELECT 1 FROM key_server.outbox' });
    expect(rows).toEqual([]);
  });
});

it('what is told at once does not wait in the outbox', async () => {
  const phone = new CryptoDevice('@dan:one.test', 'PHONE');
  deployment.devices.begin(phone.userId, 'PHONE');
  await deployment.call('POST', 'keys/upload', tokenOf(phone), { device_keys: phone.keys() });
  await eventually(async () => {
    const { rows } = await deployment.db.query({ text: 'SELECT 1 FROM key_server.outbox' });
    expect(rows).toEqual([]);
  });
  expect(deployment.published.filter((change) => change.startsWith(phone.userId))).toEqual([`${phone.userId} 1`]);
});

it('the keys of a device that was logged out go though the key server that heard of it is killed', async () => {
  const phone = new CryptoDevice('@erin:one.test', 'PHONE');
  deployment.devices.begin(phone.userId, 'PHONE');
  const keys = { device_keys: phone.keys(), one_time_keys: phone.oneTimeKeys(2), fallback_keys: phone.fallbackKey() };
  await deployment.call('POST', 'keys/upload', tokenOf(phone), keys);
  const dying = startDying('devices', phone);
  await death(dying);
  expect(await publishedDevices(phone)).toEqual(['PHONE']);
  // Nobody broadcasts it: the log alone tells.
  deployment.devices.end(phone.userId, 'PHONE');
  await eventually(async () => expect(await publishedDevices(phone)).toEqual([]));
  for (const table of ['one_time_keys', 'fallback_keys']) {
    const { rows } = await deployment.db.query({
      text: `SELECT 1 FROM key_server.${table} WHERE user_id = $1`,
      values: [phone.userId],
    });
    expect([table, rows]).toEqual([table, []]);
  }
  await eventually(() => expect(deployment.published).toContain(`${phone.userId} 2`));
});
