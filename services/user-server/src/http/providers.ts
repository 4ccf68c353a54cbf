import type { Config } from '@ganglion/config';
import type { Provider } from '@nestjs/common';
import { AccountData } from '../domain/account-data.js';
import { AccountModeration } from '../domain/account-moderation.js';
import { AccountValidity } from '../domain/account-validity.js';
import { Accounts } from '../domain/accounts.js';
import { Devices } from '../domain/devices.js';
import { Emails } from '../domain/emails.js';
import { Filters } from '../domain/filters.js';
import { LocalServers } from '../domain/local-servers.js';
import { Login } from '../domain/login.js';
import { PasswordReset } from '../domain/password-reset.js';
import { Profiles } from '../domain/profiles.js';
import { Registration } from '../domain/registration.js';
import { RegistrationTokens } from '../domain/registration-tokens.js';
import { ServerNotices } from '../domain/server-notices.js';
import { Sessions } from '../domain/sessions.js';
import { SharedSecretRegistration } from '../domain/shared-secret-registration.js';
import { LoginTokens, OpenIdTokens } from '../domain/short-tokens.js';
import { Tags } from '../domain/tags.js';
import { ThirdPartyIds } from '../domain/third-party-ids.js';
import { UiaFallback } from '../domain/uia-fallback.js';
import { UserDirectory } from '../domain/user-directory.js';
import { UserInteractiveAuth } from '../domain/user-interactive-auth.js';
import type { DomainObjects } from '../domain-objects.js';
import { LoginAnswers } from './session-answers.js';

/** What the controllers ask for. */
export function httpProviders(domain: DomainObjects, config: Config): Provider[] {
  return [
    { provide: LocalServers, useValue: domain.servers },
    { provide: Sessions, useValue: domain.sessions },
    { provide: Login, useValue: domain.login },
    { provide: UserInteractiveAuth, useValue: domain.uia },
    { provide: UiaFallback, useValue: domain.uiaFallback },
    { provide: LoginTokens, useValue: domain.loginTokens },
    { provide: OpenIdTokens, useValue: domain.openIdTokens },
    { provide: RegistrationTokens, useValue: domain.registrationTokens },
    { provide: Registration, useValue: domain.registration },
    { provide: SharedSecretRegistration, useValue: domain.sharedSecretRegistration },
    { provide: Emails, useValue: domain.emails },
    { provide: PasswordReset, useValue: domain.passwordReset },
    { provide: ThirdPartyIds, useValue: domain.thirdPartyIds },
    { provide: Accounts, useValue: domain.accounts },
    { provide: ServerNotices, useValue: domain.serverNotices },
    { provide: AccountModeration, useValue: domain.moderation },
    { provide: AccountValidity, useValue: domain.accountValidity },
    { provide: Devices, useValue: domain.devices },
    { provide: Profiles, useValue: domain.profiles },
    { provide: AccountData, useValue: domain.accountData },
    { provide: Tags, useValue: domain.tags },
    { provide: UserDirectory, useValue: domain.userDirectory },
    { provide: Filters, useValue: domain.filters },
    { provide: LoginAnswers, useValue: new LoginAnswers(clientBaseUrls(config)) },
  ];
}

/** Where clients reach each server name, as far as the configuration says. */
function clientBaseUrls({ server_names, http }: Config): Map<string, string> {
  const urls = new Map<string, string>();
  for (const { name, client_base_url = http.public_base_url } of server_names) {
    if (client_base_url !== undefined) urls.set(name, client_base_url);
  }
  return urls;
}
