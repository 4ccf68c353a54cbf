import type { SchemaDefinition } from '@ganglion/database';

/** What is kept of other servers. */
export const federationApiSchema: SchemaDefinition = {
  schema: 'federation_api',
  version: 1,
  oldestCompatible: 1,
  migrations: [
    {
      version: 1,
      name: 'server-keys',
      up: `
        -- Servers that were asked for their keys. answer: what they said last, as they signed it; is_vouched_for: it came through
        -- a notary. failures: how often in a row they did not answer.
        CREATE TABLE federation_api.key_servers (
          server_name text COLLATE "C" PRIMARY KEY,
          answer text,
          is_vouched_for boolean NOT NULL DEFAULT false,
          failures integer NOT NULL,
          ask_again_at timestamptz NOT NULL
        );
        -- valid_until_ts, of a current key, and expired_ts, of an old one: milliseconds since the epoch, as the server says.
        CREATE TABLE federation_api.server_keys (
          server_name text COLLATE "C" NOT NULL,
          key_id text COLLATE "C" NOT NULL,
          public_key bytea NOT NULL,
          valid_until_ts float8,
          expired_ts float8,
          is_vouched_for boolean NOT NULL,
          PRIMARY KEY (server_name, key_id)
        );`,
    },
  ],
};
