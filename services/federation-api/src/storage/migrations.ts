import type { SchemaDefinition } from '@ganglion/database';

/** What is kept of other servers. */
export const federationApiSchema: SchemaDefinition = {
  schema: 'federation_api',
  version: 2,
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
    {
      version: 2,
      name: 'transactions',
      up: `
        -- Transactions of other servers. Whoever works on one has taken it until a moment, and puts that off; once there is an
        -- answer, as JSON text, it is the answer for everybody who asks again.
        CREATE TABLE federation_api.transactions (
          origin text COLLATE "C" NOT NULL,
          destination text COLLATE "C" NOT NULL,
          txn_id text COLLATE "C" NOT NULL,
          taken_by uuid NOT NULL,
          taken_until timestamptz NOT NULL,
          answer text,
          created_at timestamptz NOT NULL DEFAULT now(),
          PRIMARY KEY (origin, destination, txn_id)
        ) WITH (fillfactor = 70);
        CREATE INDEX transactions_by_age ON federation_api.transactions (created_at);`,
    },
  ],
};
