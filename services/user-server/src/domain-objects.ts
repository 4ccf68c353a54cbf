import type { Config } from '@ganglion/config';
import type { RefundingRateLimiter } from '@ganglion/contracts';
import type { Metrics } from '@ganglion/telemetry';
import { AccountCreation } from './domain/account-creation.js';
import { AccountData } from './domain/account-data.js';
import { AccountModeration } from './domain/account-moderation.js';
import { AccountValidity, type AccountValiditySettings } from './domain/account-validity.js';
import { Accounts } from './domain/accounts.js';
import { Credentials } from './domain/credentials.js';
import { Devices } from './domain/devices.js';
import { type EmailSettings, Emails } from './domain/emails.js';
import { Filters } from './domain/filters.js';
import { GuestUpgrade } from './domain/guest-upgrade.js';
import { LastSeen } from './domain/last-seen.js';
import { type LocalServer, LocalServers } from './domain/local-servers.js';
import { Login } from './domain/login.js';
import { PasswordPolicy } from './domain/password-policy.js';
import { PasswordReset } from './domain/password-reset.js';
import type {
  Announcements,
  IdentityServers,
  LetterWriter,
  NoticeRooms,
  ProfilesElsewhere,
  RoomUpdates,
  VisibleUsers,
} from './domain/ports.js';
import { Profiles } from './domain/profiles.js';
import { Registration } from './domain/registration.js';
import { registrationFlows } from './domain/registration-flows.js';
import { RegistrationTokens } from './domain/registration-tokens.js';
import { RemoteProfiles } from './domain/remote-profiles.js';
import { ServerNotices, type ServerNoticesSettings } from './domain/server-notices.js';
import { Sessions } from './domain/sessions.js';
import { SharedSecretRegistration } from './domain/shared-secret-registration.js';
import { LoginTokens, OpenIdTokens } from './domain/short-tokens.js';
import { Tags } from './domain/tags.js';
import { Terms } from './domain/terms.js';
import { ThirdPartyIds } from './domain/third-party-ids.js';
import { TokenOwners } from './domain/token-owners.js';
import { UiaFallback } from './domain/uia-fallback.js';
import { UiaSessions } from './domain/uia-sessions.js';
import { uiaStages } from './domain/uia-stages.js';
import { UserDirectory } from './domain/user-directory.js';
import { UserInteractiveAuth } from './domain/user-interactive-auth.js';
import { Argon2Passwords } from './passwords/argon2-passwords.js';
import type { Stores } from './stores.js';

export interface DomainDependencies {
  readonly config: Config;
  readonly stores: Stores;
  readonly announcements: Announcements;
  readonly roomUpdates: RoomUpdates | undefined;
  readonly visibleUsers: VisibleUsers | undefined;
  readonly noticeRooms: NoticeRooms | undefined;
  readonly profilesElsewhere: ProfilesElsewhere | undefined;
  readonly letterWriter: LetterWriter;
  /** A letter is to be sent now. */
  readonly onLetter: () => void;
  readonly identityServers: IdentityServers;
  readonly rateLimiter: RefundingRateLimiter;
  readonly metrics: Metrics;
}

export type DomainObjects = ReturnType<typeof createDomainObjects>;

