import type { SchemaDefinition } from '@ganglion/database';

/** What is kept of other servers. */
export const federationApiSchema: SchemaDefinition = {
  schema: 'federation_api',
  version: 9,
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
    {
      version: 3,
      name: 'sending',
      up: `
        -- How far the log of rooms has been read, and that of each room.
        CREATE TABLE federation_api.sender (is_one boolean PRIMARY KEY CHECK (is_one), room_cursor bigint NOT NULL);
        CREATE TABLE federation_api.sender_rooms (room_id text COLLATE "C" PRIMARY KEY, room_seq bigint NOT NULL)
          WITH (fillfactor = 70);

        -- Whom one of our names has something to send. work counts what was added, so that nobody takes it for done who has not
        -- seen it; is_behind: it was away for so long that it gets only what matters of each room. txn_id and txn_last: the
        -- transaction that was tried last and the last PDU in it: it stays the same until the other server has taken it.
        CREATE TABLE federation_api.destinations (
          server_name text COLLATE "C" NOT NULL,
          origin text COLLATE "C" NOT NULL,
          work bigint NOT NULL DEFAULT 1,
          has_work boolean NOT NULL DEFAULT true,
          is_behind boolean NOT NULL DEFAULT false,
          failures integer NOT NULL DEFAULT 0,
          retry_at timestamptz NOT NULL DEFAULT now(),
          leased_by uuid,
          leased_until timestamptz NOT NULL DEFAULT '-infinity',
          txn_id text,
          txn_last bigint,
          PRIMARY KEY (server_name, origin)
        ) WITH (fillfactor = 70);
        CREATE INDEX destinations_due ON federation_api.destinations (retry_at) WHERE has_work;

        CREATE TABLE federation_api.outgoing_pdus (
          pdu_nid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          pdu text NOT NULL,
          created_at timestamptz NOT NULL DEFAULT now()
        );
        CREATE TABLE federation_api.queued_pdus (
          server_name text COLLATE "C" NOT NULL,
          origin text COLLATE "C" NOT NULL,
          pdu_nid bigint NOT NULL REFERENCES federation_api.outgoing_pdus,
          room_id text COLLATE "C" NOT NULL,
          room_seq bigint NOT NULL,
          PRIMARY KEY (server_name, origin, pdu_nid)
        );
        CREATE INDEX queued_pdus_by_pdu ON federation_api.queued_pdus (pdu_nid);
        -- Of who is behind: the last event of each room that is for them.
        CREATE TABLE federation_api.missed_rooms (
          server_name text COLLATE "C" NOT NULL,
          origin text COLLATE "C" NOT NULL,
          room_id text COLLATE "C" NOT NULL,
          room_seq bigint NOT NULL,
          PRIMARY KEY (server_name, origin, room_id)
        );`,
    },
    {
      version: 4,
      name: 'sending EDUs',
      up: `
        -- txn_last_edu: as txn_last, of EDUs.
        ALTER TABLE federation_api.destinations ADD COLUMN txn_last_edu bigint;

        -- What is no event and is kept all the same until its destination has it, as JSON text.
        CREATE TABLE federation_api.outgoing_edus (
          edu_nid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          edu text NOT NULL,
          created_at timestamptz NOT NULL DEFAULT now()
        );
        CREATE TABLE federation_api.queued_edus (
          server_name text COLLATE "C" NOT NULL,
          origin text COLLATE "C" NOT NULL,
          edu_nid bigint NOT NULL REFERENCES federation_api.outgoing_edus,
          PRIMARY KEY (server_name, origin, edu_nid)
        );
        CREATE INDEX queued_edus_by_edu ON federation_api.queued_edus (edu_nid);

        -- Messages to devices that are queued, until whoever had them has forgotten them.
        CREATE TABLE federation_api.taken_device_messages (
          message_id text COLLATE "C" PRIMARY KEY,
          taken_at timestamptz NOT NULL DEFAULT now()
        );`,
    },
    {
      version: 5,
      name: 'sending device lists',
      up: `
        -- As sender and sender_rooms, of keys. stream_id: of the last update of the user's devices that was told of.
        CREATE TABLE federation_api.sender_keys (is_one boolean PRIMARY KEY CHECK (is_one), key_cursor bigint NOT NULL);
        CREATE TABLE federation_api.sender_users (
          user_id text COLLATE "C" PRIMARY KEY,
          key_seq bigint NOT NULL,
          stream_id bigint
        ) WITH (fillfactor = 70);

        -- subject: what it is about, if a later one about the same makes up for it where somebody was away.
        ALTER TABLE federation_api.queued_edus ADD COLUMN subject text COLLATE "C";
        CREATE INDEX queued_edus_by_subject ON federation_api.queued_edus (server_name, origin, subject)
          WHERE subject IS NOT NULL;`,
    },
    {
      version: 6,
      name: 'sending what passes',
      up: `
        -- What passes, of each kind, room, user and thread the last, as JSON text: lost when PostgreSQL crashes. version: in the order
        -- in which it came; it goes on then, too. expires_at: nobody wants it after that.
        CREATE SEQUENCE federation_api.ephemera_version;
        CREATE UNLOGGED TABLE federation_api.ephemera (
          room_id text COLLATE "C" NOT NULL,
          kind text COLLATE "C" NOT NULL,
          user_id text COLLATE "C" NOT NULL,
          thread_id text COLLATE "C" NOT NULL,
          origin text COLLATE "C" NOT NULL,
          version bigint NOT NULL,
          content text NOT NULL,
          updated_at timestamptz NOT NULL DEFAULT now(),
          expires_at timestamptz,
          PRIMARY KEY (room_id, kind, user_id, thread_id)
        );
        CREATE INDEX ephemera_by_version ON federation_api.ephemera (version);

        -- Which servers were in a room when something of it was told last.
        CREATE UNLOGGED TABLE federation_api.ephemera_rooms (
          room_id text COLLATE "C" NOT NULL,
          server_name text COLLATE "C" NOT NULL,
          PRIMARY KEY (room_id, server_name)
        );

        -- Up to here the server has it, or need not have it.
        ALTER TABLE federation_api.destinations ADD COLUMN ephemera_version bigint NOT NULL DEFAULT 0;`,
    },
    {
      version: 7,
      name: 'fetching history',
      up: `
        -- Rooms of which a replica fetches history right now.
        CREATE TABLE federation_api.history_turns (
          room_id text COLLATE "C" PRIMARY KEY,
          taken_by uuid NOT NULL,
          taken_until timestamptz NOT NULL
        );`,
    },
    {
      version: 8,
      name: 'forgetting who is gone',
      up: `
        -- Since when a server has not been reached, nor been heard of; null while it is reached.
        ALTER TABLE federation_api.destinations ADD COLUMN failing_since timestamptz;
        UPDATE federation_api.destinations SET failing_since = now() WHERE failures > 0;
        CREATE INDEX destinations_failing ON federation_api.destinations (failing_since) WHERE failing_since IS NOT NULL;
        CREATE INDEX destinations_idle ON federation_api.destinations (retry_at) WHERE NOT has_work;

        CREATE INDEX outgoing_pdus_by_age ON federation_api.outgoing_pdus (created_at);
        CREATE INDEX outgoing_edus_by_age ON federation_api.outgoing_edus (created_at);
        CREATE INDEX ephemera_rooms_by_server ON federation_api.ephemera_rooms (server_name, room_id);
        CREATE INDEX ephemera_by_age ON federation_api.ephemera (updated_at);
        CREATE INDEX ephemera_by_end ON federation_api.ephemera (expires_at) WHERE expires_at IS NOT NULL;`,
    },
    {
      version: 9,
      name: 'partial joins',
      up: `
        -- Rooms that were joined with event_id without most of their members, who are asked for. servers: whom to ask.
        CREATE TABLE federation_api.partial_joins (
          room_id text COLLATE "C" NOT NULL,
          event_id text COLLATE "C" NOT NULL,
          joined_as text NOT NULL,
          servers text[] NOT NULL,
          failures integer NOT NULL DEFAULT 0,
          try_at timestamptz NOT NULL DEFAULT now(),
          taken_by uuid,
          taken_until timestamptz,
          PRIMARY KEY (room_id, event_id)
        );`,
    },
  ],
};
