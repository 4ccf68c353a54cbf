/** Where a user wants to be told of what happens. @see https://spec.matrix.org/v1.19/client-server-api/#push-notifications */
export interface Pusher {
  readonly appId: string;
  readonly pushkey: string;
  readonly kind: 'http';
  readonly appDisplayName: string;
  readonly deviceDisplayName: string;
  readonly profileTag: string | undefined;
  readonly lang: string;
  /** A JSON object as text: what the gateway is sent, and its `url`. */
  readonly data: string;
}

/** A pusher as it is kept. */
export interface OwnedPusher extends Pusher {
  readonly pusherId: number;
  readonly deviceId: string;
  /** When the device set it, in milliseconds since the epoch. */
  readonly setAtMs: number;
}

/** The device that sets a pusher: the pusher ends with it. */
export interface PusherOwner {
  readonly userId: string;
  readonly deviceId: string;
}

export interface PusherStore {
  /** In the order in which they were made. */
  list(userId: string): Promise<OwnedPusher[]>;
  /**
   * Adds a pusher or replaces the user's own with the same app and key, and unless it is to be added to those of other
   * users, removes theirs. False when the user has `most` already.
   */
  put(
    owner: PusherOwner,
    pusher: Pusher,
    options: { readonly append: boolean; readonly most: number },
  ): Promise<boolean>;
  remove(userId: string, appId: string, pushkey: string): Promise<void>;
  /** Removes pushers, unless they have been set anew since they were read. */
  forget(pushers: readonly OwnedPusher[]): Promise<void>;
}
