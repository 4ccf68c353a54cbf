import { createHash } from 'node:crypto';
import type { Bus } from '@ganglion/bus';
import { connectJetStreamBus } from '@ganglion/bus/jetstream';
import { MatrixError, TOKENS_REVOKED } from '@ganglion/contracts';
import type { Tokens, TokensRevoked, WhoIsRequest, WhoIsResponse } from '@ganglion/contracts/user';
import { BUSES, eventually, type NatsServer, startNatsServer, type TestBus } from '@ganglion/testing';
import { jest } from '@jest/globals';
import { CachingTokenVerifier } from '../src/index.js';

const ALICES_PHONE = { userId: '@alice:one.test', deviceId: 'PHONE' };
const hashOf = (token: string) => createHash('sha256').update(token).digest();

const revocationOf = (token: string, replaced = false): TokensRevoked => ({
  ...{ tokenHashes: [hashOf(token)], replaced, userId: ALICES_PHONE.userId, deviceIds: [ALICES_PHONE.deviceId] },
});

/** The owner of tokens, who counts how often it is asked. */
class FakeTokens implements Tokens {
  readonly known = new Map<string, WhoIsResponse>();
  asked = 0;
  gate: Promise<void> = Promise.resolve();

  issue(token: string, expiresAtMs = 0, deviceId = ALICES_PHONE.deviceId): void {
    const owner = { ...ALICES_PHONE, deviceId, admin: false, guest: false, expiresAtMs };
    this.known.set(hashOf(token).toString('hex'), owner);
  }

  revoke(token: string): void {
    this.known.delete(hashOf(token).toString('hex'));
  }

  async whoIs({ tokenHash }: WhoIsRequest): Promise<WhoIsResponse> {
    this.asked += 1;
    const owner = this.known.get(Buffer.from(tokenHash).toString('hex'));
    await this.gate;
    if (owner === undefined) throw new MatrixError(401, 'M_UNKNOWN_TOKEN', 'Unknown token');
    return owner;
  }
}

