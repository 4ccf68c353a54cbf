import { parseConfig } from '@ganglion/config';
import { MatrixError } from '@ganglion/contracts';
import { Database, migrate } from '@ganglion/database';
import { createHttpApp, type TokenVerifier } from '@ganglion/http';
import { createLogger, Metrics } from '@ganglion/telemetry';
import { testDatabase } from '@ganglion/testing';
import { pushModule } from '../../src/push.module.js';
import { createPushServer, type PushServerDependencies } from '../../src/push-server.js';
import { pushSchema } from '../../src/storage/migrations.js';
import { AccountDataFake } from './account-data.js';
import { DevicesFake } from './devices.js';

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of any shape
  readonly body: any;
}

/** Two push servers on one database. A token is `<user id> <device id>`. */
export interface Deployment {
  readonly accountData: AccountDataFake;
  readonly devices: DevicesFake;
  readonly db: Database;
  call(method: string, path: string, token: string, body?: unknown, replica?: 0 | 1): Promise<Answer>;
  close(): Promise<void>;
}

const CONFIG = parseConfig(
  JSON.stringify({
    server_names: [{ name: 'one.test' }],
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

export async function deploy(rules = { threads: false }): Promise<Deployment> {
  const database = await testDatabase();
  const accountData = new AccountDataFake();
  const devices = new DevicesFake();
  const replica = () => start(database.url, { accountData, devices, rules });
  const replicas = await Promise.all([replica(), replica()]);
  return {
    accountData,
    devices,
    db: replicas[0].db,
    async call(method, path, token, body, replica = 0) {
      const response = await fetch(`${replicas[replica].url}/_matrix/client/v3/${path}`, {
        method,
        headers: { authorization: `Bearer ${encodeURIComponent(token)}`, 'content-type': 'application/json' },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      return { status: response.status, body: await response.json() };
    },
    async close() {
      await Promise.all(replicas.map((replica) => replica.stop()));
      await database.drop();
    },
  };
}

async function start(databaseUrl: string, owners: Omit<PushServerDependencies, 'db'>) {
  const db = await Database.connect({ url: databaseUrl, max: 5, applicationName: 'test', slowStatementMs: 10_000 });
  await migrate(db, pushSchema);
  const app = await createHttpApp([pushModule(createPushServer({ db, ...owners }))], {
    config: CONFIG.http,
    tokens,
    rateLimiter: { take: async () => ({ allowed: true, retryAfterMs: 0 }) },
    health: {},
    logger: createLogger({ level: 'error' }),
    metrics: new Metrics(),
  });
  const [url = ''] = await app.listen();
  return {
    db,
    url,
    async stop() {
      await app.drain();
      await db.close();
    },
  };
}
