import { createEmbeddedBus } from '@ganglion/bus';
import { type Config, type ConfigInput, parseConfig } from '@ganglion/config';
import type { RefundingRateLimiter } from '@ganglion/contracts';
import { Database, migrate } from '@ganglion/database';
import { CachingTokenVerifier, createHttpApp } from '@ganglion/http';
import { generateSigningKey, ready } from '@ganglion/protocol';
import { createLogger, Metrics } from '@ganglion/telemetry';
import { type TestBus, type TestDatabase, testDatabase } from '@ganglion/testing';
import type { RoomPorts } from '../../src/publish/room-updater.js';
import { userServerSchema } from '../../src/storage/migrations.js';
import { createUserServer, type UserServer } from '../../src/user-server.js';
import { userServerModule } from '../../src/user-server.module.js';
import { HttpClient } from './http-client.js';
import { WaitingController, WaitingModule } from './waiting.js';

export const SHARED_SECRET = 'test-shared-secret';

export const LISTENING = { listeners: [{ host: '127.0.0.1', port: 0 }], drain_seconds: 0 };

const BASE = {
  server_names: [{ name: 'one.test' }, { name: 'two.test', client_base_url: 'https://matrix.two.test' }],
  registration: { enabled: true, allow_guests: true, shared_secret: SHARED_SECRET },
  passwords: { argon2: { memory_kib: 64, passes: 1 } },
  http: LISTENING,
} satisfies ConfigInput;

export interface InstanceOptions {
  readonly config?: Partial<ConfigInput>;
  readonly rateLimiter?: RefundingRateLimiter;
  readonly rooms?: RoomPorts;
}

const UNLIMITED: RefundingRateLimiter = {
  take: async () => ({ allowed: true, retryAfterMs: 0 }),
  giveBack: async () => {},
};

/** One process' worth of user server, with its HTTP side. */
export interface Instance {
  readonly server: UserServer;
  readonly db: Database;
  readonly http: HttpClient;
  readonly url: string;
  stop(): Promise<void>;
}

/** By which our servers sign; the same keys for all that ask. */
export const signingKeys = memoized(async () => {
  await ready();
  return new Map(['one.test', 'two.test'].map((name) => [name, generateSigningKey('a_1')]));
});

function memoized<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** A database and a bus on which any number of user servers run. */
export class Deployment {
  readonly #instances: Instance[] = [];

  private constructor(
    private readonly database: TestDatabase,
    readonly testBus: TestBus,
  ) {}

  static async create(makeBus?: () => Promise<TestBus>): Promise<Deployment> {
    const bus = createEmbeddedBus();
    const testBus = makeBus ? await makeBus() : { bus, close: () => bus.close() };
    return new Deployment(await testDatabase(), testBus);
  }

  async connect(): Promise<Database> {
    const options = { url: this.database.url, max: 10, applicationName: 'test', slowStatementMs: 10_000 };
    return Database.connect(options);
  }

  async start(options: InstanceOptions = {}): Promise<Instance> {
    const { bus } = this.testBus;
    const config = configOf(options.config ?? {});
    const db = await this.connect();
    await migrate(db, userServerSchema);
    const logger = createLogger({ level: 'error' });
    const metrics = new Metrics();
    const rateLimiter = options.rateLimiter ?? UNLIMITED;
    const { rooms } = options;
    const server = createUserServer({
      ...{ config, db, bus, logger, metrics, rateLimiter, signingKeys },
      ...(rooms && { rooms }),
    });
    await server.start();
    const tokens = new CachingTokenVerifier(server.tokens, bus);
    await tokens.start();
    const { http } = config;
    const options_ = { config: http, tokens, revocations: tokens, rateLimiter, health: {}, logger, metrics };
    const app = await createHttpApp(
      [userServerModule(server), { module: WaitingModule, controllers: [WaitingController] }],
      options_,
    );
    const [url = ''] = await app.listen();
    const instance: Instance = {
      ...{ server, db, url, http: new HttpClient(url) },
      async stop() {
        await app.drain();
        await tokens.stop();
        await server.stop();
        await db.close();
      },
    };
    this.#instances.push(instance);
    return instance;
  }

  async close(): Promise<void> {
    await Promise.all(this.#instances.map((instance) => instance.stop()));
    await this.testBus.close();
    await this.database.drop();
  }
}

function configOf(changes: Partial<ConfigInput>): Config {
  return parseConfig(JSON.stringify({ ...BASE, ...changes }), '/');
}
