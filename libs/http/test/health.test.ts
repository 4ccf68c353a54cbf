import { connectJetStreamBus } from '@ganglion/bus/jetstream';
import { Database } from '@ganglion/database';
import { eventually, startNatsServer, testDatabase } from '@ganglion/testing';
import { Draining, type HealthChecks, type HttpApp } from '../src/index.js';
import { testApp } from './support/test-app.js';

async function healthOf(app: HttpApp, path: string) {
  const answer = await app.operators.inject(`/health/${path}`);
  return { status: answer.statusCode, body: answer.json() };
}

async function withApp(health: HealthChecks, run: (app: HttpApp, draining: Draining) => Promise<void>): Promise<void> {
  const draining = new Draining();
  const app = await testApp([], { health, draining });
  await run(app, draining);
  await app.drain();
}

describe('to clients, /health', () => {
  it('says whether the process wants requests, and asks nobody', async () => {
    const checks = { database: () => Promise.reject(new Error('10.0.0.7 is away')) };
    await withApp(checks, async (app, draining) => {
      const ask = async (path: string) => {
        const { statusCode, body } = await app.fastify.inject(path);
        return [statusCode, body];
      };
      expect(await ask('/health')).toEqual([200, '{}']);
      draining.begin();
      expect(await ask('/health')).toEqual([503, '{}']);
      for (const path of ['/health/live', '/health/ready', '/metrics']) {
        const [status, body] = await ask(path);
        expect([path, status]).toEqual([path, 404]);
        expect(body).not.toContain('10.0.0.7');
      }
    });
  });
});

describe('to operators, /health', () => {
  it('is 200 while everything works, with a line for each check', async () => {
    await withApp({ database: async () => {}, bus: async () => {} }, async (app) => {
      const well = { status: 200, body: { database: 'ok', bus: 'ok' } };
      expect(await healthOf(app, 'live')).toEqual(well);
      expect(await healthOf(app, 'ready')).toEqual(well);
    });
  });

  it('is 503 and says what is wrong when one check fails', async () => {
    const bus = () => Promise.reject(new Error('no server answers'));
    await withApp({ database: async () => {}, bus }, async (app) => {
      const ill = { status: 503, body: { database: 'ok', bus: 'no server answers' } };
      expect(await healthOf(app, 'live')).toEqual(ill);
      expect(await healthOf(app, 'ready')).toEqual(ill);
    });
  });

  it('leaves out what whoever asks can do without, but never that it stops', async () => {
    const refuse = () => Promise.reject(new Error('no server answers'));
    await withApp({ database: refuse, bus: refuse }, async (app, draining) => {
      const without = (...names: string[]) => names.map((name) => `exclude=${name}`).join('&');
      const ill = { status: 503, body: { database: 'no server answers' } };
      expect(await healthOf(app, `ready?${without('bus')}`)).toEqual(ill);
      expect(await healthOf(app, `live?${without('bus')}`)).toEqual(ill);
      expect(await healthOf(app, `live?${without('bus', 'database')}`)).toEqual({ status: 200, body: {} });
      expect((await healthOf(app, `ready?${without('nothing', 'toString')}`)).status).toBe(503);
      draining.begin();
      const stops = await healthOf(app, `ready?${without('bus', 'database', 'draining')}`);
      expect(stops).toEqual({ status: 503, body: { draining: expect.any(String) } });
    });
  });

  it('does not wait for what never answers', async () => {
    await withApp({ bus: () => new Promise(() => {}) }, async (app) => {
      const { status, body } = await healthOf(app, 'ready');
      expect([status, body.bus]).toEqual([503, expect.stringContaining('no answer')]);
    });
  });

  it('is no longer ready, but alive, as soon as the process drains', async () => {
    await withApp({ database: async () => {} }, async (app, draining) => {
      draining.begin();
      expect((await healthOf(app, 'live')).status).toBe(200);
      expect(await healthOf(app, 'ready')).toEqual({
        status: 503,
        body: { database: 'ok', draining: expect.any(String) },
      });
    });
  });

  it('follows a real database and a real bus as they go and come back', async () => {
    const database = await testDatabase();
    const db = await Database.connect({ url: database.url, max: 2, applicationName: 'test', slowStatementMs: 10_000 });
    const nats = await startNatsServer();
    const bus = await connectJetStreamBus({ servers: [nats.url] });
    await withApp({ database: () => db.health(), bus: () => bus.health() }, async (app) => {
      expect((await healthOf(app, 'ready')).status).toBe(200);
      await nats.kill();
      await eventually(async () => {
        const { status, body } = await healthOf(app, 'live');
        expect([status, body.database]).toEqual([503, 'ok']);
        expect(body.bus).not.toBe('ok');
      });
      expect(await healthOf(app, 'ready?exclude=bus')).toEqual({ status: 200, body: { database: 'ok' } });
      await nats.restart();
      await eventually(async () => expect((await healthOf(app, 'ready')).status).toBe(200));
      await database.drop();
      await eventually(async () => {
        const { status, body } = await healthOf(app, 'live');
        expect([status, body.bus]).toEqual([503, 'ok']);
        expect(body.database).not.toBe('ok');
      });
    });
    await bus.close();
    await nats.close();
    await db.close();
  });
});
