/** What a user is told of the device lists of others. */
export interface DeviceListChanges {
  /** Whose devices or keys changed, or who shares a room with the user now and did not before. */
  readonly changed: readonly string[];
  /** Who does not share a room with the user any more. */
  readonly left: readonly string[];
}

/** Where to look for changes of device lists, for one user between two positions. */
export interface DeviceListWindow {
  readonly userId: string;
  /** Above this position … */
  readonly since: number;
  /** … and up to this one. */
  readonly upTo: number;
  /** The rooms that the user is joined to, and since which position. */
  readonly joined: readonly { readonly roomNid: number; readonly since: number }[];
  /** Rooms in which others may have come or gone. */
  readonly moved: readonly number[];
  /** Rooms that the user has joined, and is joined to. */
  readonly entered: readonly number[];
  /** Rooms that the user is not joined to any more, or never was. */
  readonly left: readonly number[];
  /** Whether keys of anybody may have changed. */
  readonly withKeys: boolean;
}

/** Device lists of users, as far as others are told of them. */
export interface DeviceListModel {
  /** How far the logs of users' keys have been read. */
  keySeqs(userIds: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** The rooms that users are joined or invited to. */
  roomsOf(userIds: readonly string[]): Promise<ReadonlyMap<string, readonly number[]>>;
  changes(window: DeviceListWindow): Promise<DeviceListChanges>;
}
