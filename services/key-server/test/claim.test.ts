import { ready } from '@ganglion/protocol';
import { CryptoDevice, spawnTypeScript } from '@ganglion/testing';
import { type Deployment, deploy } from './support/deployment.js';

let deployment: Deployment;
let counter = 0;
let phone: CryptoDevice;

beforeAll(async () => {
  await ready();
  deployment = await deploy();
});
afterAll(() => deployment.close());
beforeEach(async () => {
  counter += 1;
  phone = new CryptoDevice(`@alice-${counter}:one.test`, 'PHONE');
  deployment.devices.begin(phone.userId, 'PHONE');
  await upload({ device_keys: phone.keys() });
});

const tokenOf = ({ userId, deviceId }: CryptoDevice) => `${userId} ${deviceId}`;
const upload = (body: object, replica?: 0 | 1) => deployment.call('POST', 'keys/upload', tokenOf(phone), body, replica);
const claim = async (algorithm = 'signed_curve25519', replica?: 0 | 1) => {
  const wanted = { one_time_keys: { [phone.userId]: { PHONE: algorithm } } };
  const { body } = await deployment.call('POST', 'keys/claim', '@bob:one.test TV', wanted, replica);
  return body.one_time_keys[phone.userId]?.PHONE;
};
const counts = async () => {
  const { keyCounts } = deployment;
  const { counts } = await keyCounts.countKeys({ devices: [phone] });
  const { oneTimeKeys = [], unusedFallbackAlgorithms = [] } = counts[0] ?? {};
  return {
    oneTimeKeys: Object.fromEntries(oneTimeKeys.map((of) => [of.algorithm, of.count])),
    unusedFallbackAlgorithms,
  };
};

describe('one-time keys', () => {
  it('are given out in the order of their uploads, once each', async () => {
    const [first, second] = [phone.oneTimeKeys(1), phone.oneTimeKeys(1)];
    await upload({ one_time_keys: first });
    await upload({ one_time_keys: second });
    expect([await claim(), await claim(), await claim()]).toEqual([first, second, undefined]);
  });

  it('are counted', async () => {
    const { body } = await upload({ one_time_keys: { ...phone.oneTimeKeys(3), 'other:1': 'any text' } });
    expect(body).toEqual({ one_time_key_counts: { signed_curve25519: 3, other: 1 } });
    await claim();
    expect(await counts()).toMatchObject({ oneTimeKeys: { signed_curve25519: 2, other: 1 } });
    expect(await claim('other')).toEqual({ 'other:1': 'any text' });
    expect((await upload({})).body).toEqual({ one_time_key_counts: { signed_curve25519: 2 } });
  });

  it('may be uploaded twice, also when they have been given out meanwhile, and are not given out again', async () => {
    const keys = phone.oneTimeKeys(3);
    await upload({ one_time_keys: keys });
    const given = await claim();
    expect((await upload({ one_time_keys: keys })).body).toEqual({ one_time_key_counts: { signed_curve25519: 2 } });
    const rest = { ...(await claim()), ...(await claim()) };
    expect({ ...given, ...rest }).toEqual(keys);
    expect(await claim()).toBeUndefined();
  });

  it('may be signed anew', async () => {
    const [[id = '', key] = []] = Object.entries(phone.oneTimeKeys(1));
    await upload({ one_time_keys: { [id]: key } });
    const { signatures: _, ...unsigned } = key as Record<string, unknown>;
    expect((await upload({ one_time_keys: { [id]: phone.sign({ ...unsigned, more: 1 }) } })).status).toBe(200);
  });

  it('are not replaced by others of the same id', async () => {
    const keys = phone.oneTimeKeys(1);
    const [id = ''] = Object.keys(keys);
    await upload({ one_time_keys: keys });
    const other = Object.values(phone.oneTimeKeys(1))[0];
    const { status, body } = await upload({ one_time_keys: { ...phone.oneTimeKeys(1), [id]: other } });
    expect([status, body.errcode]).toEqual([400, 'M_INVALID_PARAM']);
    expect([await claim(), await claim()]).toEqual([keys, undefined]);
  });

  it('are given out once each while they are uploaded', async () => {
    const keys = Array.from({ length: 40 }, () => phone.oneTimeKeys(1));
    const uploads = keys.map((key, i) => upload({ one_time_keys: key }, (i % 2) as 0 | 1));
    const claims = Array.from({ length: 60 }, (_, i) => claim(undefined, (i % 2) as 0 | 1));
    await Promise.all(uploads);
    const given = (await Promise.all(claims)).filter((key) => key !== undefined);
    for (let key = await claim(); key !== undefined; key = await claim()) given.push(key);
    expect(given.flatMap(Object.keys).sort()).toEqual(keys.flatMap(Object.keys).sort());
  });

  it('keep the fallback key unused until the last of them is claimed, by two replicas at once', async () => {
    const keys = phone.oneTimeKeys(40);
    const fallback = phone.fallbackKey();
    await upload({ one_time_keys: keys, fallback_keys: fallback });
    const given = await Promise.all(Array.from({ length: 40 }, (_, n) => claim(undefined, (n % 2) as 0 | 1)));
    expect(given.flatMap(Object.keys).toSorted()).toEqual(Object.keys(keys).toSorted());
    expect(await counts()).toEqual({ oneTimeKeys: {}, unusedFallbackAlgorithms: ['signed_curve25519'] });
    expect(await claim()).toEqual(fallback);
    expect((await counts()).unusedFallbackAlgorithms).toEqual([]);
  });

  it('1,000 claims against 500 keys from 4 processes give 500 distinct keys and then the fallback', async () => {
    const keys = phone.oneTimeKeys(500);
    const fallback = phone.fallbackKey();
    await upload({ one_time_keys: keys, fallback_keys: fallback });
    const args = [deployment.databaseUrl, phone.userId, 'PHONE', '250', String(Date.now() + 2_000)];
    const file = new URL('./support/claimer.ts', import.meta.url);
    const claimers = Array.from({ length: 4 }, () => spawnTypeScript(file, args));
    const lines = await Promise.all(claimers.map((claimer) => claimer.line('got ')));
    const got = lines.flatMap((line) => JSON.parse(line.slice('got '.length)) as string[]);
    const idOf = (name: string) => name.slice(name.indexOf(':') + 1);
    const oneTime = got.filter((id) => !id.startsWith('fallback '));
    expect(oneTime.sort()).toEqual(Object.keys(keys).map(idOf).sort());
    expect(got.filter((id) => id.startsWith('fallback '))).toEqual(
      Array(500).fill(`fallback ${idOf(Object.keys(fallback)[0]!)}`),
    );
  }, 120_000);
});

