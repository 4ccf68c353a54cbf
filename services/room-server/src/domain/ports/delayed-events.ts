import type {
  DelayedEventPage,
  DelayedEventRow,
  DelayedOutcome,
  Due,
  Kept,
  NewDelayedEvent,
} from '../delayed/delayed-event.js';
import type { Transaction } from './rooms.js';

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
  finalise(delayedNid: number, outcome: Omit<DelayedOutcome, 'at'>): Promise<void>;
  /** It could not be sent for now. */
  giveBack(delayedNid: number): Promise<void>;
  /** Whether somebody else has set the state that the event would set, since it was asked for. */
  isSuperseded(event: DelayedEventRow): Promise<boolean>;
  list(page: DelayedEventPage): Promise<DelayedEventRow[]>;
  /** Forgets those that were sent or cancelled long ago. */
  prune(): Promise<void>;
}
