import { type DynamicModule, Module } from '@nestjs/common';
import { AccountController } from './http/account.controller.js';
import { AccountDataController } from './http/account-data.controller.js';
import { AccountDataDeletionController } from './http/account-data-deletion.controller.js';
import { AccountValidityController } from './http/account-validity.controller.js';
import { AuthFallbackController } from './http/auth-fallback.controller.js';
import { DeviceController } from './http/device.controller.js';
import { EmailConfirmationController } from './http/email-confirmation.controller.js';
import { EmailTokenController } from './http/email-token.controller.js';
import { FilterController } from './http/filter.controller.js';
import { LoginFallbackController } from './http/login-fallback.controller.js';
import { ModerationController } from './http/moderation.controller.js';
import { ProfileController } from './http/profile.controller.js';
import { RegistrationController } from './http/registration.controller.js';
import { RegistrationTokenController } from './http/registration-token.controller.js';
import { ServerNoticeController } from './http/server-notice.controller.js';
import { SessionController } from './http/session.controller.js';
import { SharedSecretController } from './http/shared-secret.controller.js';
import { ShortTokenController } from './http/short-token.controller.js';
import { TagController } from './http/tag.controller.js';
import { ThirdPartyIdController } from './http/third-party-id.controller.js';
import { UserDirectoryController } from './http/user-directory.controller.js';
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
      ThirdPartyIdController,
      EmailTokenController,
      EmailConfirmationController,
      DeviceController,
      ProfileController,
      AccountDataController,
      AccountDataDeletionController,
      TagController,
      FilterController,
      AuthFallbackController,
      LoginFallbackController,
      UserDirectoryController,
      ModerationController,
      AccountValidityController,
      ServerNoticeController,
      RegistrationTokenController,
      ShortTokenController,
    ],
    providers: [...providers],
  };
}
