import type { Database } from '@ganglion/database';
import { PostgresAccountDataStore } from './storage/account-data-store.js';
import { PostgresAccountStore } from './storage/account-store.js';
import { PostgresAccountValidityStore } from './storage/account-validity-store.js';
import { DeviceLogStore } from './storage/device-log-store.js';
import { PostgresDeviceStore } from './storage/device-store.js';
import { PostgresEmailStore } from './storage/email-session-store.js';
import { PostgresFilterStore } from './storage/filter-store.js';
import { LetterStore } from './storage/letter-store.js';
import { PostgresNonceStore } from './storage/nonce-store.js';
import { PostgresNoticeRoomStore } from './storage/notice-room-store.js';
import { UserOutboxStore } from './storage/outbox-store.js';
import { PostgresProfileStore } from './storage/profile-store.js';
import { PostgresRegistrationTokenStore } from './storage/registration-token-store.js';
import { RoomUpdateStore } from './storage/room-update-store.js';
import { PostgresSessionStore } from './storage/session-store.js';
import { PostgresShortTokenStore } from './storage/short-token-store.js';
import { PostgresSuccessionStore } from './storage/succession-store.js';
import { PostgresThirdPartyIdStore } from './storage/third-party-id-store.js';
import { PostgresUiaSessionStore } from './storage/uia-session-store.js';
import { PostgresUserDirectoryStore } from './storage/user-directory-store.js';
import { UserLogStore } from './storage/user-log-store.js';

export type Stores = ReturnType<typeof createStores>;

/** Everything that this service keeps. */
export function createStores(db: Database) {
  return {
    accounts: new PostgresAccountStore(db),
    sessions: new PostgresSessionStore(db),
    devices: new PostgresDeviceStore(db),
    uiaSessions: new PostgresUiaSessionStore(db),
    noticeRooms: new PostgresNoticeRoomStore(db),
    nonces: new PostgresNonceStore(db),
    registrationTokens: new PostgresRegistrationTokenStore(db),
    shortTokens: new PostgresShortTokenStore(db),
    emails: new PostgresEmailStore(db),
    letters: new LetterStore(db),
    accountValidity: new PostgresAccountValidityStore(db),
    thirdPartyIds: new PostgresThirdPartyIdStore(db),
    profiles: new PostgresProfileStore(db),
    accountData: new PostgresAccountDataStore(db),
    userDirectory: new PostgresUserDirectoryStore(db),
    filters: new PostgresFilterStore(db),
    outbox: new UserOutboxStore(db),
    successions: new PostgresSuccessionStore(db),
    roomUpdates: new RoomUpdateStore(db),
    deviceLog: new DeviceLogStore(db),
    userLog: new UserLogStore(db),
  };
}
