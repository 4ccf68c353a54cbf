import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

export interface Options {
  readonly port: number;
  readonly replicas: number;
  readonly data: string;
}

export const help = `Usage: npm run cluster -- [options]

Starts PostgreSQL, NATS, and two processes of every service behind a proxy that sends each path to the service that owns it.
For development and tests: anybody on this machine may register, and there are no rate limits. Every setting can be given
to all processes through the environment: GANGLION_RATE_LIMITS__ENABLED=true npm run cluster

  --port N        where clients reach it (8008)
  --replicas N    processes of every service (2)
  --data FOLDER   what it keeps: database, streams, keys, logs (data/cluster)
  -h, --help      show this
`;

/** The options on the command line; undefined when it asks for help. @throws Error for what is none */
export function parseOptions(args: string[]): Options | undefined {
  const { values } = parseArgs({
    args,
    options: {
      port: { type: 'string', default: '8008' },
      replicas: { type: 'string', default: '2' },
      data: { type: 'string', default: 'data/cluster' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  return {
    port: wholeNumber('port', values.port, 65_535),
    replicas: wholeNumber('replicas', values.replicas, 16),
    data: resolve(values.data),
  };
}

function wholeNumber(name: string, text: string, most: number): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < 1 || number > most) {
    throw new Error(`--${name}: found ${text}, expected a whole number from 1 to ${most}`);
  }
  return number;
}
