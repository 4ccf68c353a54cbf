import type { JsonObject } from '@ganglion/protocol';
import type { DeviceName, KeyChangeRecord } from './key-store.js';

/** Tells the other services, after the commit, without making anybody wait. */
export interface Announcements {
  changed(change: KeyChangeRecord): void;
  /** These devices have more or fewer keys left than before. */
  countsChanged(devices: readonly DeviceName[]): void;
}

/** Users of other servers. What is answered is as it came: nobody has looked at it. */
export interface RemoteServers {
  /**
   * The keys of users of one server, all devices of each.
   *
   * @throws MatrixError, or whatever the request failed with, when the server cannot be asked in time
   */
  queryKeys(serverName: string, userIds: readonly string[], timeoutMs: number): Promise<JsonObject>;
  /** One-time keys by user and device. @throws as queryKeys */
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
