import { type DynamicModule, Module } from '@nestjs/common';
import { AccountController } from './http/account.controller.js';
import { AccountDataController } from './http/account-data.controller.js';
import { DeviceController } from './http/device.controller.js';
import { FilterController } from './http/filter.controller.js';
import { ModerationController } from './http/moderation.controller.js';
import { ProfileController } from './http/profile.controller.js';
import { RegistrationController } from './http/registration.controller.js';
import { SessionController } from './http/session.controller.js';
import { SharedSecretController } from './http/shared-secret.controller.js';
import type { UserServer } from './user-server.js';

@Module({})
class UserServerModule {}

/** The HTTP side of a user server, to be mounted in an application. */
export function userServerModule({ providers }: Pick<UserServer, 'providers'>): DynamicModule {
  return {
    module: UserServerModule,
    controllers: [
      SessionController,
      RegistrationController,
      SharedSecretController,
      AccountController,
      DeviceController,
      ProfileController,
      AccountDataController,
      FilterController,
      ModerationController,
    ],
    providers: [...providers],
  };
}
