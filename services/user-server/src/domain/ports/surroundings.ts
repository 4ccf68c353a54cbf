import type { JsonObject } from '@ganglion/protocol';
import type { EndedDevices } from './device-store.js';
import type { EndedTokens } from './session-store.js';
import type { UserChangeRecord } from './user-data-stores.js';

/** Who makes a request. */
export interface Requester {
  readonly userId: string;
  readonly deviceId: string;
  readonly guest: boolean;
  readonly admin: boolean;
}

/** Tells the other services, after the commit, without making anybody wait. */
export interface Announcements {
  /** Nobody may use them any more, not even to wait for an answer. */
  tokensEnded(tokens: EndedTokens): void;
  /** As tokensEnded and changed, of all that devices have taken with them. */
  devicesGone(gone: EndedDevices): void;
  /** As tokensEnded, of devices that had none. */
  devicesEnded(userId: string, deviceIds: readonly string[]): void;
  /** As tokensEnded, of devices that go on with newer ones. */
  tokensReplaced(tokens: EndedTokens): void;
  /** What their owner may do has changed; they go on. */
  tokenOwnerChanged(tokens: EndedTokens): void;
  /** Changes of one user, in their order. */
  changed(changes: readonly UserChangeRecord[]): void;
}

/** Brings what is stored about a user to their rooms, after the commit; tries again later when that fails. */
export interface RoomUpdates {
  /** Resolves when the first attempt has ended, or has taken long. */
  deliver(userId: string): Promise<void>;
}

export interface Passwords {
  hash(password: string): Promise<string>;
  /** Takes as long for an absent hash as for any other. */
  verify(hash: string | undefined, password: string): Promise<boolean>;
}

/** Profiles of users of other servers, as these give them. */
export interface ProfilesElsewhere {
  /** @throws MatrixError M_NOT_FOUND, also when the server cannot be asked; M_FORBIDDEN */
  profile(userId: string): Promise<JsonObject>;
}
