import { createEmbeddedBus, prometheusBusMetrics } from '@ganglion/bus';
import { parseConfig } from '@ganglion/config';
import { KEY_CHANGES, KEY_COUNTS_CHANGED, MatrixError } from '@ganglion/contracts';
import type { KeyCounts, KeyLog, KeysForServers } from '@ganglion/contracts/keys';
import type { AuthenticateRequest, InteractiveAuth } from '@ganglion/contracts/user';
import { Database, migrate } from '@ganglion/database';
import { createHttpApp, type TokenVerifier } from '@ganglion/http';
import { createLogger, Metrics } from '@ganglion/telemetry';
import { testDatabase } from '@ganglion/testing';
import { createKeyServer } from '../../src/key-server.js';
import { keyServerModule } from '../../src/key-server.module.js';
import { keyServerSchema } from '../../src/storage/migrations.js';
import { DevicesFake } from './devices.js';

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of any shape
  readonly body: any;
}

/** Two key servers on one database. A token is `<user id> <device id>`. */
export interface Deployment {
  readonly databaseUrl: string;
  readonly devices: DevicesFake;
  readonly auth: AuthFake;
  readonly db: Database;
  readonly keyLog: KeyLog;
  readonly keyCounts: KeyCounts;
  readonly keysForServers: KeysForServers;
  /** Devices that were told to have other counts, as `<user id> <device id>`. */
  readonly counted: string[];
  /** What was published of changes of keys, as `<user id> <seq>`. */
  readonly published: string[];
  reconcile(userId: string, replica?: 0 | 1): Promise<void>;
  call(method: string, path: string, token: string, body?: unknown, replica?: 0 | 1): Promise<Answer>;
  close(): Promise<void>;
}

/** Lets pass whoever has the password `right`. */
export class AuthFake implements InteractiveAuth {
  readonly requests: AuthenticateRequest[] = [];

  async authenticate(request: AuthenticateRequest) {
    this.requests.push(request);
    const { auth } = JSON.parse(request.bodyJson) as { auth?: { password?: string } };
    const passed = auth?.password === 'right';
    return { challengeJson: passed ? undefined : JSON.stringify({ flows: [{ stages: ['m.login.password'] }] }) };
  }
}

const CONFIG = parseConfig(
  JSON.stringify({
    server_names: [{ name: 'one.test' }, { name: 'two.test' }],
    http: { listeners: [{ host: '127.0.0.1', port: 0 }], drain_seconds: 0 },
  }),
  '/',
);

const tokens: TokenVerifier = {
  async verify(token) {
    const [userId = '', deviceId = ''] = decodeURIComponent(token).split(' ');
    if (!userId.startsWith('@')) throw new MatrixError(401, 'M_UNKNOWN_TOKEN', 'No such token');
    return { userId, deviceId, admin: false, guest: userId.startsWith('@guest'), tokenHash: Buffer.from(token) };
  },
};

export async function deploy(): Promise<Deployment> {
  const database = await testDatabase();
  const owners = { devices: new DevicesFake(), interactiveAuth: new AuthFake() };
  const bus = createEmbeddedBus({
    metrics: prometheusBusMetrics(new Metrics()),
    logger: createLogger({ level: 'error' }),
  });
  const counted: string[] = [];
  await bus.listen(KEY_COUNTS_CHANGED, ({ devices }) => {
    counted.push(...devices.map(({ userId, deviceId }) => `${userId} ${deviceId}`));
  });
  const published: string[] = [];
  const told = await bus.consume(
    {
      stream: KEY_CHANGES,
      durable: 'test',
      key: ({ userId }) => userId,
      maxBatch: 10,
      maxAttempts: 1,
      backoffMs: [10],
    },
    async (batch) => {
      for (const { message } of batch) published.push(`${message.userId} ${message.seq}`);
    },
  );
  const start = () => startReplica(database.url, { ...owners, bus });
  const replicas = [await start(), await start()] as const;
  return {
    databaseUrl: database.url,
    devices: owners.devices,
    auth: owners.interactiveAuth,
    db: replicas[0].db,
    keyLog: replicas[0].server.keyLog,
    keyCounts: replicas[0].server.keyCounts,
    keysForServers: replicas[0].server.keysForServers,
    counted,
    published,
    reconcile: (userId, replica = 0) => replicas[replica].server.endedDevices.reconcile(userId),
    async call(method, path, token, body, replica = 0) {
      const response = await fetch(
        `${replicas[replica].url}${path.startsWith('/') ? '' : '/_matrix/client/v3/'}${path}`,
        {
          method,
          headers: { authorization: `Bearer ${encodeURIComponent(token)}`, 'content-type': 'application/json' },
          ...(body !== undefined && { body: JSON.stringify(body) }),
        },
      );
      return { status: response.status, body: await response.json() };
    },
    async close() {
      await Promise.all(replicas.map((replica) => replica.stop()));
      await told.stop();
      await bus.close();
      await database.drop();
    },
  };
}

type Owners = Pick<Parameters<typeof createKeyServer>[0], 'devices' | 'interactiveAuth' | 'bus'>;

/** Nobody else can be asked. */
const remoteQueries = {
  queryUserKeys: async () => unreachable(),
  claimUserKeys: async () => unreachable(),
};
const roomIntake = { listSharingUsers: async () => ({ users: [] }) };

function unreachable(): never {
  throw new MatrixError(502, 'M_UNKNOWN', 'The server could not be asked');
}

/** One replica on a database. */
export async function startReplica(databaseUrl: string, owners: Owners) {
  const logger = createLogger({ level: 'error' });
  const db = await Database.connect({ url: databaseUrl, max: 8, applicationName: 'test', slowStatementMs: 10_000 });
  await migrate(db, keyServerSchema);
  const server = createKeyServer({ config: CONFIG, db, logger, roomIntake, remoteQueries, ...owners });
  await server.start();
  const app = await createHttpApp([keyServerModule(server)], {
    config: CONFIG.http,
    tokens,
    rateLimiter: { take: async () => ({ allowed: true, retryAfterMs: 0 }) },
    health: {},
    logger,
    metrics: new Metrics(),
  });
  const [url = ''] = await app.listen();
  return {
    db,
    url,
    server,
    async stop() {
      await app.drain();
      await server.stop();
      await db.close();
    },
  };
}
