/** An event to be sent later. @see https://github.com/matrix-org/matrix-spec-proposals/pull/4140 */
export interface NewDelayedEvent {
  readonly delayId: string;
  readonly roomId: string;
  readonly sender: string;
  readonly type: string;
  readonly stateKey: string | undefined;
  readonly contentJson: string;
  readonly redacts: string | undefined;
  readonly redactsOwnOnly: boolean;
  readonly delayMs: number;
}

export interface DelayedEventRow extends NewDelayedEvent {
  readonly delayedNid: number;
  /** Since when its delay has run, and when it is due; milliseconds since the epoch, by the database's clock. */
  readonly runningSince: number;
  readonly sendAt: number;
  /** How far its room had come when it was asked for. */
  readonly askedAtSeq: number;
  /** Of those that were sent or cancelled. */
  readonly finalised: DelayedOutcome | undefined;
}

/** What has become of a delayed event. */
export interface DelayedOutcome {
  readonly at: number;
  readonly eventId: string | undefined;
  /** The body of a Matrix error, as JSON. */
  readonly errorJson: string | undefined;
  /** Whether somebody asked for it, rather than its time had come. */
  readonly byAction: boolean;
}

/** Delayed events whose time has come, for who has to send them. */
export interface Due {
  readonly events: readonly DelayedEventRow[];
  /** In how many milliseconds the next one is due, when there is one. */
  readonly nextInMs: number | undefined;
}

export interface DelayedEventPage {
  readonly sender: string;
  readonly delayIds: readonly string[];
  readonly finalised: boolean;
  readonly afterNid: number;
  readonly limit: number;
}

export type Kept =
  | { readonly kind: 'kept'; readonly delayId: string }
  /** The user has as many as they may have. */
  | { readonly kind: 'too-many' }
  /** There is no such room, or the user is not in it. */
  | { readonly kind: 'not-joined' };
