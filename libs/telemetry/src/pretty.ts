import type { DestinationStream } from 'pino';

/** Lines for people at a terminal. Loaded on demand: a server in a cluster logs JSON and never needs it. */
export async function prettyDestination(): Promise<DestinationStream> {
  const { default: pretty } = await import('pino-pretty');
  return pretty({ colorize: process.stdout.isTTY === true, ignore: 'pid,hostname,service,instance', sync: true });
}