/** What this service does, wired to what it stands on. */
export function createDomainObjects(dependencies: DomainDependencies) {
  const { config, stores, announcements, roomUpdates, rateLimiter, metrics } = dependencies;
  const { profilesElsewhere: elsewhere } = dependencies;
  const { accounts, devices } = stores;
  const policy = new PasswordPolicy(config.passwords.min_length);
  const passwords = new Argon2Passwords(config.passwords.argon2, metrics);
  const servers = localServers(config);
  const { thirdPartyIds: addresses } = stores;
  const credentials = new Credentials(accounts, addresses, passwords, rateLimiter, servers);
  const {
    enabled,
    allow_guests: guests,
    requires_token,
    requires_email,
    terms = [],
    shared_secret,
  } = config.registration;
  const { letterWriter, onLetter, identityServers } = dependencies;
  const emailed = emailSettings(config);
  const emails = new Emails(emailed, enabled, stores.emails, addresses, letterWriter, rateLimiter, onLetter);
  const registrationTokens = new RegistrationTokens(stores.registrationTokens, enabled);
  const stages = uiaStages(credentials, registrationTokens, new Terms(terms), emails);
  const uiaSessions = new UiaSessions(stores.uiaSessions, rateLimiter);
  const uia = new UserInteractiveAuth(uiaSessions, stages);
  const { login_tokens, login_token_lifetime_ms } = config.sessions;
  const loginTokens = new LoginTokens(stores.shortTokens, accounts, login_tokens ? login_token_lifetime_ms : undefined);
  const rules = { threads: config.rooms.thread_subscriptions };
  const accountData = new AccountData(stores.accountData, announcements, rules);
  const flows = registrationFlows({
    ...{ token: requires_token, terms: terms.length > 0 },
    email: requires_email ? 'required' : emailed && 'optional',
  });
  const sessions = new Sessions(stores.sessions, devices, announcements, tokenLifetimes(config));
  const lastSeen = new LastSeen(devices);
  const owners = new TokenOwners(stores.sessions, announcements, lastSeen);
  const creation = new AccountCreation(accounts, passwords, sessions);
  const guestUpgrade = new GuestUpgrade(accounts, owners, passwords, sessions, announcements);
  const tags = new Tags(accountData);
  return {
    servers,
    uia,
    uiaFallback: new UiaFallback(uiaSessions, stages),
    lastSeen,
    owners,
    sessions,
    login: new Login(credentials, loginTokens, sessions, rateLimiter),
    loginTokens,
    openIdTokens: new OpenIdTokens(stores.shortTokens),
    registrationTokens,
    registration: new Registration({ enabled, guests, flows }, accounts, creation, guestUpgrade, policy, rateLimiter),
    sharedSecretRegistration: new SharedSecretRegistration(shared_secret, stores.nonces, creation, policy),
    emails,
    passwordReset: new PasswordReset(emails, addresses, accounts, passwords, policy, announcements),
    thirdPartyIds: new ThirdPartyIds(addresses, emails, identityServers),
    accounts: new Accounts(
      ...([accounts, passwords, policy, announcements, roomUpdates, config.account_validity !== undefined] as const),
    ),
    accountValidity: new AccountValidity(
      ...([
        validityOf(config),
        emailed?.baseUrls,
        stores.accountValidity,
        letterWriter,
        announcements,
        servers,
      ] as const),
      ...([rateLimiter, onLetter] as const),
    ),
    moderation: new AccountModeration(accounts, devices, announcements, servers),
    devices: new Devices(devices, announcements),
    userDirectory: new UserDirectory(
      stores.userDirectory,
      dependencies.visibleUsers,
      config.server_names.map(({ name }) => name),
    ),
    profiles: new Profiles(stores.profiles, roomUpdates, elsewhere && new RemoteProfiles(elsewhere), servers),
    accountData,
    tags,
    serverNotices: new ServerNotices(
      ...([noticesOf(config), accounts, stores.profiles, stores.noticeRooms, tags, servers] as const),
      dependencies.noticeRooms,
    ),
    filters: new Filters(stores.filters),
  };
}

function localServers({ server_names, http }: Config): LocalServers {
  const [first, ...others] = server_names.map(({ name, client_base_url }): LocalServer => {
    const url = client_base_url ?? (server_names.length === 1 ? http.public_base_url : undefined);
    return url === undefined ? { name } : { name, clientHost: new URL(url).host };
  });
  return new LocalServers([first as LocalServer, ...others]);
}

function validityOf({ account_validity: validity }: Config): AccountValiditySettings | undefined {
  return validity && { periodMs: validity.period_ms, renewBeforeMs: validity.renew_before_ms };
}

function noticesOf({ server_notices: notices, rooms }: Config): ServerNoticesSettings | undefined {
  if (notices === undefined) return undefined;
  const { localpart, display_name: displayName, avatar_url: avatarUrl, room_name: roomName } = notices;
  return { localpart, displayName, avatarUrl, roomName, roomVersion: rooms.default_version };
}

function emailSettings({ email, server_names, http }: Config): EmailSettings | undefined {
  if (email === undefined) return undefined;
  const { link_lifetime_ms, reveal_accounts, next_link_hosts } = email;
  const urls = server_names.map(
    ({ name, client_base_url }) => [name, client_base_url ?? http.public_base_url ?? ''] as const,
  );
  return {
    ...{ linkLifetimeMs: link_lifetime_ms, revealAccounts: reveal_accounts },
    ...{ nextLinkHosts: next_link_hosts, baseUrls: new Map(urls) },
  };
}

function tokenLifetimes({ sessions }: Config) {
  return {
    accessMs: sessions.access_token_lifetime_ms,
    refreshableAccessMs: sessions.refreshable_access_token_lifetime_ms,
    refreshMs: sessions.refresh_token_lifetime_ms,
  };
}
