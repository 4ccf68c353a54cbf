import { clientApiModule } from '@ganglion/client-api';
import type { ServiceName } from '@ganglion/config';
import type { RefundingRateLimiter } from '@ganglion/contracts';
import {
  type RoomDirectory,
  RoomDirectoryDefinition,
  RoomIntakeDefinition,
  type RoomLog,
  RoomLogDefinition,
  type RoomReads,
  RoomReadsDefinition,
  type Rooms,
  RoomsDefinition,
} from '@ganglion/contracts/room';
import {
  type AccountData,
  AccountDataDefinition,
  type Devices,
  DevicesDefinition,
  type Tokens,
  TokensDefinition,
  type UserLog,
  UserLogDefinition,
  type Users,
  UsersDefinition,
} from '@ganglion/contracts/user';
import { federationApiModule } from '@ganglion/federation-api';
import { createPushServer, pushModule } from '@ganglion/push';
import { createRoomServer } from '@ganglion/room-server';
import { createSyncServer, syncModule } from '@ganglion/sync';
import { createUserServer, userServerModule } from '@ganglion/user-server';
import type { DynamicModule } from '@nestjs/common';
import type { Foundation } from './foundation.js';
import { Interfaces, type Offer } from './interfaces.js';
import type { RemoteServices } from './remote-services.js';
import { loadSigningKeys } from './signing-keys.js';

/** Something that begins and ends with the process. */
interface Part {
  start(): void | Promise<void>;
  stop(): Promise<void>;
}

/** The services of one process, put together. */
export interface ComposedServices {
  readonly modules: readonly DynamicModule[];
  readonly offers: readonly Offer[];
  readonly parts: readonly Part[];
  /** Who knows whose token is whose; only where there is an HTTP side that asks. */
  readonly tokens: Tokens | undefined;
}

/** A composition under way. */
interface Composition {
  readonly foundation: Foundation;
  readonly interfaces: Interfaces;
  readonly rateLimiter: RefundingRateLimiter;
  readonly modules: DynamicModule[];
  readonly parts: Part[];
}

type AddService = (composition: Composition) => Promise<void>;

/** In this order: a service stands below those that ask it. */
const SERVICES: ReadonlyMap<ServiceName, AddService> = new Map<ServiceName, AddService>([
  ['room-server', addRoomServer],
  ['user-server', addUserServer],
  ['sync', addSync],
  ['push', addPush],
  ['client-api', addClientApi],
  ['federation-api', addFederationApi],
]);

/**
 * Puts the named services together. What one of them needs of another is the other itself when it is in this process,
 * and a gRPC client otherwise; neither of them can tell.
 */
export async function composeServices(
  foundation: Foundation,
  services: readonly ServiceName[],
  remote: RemoteServices,
  rateLimiter: RefundingRateLimiter,
): Promise<ComposedServices> {
  const interfaces = new Interfaces(remote);
  const composition: Composition = { foundation, interfaces, rateLimiter, modules: [], parts: [] };
  for (const [service, add] of SERVICES) {
    if (services.includes(service)) await add(composition);
  }
  const { modules, parts } = composition;
  const tokens = modules.length > 0 ? await interfaces.find<Tokens>('user-server', TokensDefinition) : undefined;
  return { modules, parts, offers: interfaces.offers, tokens };
}

async function addRoomServer({ foundation, interfaces, parts }: Composition): Promise<void> {
  const signingKeys = await loadSigningKeys(foundation.config);
  const server = createRoomServer({ ...foundation, signingKeys });
  parts.push(server);
  interfaces.offer(RoomsDefinition, server.rooms);
  interfaces.offer(RoomReadsDefinition, server.roomReads);
  interfaces.offer(RoomDirectoryDefinition, server.roomDirectory);
  interfaces.offer(RoomLogDefinition, server.roomLog);
  interfaces.offer(RoomIntakeDefinition, server.roomIntake);
}

async function addUserServer({ foundation, interfaces, rateLimiter, modules, parts }: Composition): Promise<void> {
  const rooms = await interfaces.find<Rooms>('room-server', RoomsDefinition);
  const roomReads = await interfaces.find<RoomReads>('room-server', RoomReadsDefinition);
  const server = createUserServer({ ...foundation, rateLimiter, rooms: { rooms, roomReads } });
  parts.push(server);
  modules.push(userServerModule(server));
  interfaces.offer(TokensDefinition, server.tokens);
  interfaces.offer(UsersDefinition, server.users);
  interfaces.offer(UserLogDefinition, server.userLog);
  interfaces.offer(AccountDataDefinition, server.accountData);
  interfaces.offer(DevicesDefinition, server.devices);
}

async function addSync({ foundation, interfaces, modules, parts }: Composition): Promise<void> {
  const roomLog = await interfaces.find<RoomLog>('room-server', RoomLogDefinition);
  const userLog = await interfaces.find<UserLog>('user-server', UserLogDefinition);
  const users = await interfaces.find<Users>('user-server', UsersDefinition);
  const accountData = await interfaces.find<AccountData>('user-server', AccountDataDefinition);
  const server = createSyncServer({ ...foundation, roomLog, userLog, users, accountData });
  parts.push(server);
  modules.push(syncModule(server, foundation.config));
}

async function addPush({ foundation: { db }, interfaces, modules }: Composition): Promise<void> {
  const accountData = await interfaces.find<AccountData>('user-server', AccountDataDefinition);
  const devices = await interfaces.find<Devices>('user-server', DevicesDefinition);
  modules.push(pushModule(createPushServer({ db, accountData, devices })));
}

async function addClientApi({ foundation, interfaces, modules }: Composition): Promise<void> {
  const rooms = await interfaces.find<Rooms>('room-server', RoomsDefinition);
  const roomReads = await interfaces.find<RoomReads>('room-server', RoomReadsDefinition);
  const roomDirectory = await interfaces.find<RoomDirectory>('room-server', RoomDirectoryDefinition);
  const users = await interfaces.find<Users>('user-server', UsersDefinition);
  modules.push(clientApiModule({ rooms, roomReads, roomDirectory, users }, foundation.config));
}

async function addFederationApi({ foundation: { config }, modules }: Composition): Promise<void> {
  modules.push(federationApiModule(config, await loadSigningKeys(config)));
}
