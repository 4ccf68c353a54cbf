import type { Config } from '@ganglion/config';

type ServerNameConfig = Config['server_names'][number];

/** The server name that a request is for, by its Host header; the first one for any other host. */
export function namedServer(names: Config['server_names'], host: string): ServerNameConfig {
  return (
    names.find(({ name }) => name === host) ?? names.find(({ name }) => name === host.replace(/:\d+$/, '')) ?? names[0]!
  );
}
