import type { Bus } from '@ganglion/bus';
import { createEmbeddedBus } from '@ganglion/bus';
import { type Config, parseConfig } from '@ganglion/config';
import { Database, migrate } from '@ganglion/database';
import { ready, type SigningKey, signingKeyFromSeed } from '@ganglion/protocol';
import { createLogger, Metrics } from '@ganglion/telemetry';
import { type TestBus, type TestDatabase, testDatabase } from '@ganglion/testing';
import { createRoomServer, type RoomServer } from '../../src/room-server.js';
import { roomServerSchema } from '../../src/storage/migrations.js';

/** Names that this deployment hosts. */
const SERVER_NAMES = ['one.test', 'two.test'] as const;

const config: Config = parseConfig(JSON.stringify({ server_names: SERVER_NAMES.map((name) => ({ name })) }), '/');

async function signingKeys(): Promise<Map<string, SigningKey>> {
  await ready();
  return new Map(
    SERVER_NAMES.map((name, index) => [name, signingKeyFromSeed('a', new Uint8Array(32).fill(index + 1))]),
  );
}

/** Nobody has done anything wrong, and whoever is among these was erased. */
export const erased = new Set<string>();
const accounts = {
  getAccountStatus: async () => ({ ended: false, locked: false, suspended: false }),
  listErasedUsers: async () => ({ userIds: [...erased] }),
};

/** One process' worth of room server. */
export interface Replica extends RoomServer {
  readonly db: Database;
  readonly metrics: Metrics;
}

/** A database and a bus on which any number of room servers run. */
export class RoomServers {
  readonly #replicas: Replica[] = [];

  private constructor(
    readonly database: Pick<TestDatabase, 'url' | 'drop'>,
    readonly testBus: TestBus,
    readonly keys: ReadonlyMap<string, SigningKey>,
  ) {}

  static async create(makeBus?: () => Promise<TestBus>): Promise<RoomServers> {
    const bus = createEmbeddedBus();
    const testBus = makeBus ? await makeBus() : { bus, close: () => bus.close() };
    return new RoomServers(await testDatabase(), testBus, await signingKeys());
  }

  /** On a database that another process has made. */
  static async on(url: string): Promise<RoomServers> {
    const bus = createEmbeddedBus();
    return new RoomServers({ url, drop: async () => {} }, { bus, close: () => bus.close() }, await signingKeys());
  }

  connect(applicationName = 'test'): Promise<Database> {
    return Database.connect({ url: this.database.url, max: 10, applicationName, slowStatementMs: 10_000 });
  }

  async start({ bus = this.testBus.bus, applicationName = 'test' }: { bus?: Bus; applicationName?: string } = {}) {
    const db = await this.connect(applicationName);
    await migrate(db, roomServerSchema);
    const logger = createLogger({ level: 'silent' });
    const metrics = new Metrics();
    const server = createRoomServer({ config, db, bus, logger, metrics, accounts, signingKeys: this.keys });
    const replica: Replica = { ...server, db, metrics };
    this.#replicas.push(replica);
    return replica;
  }

  async close(): Promise<void> {
    await Promise.all(this.#replicas.map((replica) => replica.stop().catch(() => {})));
    await Promise.all(this.#replicas.map((replica) => replica.db.close()));
    await this.testBus.close();
    await this.database.drop();
  }
}
