import type { Bus } from '@ganglion/bus';
import type { Config } from '@ganglion/config';
import type { RefundingRateLimiter } from '@ganglion/contracts';
import type { AccountData, Devices, InteractiveAuth, Tokens, UserLog, Users } from '@ganglion/contracts/user';
import { checkSchema, type Database, markAnew } from '@ganglion/database';
import { IdentityAgent } from '@ganglion/identity';
import { OutboxPublisher, Periodically } from '@ganglion/service';
import type { Logger, Metrics } from '@ganglion/telemetry';
import type { Provider } from '@nestjs/common';
import { GuestAccess } from './consumers/guest-access.js';
import { RoomSuccessions } from './consumers/room-successions.js';
import type { ProfilesElsewhere } from './domain/ports.js';
import { createDomainObjects } from './domain-objects.js';
import { httpProviders } from './http/providers.js';
import { PostOffice } from './mail/post-office.js';
import { Smtp } from './mail/smtp.js';
import { Templates } from './mail/templates.js';
import { Announcer } from './publish/announcer.js';
import { type RoomPorts, RoomUpdater } from './publish/room-updater.js';
import { userOutbox } from './publish/user-outbox.js';
import { RemoteIdentityServers, type SigningKeys } from './remote/remote-identity-servers.js';
import { AccountDataService } from './rpc/account-data.js';
import { DevicesService } from './rpc/devices.js';
import { InteractiveAuthService } from './rpc/interactive-auth.js';
import { TokensService } from './rpc/tokens.js';
import { UserLogService } from './rpc/user-log.js';
import { UsersService } from './rpc/users.js';
import { DEVICE_MARKS } from './storage/device-log-store.js';
import { removeExpired } from './storage/expiry.js';
import { userServerSchema } from './storage/migrations.js';
import { USER_MARKS } from './storage/user-log-store.js';
import { createStores, type Stores } from './stores.js';

export interface UserServerDependencies {
  readonly config: Config;
  readonly db: Database;
  readonly bus: Bus;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly rateLimiter: RefundingRateLimiter;
  /** By which identity servers know who asks. */
  readonly signingKeys: SigningKeys;
  /** Where names, avatars and the farewells of deactivated users go. Without it, rooms hear of none of them. */
  readonly rooms?: RoomPorts;
  /** What other servers say of their users. Without it, nothing is known of them. */
  readonly profilesElsewhere?: ProfilesElsewhere;
}

/** A user server: what it offers the other services, and what its HTTP side is made of. */
export interface UserServer {
  readonly tokens: Tokens;
  readonly users: Users;
  readonly userLog: UserLog;
  readonly accountData: AccountData;
  readonly devices: Devices;
  readonly interactiveAuth: InteractiveAuth;
  /** For userServerModule. */
  readonly providers: readonly Provider[];
  /** Begins the work in the background. @throws SchemaError when the database does not fit */
  start(): Promise<void>;
  /** Ends the work in the background, and writes and publishes what is left. */
  stop(): Promise<void>;
}

const SWEEP_EVERY_MS = 1_000;
const FLUSH_EVERY_MS = 5_000;
const EXPIRE_EVERY_MS = 60_000;

/** Composes a user server. Any number of them share one database. */
export function createUserServer(dependencies: UserServerDependencies): UserServer {
  const { config, db, bus, logger, metrics, rateLimiter, rooms } = dependencies;
  const stores = createStores(db);
  const publisher = new OutboxPublisher(userOutbox(stores.outbox, metrics), bus, logger);
  const roomUpdates = rooms && new RoomUpdater(stores.roomUpdates, stores.profiles, rooms, logger);
  const visibleUsers = rooms?.roomSummaries;
  const identityAgent = new IdentityAgent(config.identity_servers);
  const identityServers = new RemoteIdentityServers(identityAgent, dependencies.signingKeys);
  const postOffice = config.email && postOfficeOf(config.email, stores, logger, metrics);
  const announcements = new Announcer(bus, publisher);
  const domain = createDomainObjects({
    config,
    stores,
    announcements,
    roomUpdates,
    visibleUsers,
    noticeRooms: rooms,
    profilesElsewhere: dependencies.profilesElsewhere,
    letterWriter: new Templates(config.email?.templates_dir),
    onLetter: () => void postOffice?.sweep().catch(() => {}),
    identityServers,
    rateLimiter,
    metrics,
  });
  const background = [
    new Periodically('publishing what was left behind', SWEEP_EVERY_MS, () => publisher.sweep(), logger),
    new Periodically('noting when devices were seen', FLUSH_EVERY_MS, () => domain.lastSeen.flush(), logger),
    new Periodically('unbinding what was left behind', SWEEP_EVERY_MS, () => domain.thirdPartyIds.sweep(), logger),
    new Periodically('forgetting what has expired', EXPIRE_EVERY_MS, () => removeExpired(db), logger),
  ];
  if (config.account_validity) {
    const work = new Periodically('renewing accounts', FLUSH_EVERY_MS, () => domain.accountValidity.sweep(), logger);
    background.push(work);
  }
  if (roomUpdates) {
    background.push(new Periodically('updating rooms', SWEEP_EVERY_MS, () => roomUpdates.sweep(), logger));
  }
  if (postOffice)
    background.push(new Periodically('sending e-mails', SWEEP_EVERY_MS, () => postOffice.sweep(), logger));
  const guestAccess =
    rooms && config.registration.allow_guests
      ? new GuestAccess(bus, rooms.rooms, rooms.roomReads, stores.accounts)
      : undefined;
  const isOurs = (serverName: string) => config.server_names.some(({ name }) => name === serverName);
  const roomSummaries = rooms?.roomSummaries;
  const successions =
    rooms && roomSummaries
      ? new RoomSuccessions(bus, { ...rooms, roomSummaries }, stores.successions, announcements, isOurs)
      : undefined;
  return {
    tokens: new TokensService(domain.owners, config.account_validity !== undefined),
    users: new UsersService(domain.profiles, domain.filters, domain.accounts),
    userLog: new UserLogService(stores.userLog),
    accountData: new AccountDataService(domain.accountData),
    devices: new DevicesService(domain.devices, stores.deviceLog, stores.accounts),
    interactiveAuth: new InteractiveAuthService(domain.uia),
    providers: httpProviders(domain, config),
    async start() {
      await checkSchema(db, userServerSchema);
      await markAnew(db, USER_MARKS);
      await markAnew(db, DEVICE_MARKS);
      // Before anybody is told that an account has expired.
      await domain.accountValidity.resume();
      for (const work of background) work.start();
      await guestAccess?.start();
      await successions?.start();
    },
    async stop() {
      await Promise.all([guestAccess?.stop(), successions?.stop()]);
      await Promise.all(background.map((work) => work.stop()));
      await Promise.all([domain.lastSeen.flush(), publisher.drained(), roomUpdates?.drained(), postOffice?.close()]);
      await identityAgent.close();
    },
  };
}

function postOfficeOf(email: NonNullable<Config['email']>, { letters }: Stores, logger: Logger, metrics: Metrics) {
  return new PostOffice(letters, new Smtp(email), email.smtp.timeout_ms, logger, metrics);
}
