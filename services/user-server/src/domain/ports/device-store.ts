import type { EndedTokens } from './session-store.js';

export interface Device {
  readonly deviceId: string;
  readonly displayName: string | undefined;
  readonly lastSeenMs: number | undefined;
  readonly createdMs: number;
}

export interface DeviceSighting {
  readonly userId: string;
  readonly deviceId: string;
  readonly seenMs: number;
}

export interface DeviceStore {
  list(userId: string): Promise<Device[]>;
  find(userId: string, deviceId: string): Promise<Device | undefined>;
  /** False when there is no such device. */
  rename(userId: string, deviceId: string, displayName: string): Promise<boolean>;
  /** Ends devices and their tokens; all of the user's when no ids are given. */
  remove(userId: string, deviceIds?: readonly string[]): Promise<EndedTokens>;
  recordSeen(sightings: readonly DeviceSighting[]): Promise<void>;
}
