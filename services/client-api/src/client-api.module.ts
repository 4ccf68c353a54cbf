import type { Config } from '@ganglion/config';
import type { RateLimiter } from '@ganglion/contracts';
import { RATE_LIMITER } from '@ganglion/http';
import { type DynamicModule, Module } from '@nestjs/common';
import { DelayedSending } from './domain/delayed-sending.js';
import { MembershipLimits } from './domain/membership-limits.js';
import { MessageLimit } from './domain/message-limit.js';
import type { Owners } from './domain/ports.js';
import { DelayedEventsController } from './http/delayed-events.controller.js';
import { DirectoryController } from './http/directory.controller.js';
import { EventsController } from './http/events.controller.js';
import { MembershipController } from './http/membership.controller.js';
import { PurgesController } from './http/purges.controller.js';
import { RoomBlocksController } from './http/room-blocks.controller.js';
import { RoomsController } from './http/rooms.controller.js';
import { ServerController } from './http/server.controller.js';
import { SpacesController } from './http/spaces.controller.js';
import { ThirdPartyController } from './http/third-party.controller.js';
import { CONFIG, OWNERS, ROOMS_CONFIG } from './http/tokens.js';

@Module({})
class ClientApiModule {}

/** The Client-Server API of rooms, in front of the services that own what it is about. */
export function clientApiModule(owners: Owners, config: Config): DynamicModule {
  return {
    module: ClientApiModule,
    controllers: [
      ServerController,
      RoomsController,
      MembershipController,
      EventsController,
      DelayedEventsController,
      DirectoryController,
      SpacesController,
      ThirdPartyController,
      PurgesController,
      RoomBlocksController,
    ],
    providers: [
      { provide: OWNERS, useValue: owners },
      { provide: CONFIG, useValue: config },
      { provide: DelayedSending, useValue: new DelayedSending(owners) },
      { provide: ROOMS_CONFIG, useValue: config.rooms },
      {
        provide: MembershipLimits,
        inject: [RATE_LIMITER],
        useFactory: (limiter: RateLimiter) => new MembershipLimits(limiter),
      },
      {
        provide: MessageLimit,
        inject: [RATE_LIMITER],
        useFactory: (limiter: RateLimiter) => new MessageLimit(limiter, owners),
      },
    ],
  };
}
