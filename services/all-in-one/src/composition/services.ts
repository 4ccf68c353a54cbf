import { clientApiModule } from '@ganglion/client-api';
import type { ServiceName } from '@ganglion/config';
import {
  type RoomDirectory,
  RoomDirectoryDefinition,
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
  type Tokens,
  TokensDefinition,
  type UserLog,
  UserLogDefinition,
  type Users,
  UsersDefinition,
} from '@ganglion/contracts/user';
import { federationApiModule } from '@ganglion/federation-api';
import type { RateLimiter } from '@ganglion/http';
import { createPushServer, pushModule } from '@ganglion/push';
import { createRoomServer } from '@ganglion/room-server';
import type { ServiceDefinition } from '@ganglion/rpc';
import { createSyncServer, syncModule } from '@ganglion/sync';
import { createUserServer, userServerModule } from '@ganglion/user-server';
import type { DynamicModule } from '@nestjs/common';
import type { Foundation } from './foundation.js';
import type { RemoteServices } from './remote-services.js';
import { loadSigningKeys } from './signing-keys.js';

/** Something that begins and ends with the process. */
interface Part {
  start(): void | Promise<void>;
  stop(): Promise<void>;
}

/** One interface that this process offers to others. */
interface Offer {
  readonly definition: ServiceDefinition;
  readonly implementation: object;
}

/** The services of one process, put together. */
export interface ComposedServices {
  readonly modules: readonly DynamicModule[];
  readonly offers: readonly Offer[];
  readonly parts: readonly Part[];
  readonly tokens: Tokens;
}

/**
 * Puts the named services together. What one of them needs of another is the other itself when it is in this process,
 * and a gRPC client otherwise; neither of them can tell.
 */
export async function composeServices(
  foundation: Foundation,
  services: readonly ServiceName[],
  remote: RemoteServices,
  rateLimiter: RateLimiter,
): Promise<ComposedServices> {
  const { config, db, bus, logger, metrics } = foundation;
  const modules: DynamicModule[] = [];
  const offers: Offer[] = [];
  const parts: Part[] = [];
  const has = (service: ServiceName) => services.includes(service);
  const needsKeys = has('room-server') || has('federation-api');
  const signingKeys = needsKeys ? await loadSigningKeys(config) : new Map();

  const roomServer = has('room-server') ? createRoomServer({ config, db, bus, logger, signingKeys }) : undefined;
  const inRooms = <T extends object>(local: T | undefined, definition: ServiceDefinition) =>
    local ?? remote.client<T>('room-server', definition);
  const rooms = await inRooms<Rooms>(roomServer?.rooms, RoomsDefinition);
  const roomReads = await inRooms<RoomReads>(roomServer?.roomReads, RoomReadsDefinition);
  const userServer = has('user-server')
    ? createUserServer({ config, db, bus, logger, metrics, rateLimiter, rooms: { rooms, roomReads } })
    : undefined;
  const inUsers = <T extends object>(local: T | undefined, definition: ServiceDefinition) =>
    local ?? remote.client<T>('user-server', definition);
  const users = await inUsers<Users>(userServer?.users, UsersDefinition);

  if (roomServer !== undefined) {
    parts.push(roomServer);
    offers.push(
      { definition: RoomsDefinition, implementation: roomServer.rooms },
      { definition: RoomReadsDefinition, implementation: roomServer.roomReads },
      { definition: RoomDirectoryDefinition, implementation: roomServer.roomDirectory },
      { definition: RoomLogDefinition, implementation: roomServer.roomLog },
    );
  }
  if (userServer !== undefined) {
    parts.push(userServer);
    modules.push(userServerModule(userServer));
    offers.push(
      { definition: TokensDefinition, implementation: userServer.tokens },
      { definition: UsersDefinition, implementation: userServer.users },
      { definition: UserLogDefinition, implementation: userServer.userLog },
      { definition: AccountDataDefinition, implementation: userServer.accountData },
    );
  }
  if (has('sync')) {
    const roomLog = await inRooms<RoomLog>(roomServer?.roomLog, RoomLogDefinition);
    const userLog = await inUsers<UserLog>(userServer?.userLog, UserLogDefinition);
    const sync = createSyncServer({ config, db, bus, logger, roomLog, userLog, users });
    parts.push(sync);
    modules.push(syncModule(sync, config));
  }
  if (has('push')) {
    const accountData = await inUsers<AccountData>(userServer?.accountData, AccountDataDefinition);
    modules.push(pushModule(createPushServer({ db, accountData })));
  }
  if (has('client-api')) {
    const roomDirectory = await inRooms<RoomDirectory>(roomServer?.roomDirectory, RoomDirectoryDefinition);
    modules.push(clientApiModule({ rooms, roomReads, roomDirectory, users }, config));
  }
  if (has('federation-api')) modules.push(federationApiModule(config, signingKeys));
  const tokens = await inUsers<Tokens>(userServer?.tokens, TokensDefinition);
  return { modules, offers, parts, tokens };
}