describe('a fallback key', () => {
  it('is given out when there is no other, again and again, and is used then', async () => {
    const [key, fallback] = [phone.oneTimeKeys(1), phone.fallbackKey()];
    await upload({ one_time_keys: key, fallback_keys: fallback });
    expect(await counts()).toEqual({
      oneTimeKeys: { signed_curve25519: 1 },
      unusedFallbackAlgorithms: ['signed_curve25519'],
    });
    expect(await claim()).toEqual(key);
    expect((await counts()).unusedFallbackAlgorithms).toEqual(['signed_curve25519']);
    expect([await claim(), await claim()]).toEqual([fallback, fallback]);
    expect(await counts()).toEqual({ oneTimeKeys: {}, unusedFallbackAlgorithms: [] });
  });

  it('is unused again when it is replaced, and not when it is uploaded twice', async () => {
    const [first, second] = [phone.fallbackKey(), phone.fallbackKey()];
    await upload({ fallback_keys: first });
    await claim();
    await upload({ fallback_keys: first });
    expect((await counts()).unusedFallbackAlgorithms).toEqual([]);
    await upload({ fallback_keys: second });
    expect((await counts()).unusedFallbackAlgorithms).toEqual(['signed_curve25519']);
    expect(await claim()).toEqual(second);
  });
});

describe('who counts keys', () => {
  it('is told to count again when some come and when some go', async () => {
    deployment.counted.length = 0;
    await upload({ one_time_keys: phone.oneTimeKeys(1) });
    await claim();
    await claim();
    expect(deployment.counted).toEqual([tokenOf(phone), tokenOf(phone)]);
  });
});

describe('a claim', () => {
  it('tells of servers that cannot be asked, and of nobody who is not known', async () => {
    const wanted = { one_time_keys: { '@far:away.test': { TV: 'x' }, '@nobody:one.test': { TV: 'x' } } };
    const { status, body } = await deployment.call('POST', 'keys/claim', tokenOf(phone), wanted);
    expect([status, body.one_time_keys]).toEqual([200, {}]);
    expect(Object.keys(body.failures)).toEqual(['away.test']);
  });

  it.each([
    ['devices that are no object', { one_time_keys: { '@bob:one.test': ['TV'] } }],
    ['an algorithm that is no text', { one_time_keys: { '@bob:one.test': { TV: 1 } } }],
    ['NUL', { one_time_keys: { '@bob:one.test': { '\0': 'x' } } }],
    ['a user id that is none', { one_time_keys: { bob: {} } }],
    ['nothing', {}],
  ])('refuses %s', async (_, body) => {
    const answer = await deployment.call('POST', 'keys/claim', tokenOf(phone), body);
    expect([answer.status, answer.body.errcode]).toEqual([400, 'M_BAD_JSON']);
  });
});
