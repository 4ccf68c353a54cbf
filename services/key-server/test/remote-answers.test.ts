import { type JsonObject, ready } from '@ganglion/protocol';
import { CryptoDevice } from '@ganglion/testing';
import { askServers } from '../src/domain/remote-answers.js';
import { readRemoteUser } from '../src/domain/remote-keys.js';

const servers = (count: number) => new Map(Array.from({ length: count }, (_, n) => [`server-${n}.test`, n]));

beforeAll(ready);

describe('a question to very many servers', () => {
  it('is answered by all who answer, though few are asked at once', async () => {
    let [now, most] = [0, 0];
    const { answers, failures } = await askServers(servers(1_000), 60_000, async (_, n) => {
      most = Math.max(most, ++now);
      await new Promise(setImmediate);
      now--;
      if (n % 10 === 0) throw new Error('is not there');
      return n;
    });
    expect([answers.length, Object.keys(failures).length]).toEqual([900, 100]);
    expect(most).toBe(100);
  });

  it('takes no longer than one wants to wait, though none of them answers', async () => {
    const silent = () => new Promise(() => undefined);
    const { answers, failures } = await askServers(servers(1_000), 50, silent);
    expect([answers, Object.keys(failures).length]).toEqual([[], 1_000]);
  });
});

describe('a server that lists thousands of devices', () => {
  it('lets others be answered meanwhile', async () => {
    const keys = new CryptoDevice('@many:far.test', 'DEVICE').keys();
    const devices = Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`DEVICE${n}`, keys]));
    let [turns, isRead] = [0, false];
    const count = () => {
      turns++;
      if (!isRead) setImmediate(count);
    };
    count();
    await readRemoteUser('@many:far.test', {
      device_keys: { '@many:far.test': { DEVICE: keys, ...devices } },
    } as unknown as JsonObject);
    isRead = true;
    expect(turns).toBeGreaterThan(40);
  });
});
