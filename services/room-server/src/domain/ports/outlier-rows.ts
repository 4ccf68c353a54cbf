import type { Outlier } from '../intake/store-outliers.js';
import type { StateKey } from './rooms.js';

/** Where outliers are kept: nothing of this waits for the room, or keeps it from going on. */
export interface OutlierRows {
  /** The numbers of keys, made where there are none. */
  keyNids(roomNid: number, keys: readonly StateKey[]): Promise<readonly number[]>;
  /** Keeps events; of those that are there already, ones that waited are outliers from now on. */
  keep(roomNid: number, outliers: readonly Outlier[]): Promise<void>;
}
