export interface SubscriptionKey {
  readonly userId: string;
  readonly roomId: string;
  /** The event that the thread begins with. */
  readonly rootId: string;
}

export interface ThreadSubscription {
  readonly roomId: string;
  readonly rootId: string;
  /** Whether it came of something that happened rather than of a wish; undefined for one that was ended. */
  readonly automatic: boolean | undefined;
  /** Grows with every change of any of a user's. */
  readonly seq: number;
}

/** Changes above one number and up to another, the latest first. */
export interface SubscriptionPage {
  readonly userId: string;
  readonly above: number;
  readonly upTo: number;
  readonly limit: number;
}

export type Subscribed =
  | 'subscribed'
  /** It was so already, or by a wish. */
  | 'known'
  /** The user has ended it after what would have brought it about. */
  | 'ended-since';

/** Which threads users follow. */
export interface ThreadSubscriptionModel {
  /** Whether it came about automatically; undefined when there is none. */
  find(key: SubscriptionKey): Promise<boolean | undefined>;
  /** With the position of the event that brings it about, or by a wish. */
  subscribe(key: SubscriptionKey, causePosition: number | undefined): Promise<Subscribed>;
  /** When the read model has come to a position; nothing when there is none. */
  unsubscribe(key: SubscriptionKey, position: number): Promise<void>;
  /** Which of some threads of a room a user follows, by the events that they begin with. */
  followed(userId: string, roomId: string, rootIds: readonly string[]): Promise<ReadonlySet<string>>;
  list(page: SubscriptionPage): Promise<ThreadSubscription[]>;
}