describe.each(BUSES)('tokens, with the %s bus', (_, makeBus) => {
  let testBus: TestBus;
  let owner: FakeTokens;
  let replicas: CachingTokenVerifier[];

  beforeAll(async () => {
    testBus = await makeBus();
  });
  beforeEach(async () => {
    owner = new FakeTokens();
    replicas = [new CachingTokenVerifier(owner, testBus.bus), new CachingTokenVerifier(owner, testBus.bus)];
    await Promise.all(replicas.map((replica) => replica.start()));
  });
  afterEach(() => Promise.all(replicas.map((replica) => replica.stop())));
  afterAll(() => testBus.close());

  it('are asked for once, however many requests come with one', async () => {
    owner.issue('secret');
    const answers = await Promise.all(Array.from({ length: 20 }, () => replicas[0]!.verify('secret')));
    await replicas[0]!.verify('secret');
    expect(owner.asked).toBe(1);
    expect(answers[7]).toMatchObject({ userId: '@alice:one.test', deviceId: 'PHONE', tokenHash: hashOf('secret') });
  });

  it('that are revoked stop working on every replica at once', async () => {
    owner.issue('secret');
    owner.issue('other');
    for (const replica of replicas) await replica.verify('secret');
    await replicas[1]!.verify('other');
    owner.revoke('secret');
    testBus.bus.broadcast(TOKENS_REVOKED, revocationOf('secret'));
    await eventually(async () => {
      for (const replica of replicas) {
        await expect(replica.verify('secret')).rejects.toMatchObject({ status: 401, errcode: 'M_UNKNOWN_TOKEN' });
      }
    }, 2_000);
    const before = owner.asked;
    await replicas[1]!.verify('other');
    expect(owner.asked).toBe(before);
  });

  it('that are revoked while their owner is being looked up are not remembered', async () => {
    owner.issue('secret');
    const gate = Promise.withResolvers<void>();
    owner.gate = gate.promise;
    const early = replicas[0]!.verify('secret');
    owner.revoke('secret');
    testBus.bus.broadcast(TOKENS_REVOKED, revocationOf('secret'));
    await heard(testBus);
    gate.resolve();
    await early;
    await expect(replicas[0]!.verify('secret')).rejects.toMatchObject({ errcode: 'M_UNKNOWN_TOKEN' });
  });

  describe('of requests that wait', () => {
    /** As a request does that was let in; what it waits for comes when it is told. */
    async function wait(token: string, replica = replicas[0]!) {
      const { promise: work, resolve: tell } = Promise.withResolvers<string>();
      const outcome = replica.whileValid(await replica.verify(token), work).catch((error: unknown) => error);
      return { outcome, tell };
    }
    const ended = expect.objectContaining({ status: 401, errcode: 'M_UNKNOWN_TOKEN', extra: { soft_logout: false } });

    it('end them at once on every replica when they are revoked', async () => {
      owner.issue('secret');
      const waiting = await Promise.all(replicas.map((replica) => wait('secret', replica)));
      owner.revoke('secret');
      testBus.bus.broadcast(TOKENS_REVOKED, revocationOf('secret'));
      expect(await Promise.all(waiting.map(({ outcome }) => outcome))).toEqual([ended, ended]);
    });

    it('leave those of other tokens alone', async () => {
      for (const [token, device] of [['secret'], ['next'], ['elsewhere', 'LAPTOP']] as const)
        owner.issue(token, 0, device);
      const [first, next, elsewhere] = [await wait('secret'), await wait('next'), await wait('elsewhere')];
      owner.revoke('secret');
      testBus.bus.broadcast(TOKENS_REVOKED, revocationOf('secret'));
      expect(await first.outcome).toEqual(ended);
      next.tell('something new');
      elsewhere.tell('something else');
      expect([await next.outcome, await elsewhere.outcome]).toEqual(['something new', 'something else']);
    });

    it('leave them alone when the device has got a newer one, and end them when the device ends', async () => {
      owner.issue('old');
      owner.issue('new');
      const [one, other] = [await wait('old'), await wait('old')];
      owner.revoke('old');
      testBus.bus.broadcast(TOKENS_REVOKED, revocationOf('old', true));
      await heard(testBus);
      one.tell('something new');
      expect(await one.outcome).toBe('something new');
      owner.revoke('new');
      testBus.bus.broadcast(TOKENS_REVOKED, revocationOf('new'));
      expect(await other.outcome).toMatchObject({ status: 401, errcode: 'M_UNKNOWN_TOKEN' });
    });

    it('end those that were let in just before', async () => {
      owner.issue('secret');
      const requester = await replicas[0]!.verify('secret');
      owner.revoke('secret');
      testBus.bus.broadcast(TOKENS_REVOKED, revocationOf('secret'));
      await heard(testBus);
      const waiting = replicas[0]!.whileValid(requester, new Promise(() => {}));
      await expect(waiting).rejects.toMatchObject({ status: 401, errcode: 'M_UNKNOWN_TOKEN' });
    });

    it('are not asked for again as long as nothing ends', async () => {
      owner.issue('secret');
      const { outcome, tell } = await wait('secret');
      tell('something new');
      await outcome;
      expect(owner.asked).toBe(1);
    });
  });
});

/** Resolves once a broadcast that was sent now has been heard. */
async function heard({ bus }: TestBus): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const subscription = await bus.listen(TOKENS_REVOKED, () => resolve());
  bus.broadcast(TOKENS_REVOKED, { ...revocationOf(''), tokenHashes: [], deviceIds: [] });
  await promise;
  await subscription.stop();
}

/** The cache reads its clock at most once a millisecond. */
function passTo(clock: { mockReturnValue(now: number): unknown }, now: number): void {
  clock.mockReturnValue(now);
  jest.advanceTimersByTime(10);
}

