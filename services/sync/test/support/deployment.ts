import type { Bus } from '@ganglion/bus';
import { type Config, type ConfigInput, parseConfig } from '@ganglion/config';
import type { RoomLog } from '@ganglion/contracts/room';
import { Database, migrate } from '@ganglion/database';
import { CachingTokenVerifier, createHttpApp } from '@ganglion/http';
import { createLogger, Metrics } from '@ganglion/telemetry';
import { BUSES, type TestBus, testDatabase } from '@ganglion/testing';
import { KeyCounts } from '../../src/domain/answer/key-counts.js';
import { syncSchema } from '../../src/storage/migrations.js';
import { syncModule } from '../../src/sync.module.js';
import { createSyncServer, type SyncServer } from '../../src/sync-server.js';
import { TestDevices } from './devices.js';
import { TestKeys } from './keys.js';
import { Person } from './person.js';
import { TestRooms } from './rooms.js';
import { TestTokens } from './tokens.js';
import { Trouble } from './trouble.js';
import { TestUsers } from './users.js';

/** One sync replica. */
export interface Replica {
  readonly url: string;
  readonly server: SyncServer;
  /** What a test may do to it. */
  readonly trouble: Trouble;
  /** How many requests for /sync wait. */
  waiting(): Promise<number>;
  /** Answers who waits and takes no more requests; what follows is `stop`. */
  drain(): Promise<void>;
  stop(): Promise<void>;
}

export interface ReplicaOptions {
  /** Its own view of the bus. */
  readonly bus?: Bus;
  /** Its own view of what was committed. */
  readonly roomLog?: RoomLog;
  /** It sleeps while nobody asks it, as replicas in a cluster do. */
  readonly asOneOfMany?: boolean;
  /** Users are told how reachable others are. */
  readonly presence?: boolean;
  /** The section `rooms` of its configuration. */
  readonly roomSettings?: ConfigInput['rooms'];
}

let counter = 0;

/** Nobody else has anything of these rooms. */
const NO_FURTHER_HISTORY = {
  roomIntake: { listHistoryGaps: async () => ({ gaps: [], roomVersion: '11', participating: true, backSeq: 0 }) },
  remoteRooms: {
    fetchHistory: async () => ({ pending: false }),
    fetchEventNearTime: async () => ({ pending: false }),
  },
  roomDirectory: { getVisibility: async () => ({ published: false }) },
};

/** Any number of sync replicas on one database and one bus, with rooms and users as they would find them. */
export class Deployment {
  readonly rooms: TestRooms;
  readonly users: TestUsers;
  readonly tokens: TestTokens;
  readonly devices = new TestDevices();
  readonly keys: TestKeys;
  readonly #replicas = new Set<Replica>();

  private constructor(
    readonly databaseUrl: string,
    readonly db: Database,
    readonly testBus: TestBus,
    private readonly dropDatabase: () => Promise<void>,
  ) {
    this.rooms = new TestRooms(testBus.bus);
    this.users = new TestUsers(testBus.bus);
    this.tokens = new TestTokens(testBus.bus);
    this.keys = new TestKeys(testBus.bus);
  }

  static async create(makeBus: () => Promise<TestBus> = BUSES[0][1]): Promise<Deployment> {
    const database = await testDatabase();
    const db = await connect(database.url);
    await migrate(db, syncSchema);
    return new Deployment(database.url, db, await makeBus(), () => database.drop());
  }

  /** Starts a replica; the first one soon is the appender. */
  async start({
    bus: heard = this.testBus.bus,
    roomLog = this.rooms,
    asOneOfMany = false,
    presence = false,
    roomSettings = {},
  }: ReplicaOptions = {}): Promise<Replica> {
    const trouble = new Trouble();
    const bus = trouble.bus(heard);
    const { users, tokens } = this;
    const config = configFor(asOneOfMany ? 'jetstream' : 'embedded', presence, roomSettings);
    const connected = await connect(this.databaseUrl);
    const db = trouble.database(connected);
    const logger = createLogger({ level: 'error' });
    const metrics = new Metrics();
    const server = createSyncServer({
      ...NO_FURTHER_HISTORY,
      config,
      db,
      bus,
      logger,
      metrics,
      roomLog,
      userLog: users,
      users,
      accountData: users,
      devices: this.devices,
      keyLog: this.keys,
    });
    await server.start();
    const revocations = new CachingTokenVerifier(tokens, heard);
    await revocations.start();
    const app = await createHttpApp(
      [syncModule(server, config, new KeyCounts({ countKeys: async () => ({ counts: [] }) }))],
      {
        ...{ config: config.http, tokens, revocations, health: {}, logger, metrics },
        rateLimiter: { take: async () => ({ allowed: true, retryAfterMs: 0 }) },
      },
    );
    const [url = ''] = await app.listen();
    let drained: Promise<void> | undefined;
    const drain = () => {
      drained ??= app.drain();
      return drained;
    };
    const replica = {
      ...{ url, server, trouble, drain },
      waiting: async () => Number(/^ganglion_sync_waiting_requests (\d+)/m.exec(await metrics.render())?.[1]),
      stop: async () => {
        this.#replicas.delete(replica);
        trouble.isCutOff = false;
        await drain();
        await revocations.stop();
        await server.stop();
        await connected.close();
      },
    };
    this.#replicas.add(replica);
    return replica;
  }

  /** Somebody new who uses a replica. */
  person(name: string, replica: Replica): Person {
    counter += 1;
    return new Person(`@${name}-${counter}:one.test`, replica.url);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#replicas].map((replica) => replica.stop()));
    await this.db.close();
    await this.testBus.close();
    await this.dropDatabase();
  }
}

function connect(url: string): Promise<Database> {
  return Database.connect({ url, max: 5, applicationName: 'test', slowStatementMs: 10_000 });
}

function configFor(kind: Config['bus']['kind'], enabled: boolean, rooms: ConfigInput['rooms']): Config {
  return parseConfig(
    JSON.stringify({
      bus: { kind },
      server_names: [{ name: 'one.test' }],
      http: { listeners: [{ host: '127.0.0.1', port: 0 }], drain_seconds: 0 },
      sync: { recent_events_per_room: 20 },
      // Who waits for something else is not to be woken by others who come and go.
      presence: { enabled },
      rooms,
    }),
    '/',
  );
}
