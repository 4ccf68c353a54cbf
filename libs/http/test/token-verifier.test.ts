import { createHash } from 'node:crypto';
import type { Bus } from '@ganglion/bus';
import { connectJetStreamBus } from '@ganglion/bus/jetstream';
import { MatrixError, TOKENS_REVOKED } from '@ganglion/contracts';
import type { Tokens, WhoIsRequest, WhoIsResponse } from '@ganglion/contracts/user';
import { BUSES, eventually, type NatsServer, startNatsServer, type TestBus } from '@ganglion/testing';
import { jest } from '@jest/globals';
import { CachingTokenVerifier } from '../src/index.js';

const hashOf = (token: string) => createHash('sha256').update(token).digest();

/** The owner of tokens, who counts how often it is asked. */
class FakeTokens implements Tokens {
  readonly known = new Map<string, WhoIsResponse>();
  asked = 0;
  gate: Promise<void> = Promise.resolve();

  issue(token: string, expiresAtMs = 0): void {
    const owner = { userId: '@alice:one.test', deviceId: 'PHONE', admin: false, guest: false, expiresAtMs };
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
    testBus.bus.broadcast(TOKENS_REVOKED, { tokenHashes: [hashOf('secret')] });
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
    testBus.bus.broadcast(TOKENS_REVOKED, { tokenHashes: [hashOf('secret')] });
    await heard(testBus);
    gate.resolve();
    await early;
    await expect(replicas[0]!.verify('secret')).rejects.toMatchObject({ errcode: 'M_UNKNOWN_TOKEN' });
  });
});

/** Resolves once a broadcast that was sent now has been heard. */
async function heard({ bus }: TestBus): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const subscription = await bus.listen(TOKENS_REVOKED, () => resolve());
  bus.broadcast(TOKENS_REVOKED, { tokenHashes: [] });
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
});
