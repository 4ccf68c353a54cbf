import { type DynamicModule, Module } from '@nestjs/common';
import { PushRules } from './domain/push-rules.js';
import { Pushers } from './domain/pushers.js';
import { PushRulesController } from './http/push-rules.controller.js';
import { PushersController } from './http/pushers.controller.js';
import type { PushServer } from './push-server.js';

@Module({})
class PushModule {}

/** The HTTP side of a push server. */
export function pushModule({ rules, pushers }: PushServer): DynamicModule {
  return {
    module: PushModule,
    controllers: [PushRulesController, PushersController],
    providers: [
      { provide: PushRules, useValue: rules },
      { provide: Pushers, useValue: pushers },
    ],
  };
}
