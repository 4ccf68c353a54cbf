import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConfigInput, parseConfig } from '@ganglion/config';
import { MatrixError } from '@ganglion/contracts';
import type { GetServerKeysResponse, ServerKeyRing } from '@ganglion/contracts/federation';
import type { LoggedEvent, RoomEvents, RoomLog } from '@ganglion/contracts/room';
import type { Users } from '@ganglion/contracts/user';
import { Database, migrate } from '@ganglion/database';
import { FederationAgent, RequestAuthentication } from '@ganglion/federation';
import { createHttpApp, type TokenVerifier } from '@ganglion/http';
import { generateSigningKey, ready } from '@ganglion/protocol';
import { createLogger, Metrics } from '@ganglion/telemetry';
import { testDatabase } from '@ganglion/testing';
import { RemoteFileError, type RemoteSource } from '../../src/domain/ports/remote-source.js';
import { mediaModule } from '../../src/media.module.js';
import { createMediaServer, type MediaServerDependencies } from '../../src/media-server.js';
import { openByteStore } from '../../src/storage/byte-stores.js';
import { mediaSchema } from '../../src/storage/migrations.js';

/** Media servers on one database and one folder. A token is a user id. */
export interface Deployment {
  readonly db: Database;
  readonly databaseUrl: string;
  readonly folder: string;
  readonly surroundings: Surroundings;
  /** The URL of one more replica. */
  replica(media?: ConfigInput['media'], others?: Partial<MediaServerDependencies>): Promise<string>;
  close(): Promise<void>;
}

const tokens: TokenVerifier = {
  async verify(token) {
    const userId = decodeURIComponent(token);
    if (!userId.startsWith('@')) throw new MatrixError(401, 'M_UNKNOWN_TOKEN', 'No such token');
    const flags = { admin: userId.startsWith('@admin'), guest: userId.startsWith('@guest') };
    return { userId, deviceId: 'PHONE', ...flags, suspended: false, tokenHash: Buffer.from(token) };
  },
};

/** What others than the media server know. */
export interface Surroundings {
  /** What rooms have as their avatars. */
  readonly roomAvatars: Set<string>;
  /** By user id. */
  readonly avatars: Map<string, string>;
  readonly erased: Set<string>;
  /** Events of rooms, as JSON, by room id. */
  readonly rooms: Map<string, string[]>;
}

function surroundings(): Surroundings & Pick<MediaServerDependencies, 'users' | 'roomLog' | 'roomSummaries'> {
  const roomAvatars = new Set<string>();
  const avatars = new Map<string, string>();
  const erased = new Set<string>();
  const rooms = new Map<string, string[]>();
  const users: Partial<Users> = {
    getProfile: async ({ userId }) => ({ profileJson: JSON.stringify({ avatar_url: avatars.get(userId) }) }),
    listErasedUsers: async ({ afterUser }) => ({ userIds: [...erased].filter((userId) => userId > afterUser).sort() }),
  };
  const roomLog: Partial<RoomLog> = {
    async getRoomEvents({ roomId, afterSeq, backfilled }) {
      const event = backfilled ? undefined : rooms.get(roomId)?.[afterSeq];
      const events = event === undefined ? [] : [{ roomSeq: afterSeq + 1, pduJson: event } as LoggedEvent];
      return { events: { roomId, events } as RoomEvents, more: events.length > 0 };
    },
  };
  const roomSummaries = {
    listRoomAvatars: async ({ candidates }: { candidates: string[] }) => ({
      uris: candidates.filter((uri) => roomAvatars.has(uri)),
    }),
  };
  const known = { users: users as Users, roomLog: roomLog as RoomLog, roomSummaries };
  return { roomAvatars, avatars, erased, rooms, ...known };
}

/** Who knows no server but one, whose key tests have. */
export const FAR = 'far.test';
await ready();
export const FAR_KEY = generateSigningKey('1');
const strangers: Pick<ServerKeyRing, 'getServerKeys'> = {
  async getServerKeys() {
    const keys = [{ keyId: FAR_KEY.keyId, publicKey: FAR_KEY.publicKey, validUntilTs: Date.now() + 60_000 }];
    return { servers: [{ serverName: FAR, keys }] } as unknown as GetServerKeysResponse;
  },
};

export async function deploy(): Promise<Deployment> {
  const database = await testDatabase();
  const folder = await mkdtemp(join(tmpdir(), 'ganglion-media-'));
  const db = await connect(database.url);
  await migrate(db, mediaSchema);
  const around = surroundings();
  const stops: (() => Promise<void>)[] = [];
  return {
    db,
    databaseUrl: database.url,
    folder,
    surroundings: around,
    async replica(media, others) {
      const { url, stop } = await startReplica(database.url, folder, media, { ...around, ...others });
      stops.push(stop);
      return url;
    },
    async close() {
      for (const stop of stops) await stop();
      await db.close();
      await database.drop();
      await rm(folder, { recursive: true });
    },
  };
}

/** One replica of a media server. */
export async function startReplica(
  databaseUrl: string,
  folder: string,
  media: ConfigInput['media'] = {},
  others: Partial<MediaServerDependencies> = {},
): Promise<{ url: string; stop: () => Promise<void> }> {
  const db = await connect(databaseUrl);
  const config = parseConfig(
    JSON.stringify({
      server_names: [{ name: 'one.test' }, { name: 'two.test' }],
      http: { listeners: [{ host: '127.0.0.1', port: 0 }], drain_seconds: 0 },
      media: { folder_dir: folder, ...media },
    }),
    '/',
  );
  const logger = createLogger({ level: 'silent' });
  const { users, roomLog, roomSummaries } = surroundings();
  const nowhere: RemoteSource = {
    open: async () => {
      throw new RemoteFileError('unreachable');
    },
  };
  const server = createMediaServer({
    ...{ config, db, logger, users, roomLog, roomSummaries, sweepEveryMs: 100 },
    remoteSource: nowhere,
    authentication: new RequestAuthentication(
      ['one.test', 'two.test'],
      new FederationAgent({ config: config.federation, signingKeys: new Map() }).policy,
      strangers,
    ),
    bytes: await openByteStore(config.media),
    ...others,
  });
  const app = await createHttpApp([mediaModule(server)], {
    config: config.http,
    tokens,
    rateLimiter: { take: async () => ({ allowed: true, retryAfterMs: 0 }) },
    health: {},
    logger,
    metrics: new Metrics(),
  });
  server.start();
  const [url = ''] = await app.listen();
  return {
    url,
    async stop() {
      await app.drain();
      await server.stop();
      await db.close();
    },
  };
}

function connect(url: string): Promise<Database> {
  return Database.connect({ url, max: 5, applicationName: 'test', slowStatementMs: 10_000 });
}
