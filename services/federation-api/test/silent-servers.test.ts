import { UnreachableServerError } from '@ganglion/federation';
import { SilentServers } from '../src/remote/silent-servers.js';

let now = 0;
let asked = 0;
let servers: SilentServers;

beforeEach(() => {
  [now, asked] = [0, 0];
  servers = new SilentServers(() => now);
});

const silent = async () => {
  asked += 1;
  throw new UnreachableServerError('far.test', 'did not answer');
};
const ask = (work: () => Promise<unknown>) => servers.ask('far.test', work);

describe('a server that does not answer', () => {
  it('is not asked again for a while, longer each time, a minute at most', async () => {
    const at: number[] = [];
    for (; now < 200_000; now += 1_000) {
      await ask(() => {
        at.push(now);
        return silent();
      }).catch(() => undefined);
    }
    expect(at).toEqual([0, 5_000, 15_000, 35_000, 75_000, 135_000, 195_000]);
  });

  it('is told of at once, as one that did not answer', async () => {
    await expect(ask(silent)).rejects.toThrow(UnreachableServerError);
    await expect(ask(silent)).rejects.toMatchObject({ status: 504, message: 'far.test did not answer a moment ago' });
    expect(asked).toBe(1);
  });

  it('keeps nobody from asking others', async () => {
    await expect(ask(silent)).rejects.toThrow();
    expect(await servers.ask('near.test', async () => 'here')).toBe('here');
  });

  it('is asked as ever once it has answered, be it with a refusal', async () => {
    await expect(ask(silent)).rejects.toThrow(UnreachableServerError);
    now += 5_000;
    await expect(ask(async () => Promise.reject(new Error('refused')))).rejects.toThrow('refused');
    expect(await ask(async () => 'here')).toBe('here');
    await expect(ask(silent)).rejects.toThrow(UnreachableServerError);
    now += 5_000;
    expect(await ask(async () => 'here')).toBe('here');
  });
});
