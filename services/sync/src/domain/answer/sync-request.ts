import type { CompiledFilter } from '@ganglion/protocol';
import type { AskingDevice } from '../event-text.js';
import type { Delivery } from '../feed/deliveries.js';

/** A parsed /sync request. */
export interface SyncRequest extends AskingDevice {
  /** The position the client has seen everything up to; undefined for an initial sync. */
  readonly since: number | undefined;
  /** Up to where the client has the messages to its device; undefined as `since` is. */
  readonly messagesSince: number | undefined;
  readonly filter: CompiledFilter;
  readonly fullState: boolean;
  /** Under which name rooms answer with state: as it is before the timeline, or after it, which had another name once. */
  readonly stateKey: 'state' | 'state_after' | 'org.matrix.msc4222.state_after';
  /** How long to wait for something to happen, in milliseconds. */
  readonly timeoutMs: number;
  /** Aborted when the client has gone or the process is about to stop. */
  readonly signal: AbortSignal;
  /** Aborted when nobody waits for the answer any more. */
  readonly gone?: AbortSignal;
}

/** One answer in the making: what all of its parts have in common. */
export interface Window {
  readonly request: SyncRequest;
  /** Everything above this position … */
  readonly since: number | undefined;
  /** … and up to this one. */
  readonly upTo: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly ignored: ReadonlySet<string>;
  readonly erased: ReadonlySet<string>;
  /** Whether the user does not want to hear of an invite by somebody. */
  readonly refusesInvitesOf: (userId: string) => boolean;
  /** Is told what the answer brings, when somebody traces it. */
  readonly delivery: Delivery | undefined;
}
