import type { ParkReason } from './bus.js';

/** What the bus counts. Labels are names of streams and durables and a few reasons, so they are bounded. */
export interface BusMetrics {
  /** Messages were stored. */
  published(stream: string, count: number): void;
  /** A message could not be stored before its deadline. */
  refused(stream: string): void;
  /** Messages were given to a handler; what is tried again counts again. */
  delivered(stream: string, durable: string, count: number): void;
  /** A message failed temporarily and will be tried again. */
  retried(stream: string, durable: string): void;
  /** A message was set aside. */
  parked(stream: string, durable: string, reason: ParkReason): void;
  /** How many messages the shards of this process have still to handle. */
  lag(stream: string, durable: string, messages: number): void;
}

export const noMetrics: BusMetrics = {
  published: () => {},
  refused: () => {},
  delivered: () => {},
  retried: () => {},
  parked: () => {},
  lag: () => {},
};