describe('a token', () => {
  const bus = { listen: async () => ({ stop: async () => {} }) } as never;
  afterEach(() => {
    jest.restoreAllMocks();
    jest.useRealTimers();
  });

  it('that nobody has is asked for each time: it may be issued any moment', async () => {
    const owner = new FakeTokens();
    const verifier = new CachingTokenVerifier(owner, bus);
    await expect(verifier.verify('secret')).rejects.toMatchObject({ errcode: 'M_UNKNOWN_TOKEN' });
    owner.issue('secret');
    await expect(verifier.verify('secret')).resolves.toMatchObject({ deviceId: 'PHONE' });
  });

  it('that could not be asked for is asked for again', async () => {
    const owner = new FakeTokens();
    owner.issue('secret');
    owner.gate = Promise.reject(new Error('away'));
    const verifier = new CachingTokenVerifier(owner, bus);
    await expect(verifier.verify('secret')).rejects.toThrow('away');
    owner.gate = Promise.resolve();
    await expect(verifier.verify('secret')).resolves.toMatchObject({ deviceId: 'PHONE' });
  });

  it('is trusted for ten seconds when the news of its end is lost', async () => {
    const clock = jest.spyOn(performance, 'now').mockReturnValue(1_000);
    jest.useFakeTimers({ doNotFake: ['performance'] });
    const owner = new FakeTokens();
    owner.issue('secret');
    const verifier = new CachingTokenVerifier(owner, bus);
    await verifier.verify('secret');
    owner.revoke('secret');
    passTo(clock, 10_000);
    await expect(verifier.verify('secret')).resolves.toBeDefined();
    passTo(clock, 12_000);
    await expect(verifier.verify('secret')).rejects.toMatchObject({ errcode: 'M_UNKNOWN_TOKEN' });
  });

  it('that expires is trusted no longer than it lives', async () => {
    jest.useFakeTimers();
    const owner = new FakeTokens();
    owner.issue('secret', Date.now() + 3_000);
    const verifier = new CachingTokenVerifier(owner, bus);
    await verifier.verify('secret');
    jest.advanceTimersByTime(2_900);
    await expect(verifier.verify('secret')).resolves.toBeDefined();
    jest.advanceTimersByTime(200);
    const expired = { status: 401, errcode: 'M_UNKNOWN_TOKEN', extra: { soft_logout: true } };
    await expect(verifier.verify('secret')).rejects.toMatchObject(expired);
  });
});

describe('when NATS was away', () => {
  let nats: NatsServer;
  let bus: Bus;
  let owner: FakeTokens;
  let verifier: CachingTokenVerifier;

  beforeEach(async () => {
    // By the clock of the cache no time passes: nothing is forgotten because it is old.
    jest.spyOn(performance, 'now').mockReturnValue(1_000);
    nats = await startNatsServer();
    bus = await connectJetStreamBus({ servers: [nats.url] });
    owner = new FakeTokens();
    verifier = new CachingTokenVerifier(owner, bus);
    await verifier.start();
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await verifier.stop();
    await bus.close();
    await nats.close();
  });

  it('a log-out of that time is known as soon as it is back', async () => {
    owner.issue('secret');
    await verifier.verify('secret');
    await nats.kill();
    owner.revoke('secret');
    await nats.restart();
    await eventually(async () => {
      await expect(verifier.verify('secret')).rejects.toMatchObject({ errcode: 'M_UNKNOWN_TOKEN' });
    });
  });

  it('it ends requests that wait, when their owner is there to say so', async () => {
    owner.issue('secret');
    owner.issue('other');
    const [revoked, other] = ['secret', 'other'].map(async (token) => {
      const work = eventually(() => expect(owner.known.has(hashOf('secret').toString('hex'))).toBe(false));
      return verifier.whileValid(await verifier.verify(token), token === 'other' ? work : new Promise(() => {}));
    });
    await nats.kill();
    owner.revoke('secret');
    await nats.restart();
    await expect(revoked).rejects.toMatchObject({ status: 401, errcode: 'M_UNKNOWN_TOKEN' });
    await expect(other).resolves.toBeUndefined();
  });
});

describe('requests that wait while the bus is away', () => {
  afterEach(() => jest.useRealTimers());

  it('are looked after every ten seconds, again when the owner was away, too', async () => {
    jest.useFakeTimers({ doNotFake: ['performance'] });
    const bus = { listen: async () => ({ stop: async () => {} }), onReset: () => () => {}, connected: false };
    const owner = new FakeTokens();
    owner.issue('secret');
    const verifier = new CachingTokenVerifier(owner, bus as never);
    await verifier.start();
    let outcome: unknown = 'waits';
    const waiting = verifier.whileValid(await verifier.verify('secret'), new Promise(() => {}));
    waiting.catch((error) => {
      outcome = error;
    });
    owner.revoke('secret');
    owner.gate = Promise.reject(new Error('away'));
    await jest.advanceTimersByTimeAsync(10_000);
    expect(outcome).toBe('waits');
    bus.connected = true;
    owner.gate = Promise.resolve();
    await jest.advanceTimersByTimeAsync(10_000);
    expect(outcome).toMatchObject({ status: 401, errcode: 'M_UNKNOWN_TOKEN' });
    await verifier.stop();
  });
});
