import { setTimeout as sleep } from 'node:timers/promises';
import { MatrixError } from '@ganglion/contracts';
import {
  currentScope,
  RpcCancelledError,
  RpcDeadlineError,
  RpcInternalError,
  RpcServer,
  RpcUnavailableError,
  remainingMs,
  withinScope,
} from '../src/index.js';
import { EchoDefinition, echo } from './echo.js';
import { Fixture, targetOf } from './support.js';

let fixture: Fixture;

/** What a promise is rejected with. */
function reason(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

beforeEach(() => {
  fixture = new Fixture();
});
afterEach(() => fixture.end());

describe('a call', () => {
  it('answers through a real socket as if it were a method', async () => {
    const server = await fixture.serve(async ({ text }) => ({ text: `${text} too` }));
    const client = fixture.client([targetOf(server)]);
    await expect(client.read({ text: 'hällo 🎉' })).resolves.toEqual({ text: 'hällo 🎉 too' });
    await expect(client.post({ text: 'x'.repeat(5_000_000) })).resolves.toHaveProperty('text.length', 5_000_004);
  });

  it('keeps many calls in flight on one connection apart', async () => {
    const server = await fixture.serve(async ({ text, ms = 0 }) => {
      await sleep(ms);
      return { text };
    });
    const client = fixture.client([targetOf(server)]);
    const calls = Array.from({ length: 200 }, (_, n) => client.read({ text: `${n}`, ms: (n * 7) % 20 }));
    expect((await Promise.all(calls)).map(({ text }) => Number(text))).toEqual([...calls.keys()]);
  });

  it('serves several contracts, and refuses an implementation that lacks a method', async () => {
    const server = new RpcServer({ listen: '127.0.0.1:0' });
    expect(() => server.add(EchoDefinition, { read: async () => ({ text: '' }) })).toThrow(
      'ganglion.test.v1.Echo.Put has no handler',
    );
  });

  it('refuses contracts that stream', () => {
    const read = { ...EchoDefinition.methods.read, responseStream: true } as never;
    const server = new RpcServer({ listen: '127.0.0.1:0' });
    expect(() => server.add({ ...EchoDefinition, methods: { read } }, {})).toThrow('Echo.Read streams');
  });

  it('fails when the address is taken', async () => {
    const first = await fixture.serve(async ({ text }) => ({ text }));
    const second = new RpcServer({ listen: targetOf(first) });
    await expect(second.start()).rejects.toThrow('EADDRINUSE');
  });
});

describe('a Matrix error', () => {
  const cases: [string, MatrixError][] = [
    ['forbidden', new MatrixError(403, 'M_FORBIDDEN', 'You are not invited — Zugang verweigert 🚫')],
    ['with more fields', new MatrixError(429, 'M_LIMIT_EXCEEDED', 'Slow down', { retry_after_ms: 2000, a: [1, {}] })],
    ['of an unusual status', new MatrixError(418, 'ORG.EXAMPLE.TEAPOT', '')],
    ['of a server', new MatrixError(502, 'M_UNKNOWN', 'bad gateway')],
  ];

  it.each(cases)('arrives as it was thrown: %s', async (_, thrown) => {
    const server = await fixture.serve(async () => Promise.reject(thrown));
    const error = await fixture
      .client([targetOf(server)])
      .put({ text: '' })
      .catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(MatrixError);
    expect(error).toMatchObject({ status: thrown.status, errcode: thrown.errcode, message: thrown.message });
    expect((error as MatrixError).extra).toEqual(thrown.extra);
  });

  it('that is too large loses its further fields and the end of its message, never its code', async () => {
    const thrown = new MatrixError(400, 'M_BAD_JSON', 'ü'.repeat(100_000), { huge: 'x'.repeat(100_000) });
    const server = await fixture.serve(async () => Promise.reject(thrown));
    const error = await fixture
      .client([targetOf(server)])
      .put({ text: '' })
      .catch((failure: unknown) => failure);
    expect(error).toMatchObject({ status: 400, errcode: 'M_BAD_JSON', extra: undefined });
    expect((error as Error).message).toBe('ü'.repeat(1_000));
  });

  it('with an endless errcode still arrives as a failure', async () => {
    const thrown = new MatrixError(400, 'M_'.padEnd(100_000, 'X'), 'm');
    const server = await fixture.serve(async () => Promise.reject(thrown));
    const call = fixture.client([targetOf(server)]).put({ text: '' });
    await expect(call).rejects.toMatchObject({ status: 400, errcode: 'M_'.padEnd(255, 'X') });
  });

  it('is not tried again and not logged', async () => {
    let calls = 0;
    const server = await fixture.serve(async () => {
      calls++;
      throw new MatrixError(404, 'M_NOT_FOUND', 'no such room');
    });
    await expect(fixture.client([targetOf(server)]).read({ text: '' })).rejects.toThrow('no such room');
    expect(calls).toBe(1);
    expect(fixture.log).toEqual([]);
  });
});

describe('any other error', () => {
  it('is opaque to the caller and logged at the callee', async () => {
    const server = await fixture.serve(async () => {
      throw new Error('relation "secret_table" does not exist');
    });
    const error = await fixture
      .client([targetOf(server)])
      .read({ text: '' })
      .catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(RpcInternalError);
    expect(error).toMatchObject({ code: 'INTERNAL', message: 'internal error' });
    expect(fixture.log).toHaveLength(1);
    expect(JSON.parse(fixture.log[0] ?? '')).toMatchObject({
      level: 'error',
      rpc: '/ganglion.test.v1.Echo/Read',
      err: { message: 'relation "secret_table" does not exist' },
    });
  });

  it.each([
    ['its database', Object.assign(new Error('connect ECONNREFUSED 10.0.0.7:5432'), { code: 'ECONNREFUSED' })],
    ['another service', new RpcUnavailableError('UNAVAILABLE', 'room-server at 10.0.0.7:9000 does not answer')],
  ])('says no more than that trying again makes sense when the callee lacks %s', async (_, thrown) => {
    let calls = 0;
    const server = await fixture.serve(async () => {
      calls++;
      throw thrown;
    });
    const error = await reason(fixture.client([targetOf(server)]).read({ text: '' }));
    expect(error).toBeInstanceOf(RpcUnavailableError);
    expect(String(error)).not.toContain('10.0.0.7');
    // Other replicas lack it as well, and nobody takes this one for ill.
    expect([calls, fixture.log.length]).toEqual([1, 1]);
  });

  it('includes answers that cannot be written and methods that throw at once', async () => {
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    const server = await fixture.serve({
      ...echo(async () => cycle as never),
      put: () => {
        throw new Error('at once');
      },
    });
    const client = fixture.client([targetOf(server)]);
    const failures = await Promise.all([client.read({ text: '' }), client.put({ text: '' })].map(reason));
    for (const failure of failures) {
      expect(failure).toBeInstanceOf(RpcInternalError);
      expect(failure).toHaveProperty('message', 'internal error');
    }
    expect(fixture.log).toHaveLength(2);
  });

  it('includes methods that the callee does not know', async () => {
    const server = new RpcServer({ listen: '127.0.0.1:0' });
    await server.start();
    const client = fixture.client([targetOf(server)]);
    await expect(client.read({ text: '' })).rejects.toMatchObject({ name: 'RpcInternalError', code: 'UNIMPLEMENTED' });
    await server.close();
  });
});

describe('a deadline', () => {
  it('ends a call that takes longer, and tells the callee', async () => {
    const told = Promise.withResolvers<void>();
    const server = await fixture.serve(async ({ text }) => {
      currentScope()?.signal?.addEventListener('abort', () => told.resolve());
      await told.promise;
      return { text };
    });
    const start = performance.now();
    const call = fixture.client([targetOf(server)], { deadlineMs: 200 }).read({ text: '' });
    await expect(call).rejects.toBeInstanceOf(RpcDeadlineError);
    expect(performance.now() - start).toBeGreaterThan(190);
    await told.promise;
  });

  it('counts as unavailable, for whoever answers the client', () => {
    expect(new RpcDeadlineError('DEADLINE_EXCEEDED', 'late')).toBeInstanceOf(RpcUnavailableError);
  });

  it('is seen by the callee, and by whom the callee calls', async () => {
    const seen: number[] = [];
    const last = await fixture.serve(async () => {
      seen.push(remainingMs());
      return { text: '' };
    });
    const toLast = fixture.client([targetOf(last)], { deadlineMs: 60_000 });
    const first = await fixture.serve(async (request) => {
      seen.push(remainingMs());
      await sleep(300);
      return toLast.read(request);
    });
    await fixture.client([targetOf(first)], { deadlineMs: 5_000 }).read({ text: '' });
    expect(seen[0]).toBeGreaterThan(3_000);
    expect(seen[0]).toBeLessThanOrEqual(5_000);
    expect(seen[1]).toBeLessThanOrEqual((seen[0] ?? 0) - 290);
    expect(remainingMs()).toBe(Number.POSITIVE_INFINITY);
  });

  it('of the surrounding work holds, also when it has passed already', async () => {
    let calls = 0;
    const server = await fixture.serve(async ({ text }) => {
      calls++;
      await sleep(3_000);
      return { text };
    });
    const client = fixture.client([targetOf(server)]);
    await expect(withinScope({ deadlineMs: 800 }, () => client.read({ text: '' }))).rejects.toThrow(RpcDeadlineError);
    await expect(withinScope({ deadlineMs: 0 }, () => client.read({ text: '' }))).rejects.toThrow(RpcDeadlineError);
    expect(calls).toBe(1);
  });
});

describe('giving up', () => {
  it('ends the call and tells the callee', async () => {
    const begun = Promise.withResolvers<void>();
    const told = Promise.withResolvers<void>();
    const server = await fixture.serve(async ({ text }) => {
      currentScope()?.signal?.addEventListener('abort', () => told.resolve());
      begun.resolve();
      await told.promise;
      return { text };
    });
    const client = fixture.client([targetOf(server)]);
    const controller = new AbortController();
    const call = withinScope({ signal: controller.signal }, () => client.read({ text: '' }));
    await begun.promise;
    controller.abort();
    await expect(call).rejects.toThrow(RpcCancelledError);
    await told.promise;
    await expect(withinScope({ signal: controller.signal }, () => client.read({ text: '' }))).rejects.toThrow(
      RpcCancelledError,
    );
  });
});

describe('measuring', () => {
  it('counts calls and failures of both sides by service, method and code', async () => {
    const server = await fixture.serve(async ({ text }) => {
      if (text) throw new MatrixError(403, 'M_FORBIDDEN', text);
      return { text };
    });
    const client = fixture.client([targetOf(server)]);
    await client.read({ text: '' });
    await client.read({ text: 'no' }).catch(() => {});
    await client.close();
    await client.read({ text: '' }).catch(() => {});
    const text = await fixture.metrics.render();
    const labels = 'service="ganglion.test.v1.Echo",method="Read"';
    expect(text).toContain(`ganglion_rpc_client_seconds_count{${labels}} 3`);
    expect(text).toContain(`ganglion_rpc_client_failures_total{${labels},code="PERMISSION_DENIED"} 1`);
    expect(text).toContain(`ganglion_rpc_client_failures_total{${labels},code="UNAVAILABLE"} 1`);
    expect(text).toContain(`ganglion_rpc_server_seconds_count{${labels}} 2`);
    expect(text).toContain(`ganglion_rpc_server_failures_total{${labels},code="PERMISSION_DENIED"} 1`);
  });
});
