import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bus, createEmbeddedBus } from '@ganglion/bus';
import { type ConfigInput, parseConfig, SERVICE_NAMES } from '@ganglion/config';
import type { RefundingRateLimiter } from '@ganglion/contracts';
import type { Database } from '@ganglion/database';
import { CachingTokenVerifier, createHttpApp, type HttpApp } from '@ganglion/http';
import type { SigningKey } from '@ganglion/protocol';
import type { ServiceDefinition } from '@ganglion/rpc';
import { type TestDatabase, testDatabase } from '@ganglion/testing';
import { composeServices } from '../../src/composition/compose-services.js';
import { layFoundation } from '../../src/composition/foundation.js';
import { migrateAll } from '../../src/composition/migrate.js';
import { RemoteServices } from '../../src/composition/remote-services.js';
import { makeMissingSigningKeys } from '../../src/signing-key-file.js';

/** Everything in this process, as clients reach it over HTTP. */
export interface Replica {
  readonly url: string;
  readonly routes: HttpApp['routes'];
  readonly db: Database;
  readonly signingKeys: ReadonlyMap<string, SigningKey>;
  /** What a service of it offers the others. */
  offer<T extends object>(definition: ServiceDefinition): T;
  stop(): Promise<void>;
}

const UNHINDERED = {
  data_dir: '.',
  server_names: [{ name: 'one.test' }],
  http: { listeners: [{ host: '127.0.0.1', port: 0 }], drain_seconds: 0 },
  registration: { enabled: true, shared_secret: 'only for tests' },
  passwords: { argon2: { memory_kib: 8, passes: 1 } },
  rate_limits: { enabled: false },
  telemetry: { log: { level: 'silent' } },
} as const satisfies ConfigInput;

/** What endpoints need to have an example: e-mails that wait for a mail server for ever, an identity server that cannot be reached, a page of help, calls. */
export const WITH_EMAIL = {
  http: { ...UNHINDERED.http, public_base_url: 'https://one.test' },
  voip: { turn_uris: ['turn:turn.one.test'], turn_shared_secret: 'only for tests' },
  support: { page: 'https://one.test/help' },
  identity_servers: { allowed: ['127.0.0.1:1'] },
  account_validity: { period_ms: 365 * 86_400_000 },
  email: { smtp: { host: '127.0.0.1', port: 1, tls: 'none' }, from: 'noreply@one.test' },
} as const satisfies Partial<ConfigInput>;

/** A homeserver of one or more replicas in this process, on a database and a bus of its own. */
export class Homeserver {
  readonly #replicas: Replica[] = [];

  private constructor(
    private readonly database: TestDatabase,
    private readonly folder: string,
    private readonly bus: Bus,
  ) {}

  /** Of a new database, or of one that was prepared. */
  static async create(prepare: (databaseUrl: string) => Promise<void> = async () => {}): Promise<Homeserver> {
    const folder = await mkdtemp(join(tmpdir(), 'ganglion-homeserver-'));
    const database = await testDatabase();
    await prepare(database.url);
    return new Homeserver(database, folder, createEmbeddedBus());
  }

  /** One more replica, with settings in the place of what tests usually have, and a rate limiter of the test's own. */
  async start(settings: Partial<ConfigInput> = {}, ownLimiter?: RefundingRateLimiter): Promise<Replica> {
    const database = { url: this.database.url };
    const config = parseConfig(JSON.stringify({ ...UNHINDERED, database, ...settings }), this.folder);
    await makeMissingSigningKeys(config.server_names);
    await migrateAll(config);
    const laid = await layFoundation(config, SERVICE_NAMES);
    const foundation = { ...laid, bus: this.bus, rateLimiter: ownLimiter ?? laid.rateLimiter };
    const remote = new RemoteServices(config, foundation.metrics);
    const composed = await composeServices(foundation, SERVICE_NAMES, remote);
    if (composed.tokens === undefined) throw new Error('nobody knows whose a token is');
    const tokens = new CachingTokenVerifier(composed.tokens, this.bus);
    await tokens.start();
    for (const part of composed.parts) await part.start();
    const health = {};
    const app = await createHttpApp(composed.modules, {
      ...foundation,
      config: config.http,
      tokens,
      revocations: tokens,
      health,
    });
    const [url = ''] = await app.listen();
    const replica: Replica = {
      ...{ url, routes: app.routes, db: foundation.db, signingKeys: await laid.signingKeys() },
      offer: <T extends object>({ fullName }: ServiceDefinition) =>
        composed.offers.find(({ definition }) => definition.fullName === fullName)!.implementation as T,
      async stop() {
        await app.drain();
        for (const part of composed.parts.toReversed()) await part.stop();
        await tokens.stop();
        await foundation.close();
      },
    };
    this.#replicas.push(replica);
    return replica;
  }

  async close(): Promise<void> {
    for (const replica of this.#replicas) await replica.stop();
    await this.bus.close();
    await this.database.drop();
    await rm(this.folder, { recursive: true });
  }
}
