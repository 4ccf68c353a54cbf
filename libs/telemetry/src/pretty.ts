import type { DestinationStream } from 'pino';
import pretty from 'pino-pretty';

/** Lines for people at a terminal. */
export function prettyDestination(): DestinationStream {
  return pretty({ colorize: process.stdout.isTTY === true, ignore: 'pid,hostname,service,instance', sync: true });
}
