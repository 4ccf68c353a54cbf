import type { JsonObject } from '@ganglion/protocol';
import type { DeviceName, KeyChangeRecord } from './key-store.js';

/** Tells the other services, after the commit, without making anybody wait. */
export interface Announcements {
  changed(change: KeyChangeRecord): void;
  /** These devices have more or fewer keys left than before. */
  countsChanged(devices: readonly DeviceName[]): void;
}

/** A user's device as it was asked of another server, or the failure that its server answered. */
export interface RemoteKeys {
  readonly device_keys?: JsonObject;
  readonly master_keys?: JsonObject;
  readonly self_signing_keys?: JsonObject;
}

/** Users of other servers. */
export interface RemoteServers {
  /** @throws MatrixError, or whatever the request failed with, when the server cannot be asked in time */
  queryKeys(serverName: string, deviceKeys: JsonObject, timeoutMs: number): Promise<RemoteKeys>;
  /** The `one_time_keys` that the server gave out. @throws as queryKeys */
  claimKeys(serverName: string, oneTimeKeys: JsonObject, timeoutMs: number): Promise<JsonObject>;
}

/** What a user who has to show who they are is answered. */
export interface Challenge {
  readonly challenge: JsonObject;
}

/** User-interactive authentication, which is somebody else's. */
export interface InteractiveAuth {
  /** Undefined when the user has shown who they are. @throws MatrixError */
  authenticate(request: InteractiveRequest): Promise<Challenge | undefined>;
}

export interface InteractiveRequest extends DeviceName {
  /** Method and path. */
  readonly endpoint: string;
  readonly address: string;
  /** The whole body, `auth` included. */
  readonly body: JsonObject;
}
