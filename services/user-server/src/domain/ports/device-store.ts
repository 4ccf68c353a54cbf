import type { EndedTokens } from './session-store.js';
import type { SessionCompletion } from './uia-session-store.js';
import type { UserChangeRecord } from './user-data-stores.js';

export interface Device {
  readonly deviceId: string;
  readonly displayName: string | undefined;
  readonly lastSeenMs: number | undefined;
  /** The address it was last seen at. */
  readonly lastSeenAddress: string | undefined;
  readonly lastSeenUserAgent: string | undefined;
  readonly createdMs: number;
  /** Nobody is logged in with it. */
  readonly dehydrated: boolean;
}

export interface DeviceSighting {
  readonly userId: string;
  readonly deviceId: string;
  readonly seenMs: number;
  /** Undefined when it is not known. */
  readonly address: string | undefined;
  readonly userAgent: string | undefined;
}

/** What has gone with devices. */
export interface EndedDevices {
  readonly ended: EndedTokens;
  /** Of their user's data. */
  readonly changes: readonly UserChangeRecord[];
}

export interface DeviceStore {
  list(userId: string): Promise<Device[]>;
  /** By user; who has none is left out. */
  listOf(userIds: readonly string[]): Promise<ReadonlyMap<string, readonly Device[]>>;
  find(userId: string, deviceId: string): Promise<Device | undefined>;
  /** False when there is no such device. */
  rename(userId: string, deviceId: string, displayName: string): Promise<boolean>;
  /**
   * Ends devices, their tokens and what was noted of how they notify; all of the user's when no ids are given.
   *
   * @throws SessionCompletedError when the authentication session has ended devices already
   */
  remove(userId: string, deviceIds?: readonly string[], completion?: SessionCompletion): Promise<EndedDevices>;
  /**
   * Adds a device without tokens, or finds it: when that was, in milliseconds since the epoch. Undefined when the id is that of a
   * device which somebody logged in, or the user cannot have any.
   */
  putDehydrated(userId: string, deviceId: string, displayName: string | undefined): Promise<number | undefined>;
  /** Ends those of these devices that are dehydrated; which they were. */
  endDehydrated(userId: string, deviceIds: readonly string[]): Promise<readonly string[]>;
  recordSeen(sightings: readonly DeviceSighting[]): Promise<void>;
}
