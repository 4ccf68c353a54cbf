import type { Transaction } from '../ports.js';

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
  readonly finalised: Outcome | undefined;
}

/** What has become of a delayed event. */
export interface Outcome {
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

/** Where delayed events are kept until they are sent, and for a day after that. */
export interface DelayedEventModel {
  /** The id under which a transaction's event was kept. */
  find(transaction: Transaction, roomId: string): Promise<string | undefined>;
  /** Keeps an event, unless its transaction was known already. */
  keep(event: NewDelayedEvent, transaction: Transaction | undefined, mostOfUser: number): Promise<Kept>;
  /** Takes those that are due and that nobody else is sending. */
  takeDue(limit: number): Promise<Due>;
  /** Takes one whatever its time; undefined when there is none that waits. */
  takeOne(delayId: string): Promise<DelayedEventRow | undefined>;
  /** In how many milliseconds it is due now; undefined when there is none that waits. */
  restart(delayId: string): Promise<number | undefined>;
  /** Whether there was one that waited. */
  cancel(delayId: string): Promise<boolean>;
  finalise(delayedNid: number, outcome: Omit<Outcome, 'at'>): Promise<void>;
  /** It could not be sent for now. */
  giveBack(delayedNid: number): Promise<void>;
  /** Whether somebody else has set the state that the event would set, since it was asked for. */
  isSuperseded(event: DelayedEventRow): Promise<boolean>;
  list(page: DelayedEventPage): Promise<DelayedEventRow[]>;
  /** Forgets those that were sent or cancelled long ago. */
  prune(): Promise<void>;
}
