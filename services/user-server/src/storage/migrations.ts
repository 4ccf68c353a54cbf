import type { SchemaDefinition } from '@ganglion/database';

/**
 * Accounts and what belongs to them. `accounts.user_seq` counts the changes of a user's data; it is taken in the
 * transaction of the change, as is `updated_xid`, by which consumers find the users that changed.
 */
export const userServerSchema: SchemaDefinition = {
  schema: 'user_server',
  version: 19,
  oldestCompatible: 1,
  migrations: [
    {
      version: 1,
      name: 'accounts',
      up: `
        CREATE TABLE user_server.accounts (
          user_id text PRIMARY KEY,
          password_hash text,
          admin boolean NOT NULL DEFAULT false,
          guest boolean NOT NULL DEFAULT false,
          user_type text,
          created_at timestamptz NOT NULL DEFAULT now(),
          deactivated_at timestamptz,
          erased boolean NOT NULL DEFAULT false,
          user_seq bigint NOT NULL DEFAULT 0,
          updated_xid xid8
        );
        CREATE INDEX accounts_by_update ON user_server.accounts (updated_xid) WHERE updated_xid IS NOT NULL;

        CREATE TABLE user_server.devices (
          user_id text NOT NULL REFERENCES user_server.accounts,
          device_id text NOT NULL,
          display_name text,
          created_at timestamptz NOT NULL DEFAULT now(),
          last_seen_at timestamptz,
          PRIMARY KEY (user_id, device_id)
        );

        -- A token that replaces another one names it as its parent until it is used for the first time.
        CREATE TABLE user_server.refresh_tokens (
          token_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          token_hash bytea NOT NULL UNIQUE,
          user_id text NOT NULL,
          device_id text NOT NULL,
          parent_id bigint,
          expires_at timestamptz,
          FOREIGN KEY (user_id, device_id) REFERENCES user_server.devices ON DELETE CASCADE
        );
        CREATE INDEX refresh_tokens_by_device ON user_server.refresh_tokens (user_id, device_id);
        CREATE INDEX refresh_tokens_by_parent ON user_server.refresh_tokens (parent_id) WHERE parent_id IS NOT NULL;

        CREATE TABLE user_server.access_tokens (
          token_hash bytea PRIMARY KEY,
          user_id text NOT NULL,
          device_id text NOT NULL,
          refresh_token_id bigint REFERENCES user_server.refresh_tokens ON DELETE CASCADE,
          expires_at timestamptz,
          FOREIGN KEY (user_id, device_id) REFERENCES user_server.devices ON DELETE CASCADE
        );
        CREATE INDEX access_tokens_by_device ON user_server.access_tokens (user_id, device_id);
        CREATE INDEX access_tokens_by_refresh_token ON user_server.access_tokens (refresh_token_id)
          WHERE refresh_token_id IS NOT NULL;

        -- The session's id is known to its client alone; body_digest is keyed with it.
        CREATE TABLE user_server.uia_sessions (
          session_hash bytea PRIMARY KEY,
          endpoint text NOT NULL,
          user_id text,
          body_digest bytea,
          completed text[] NOT NULL DEFAULT '{}',
          expires_at timestamptz NOT NULL
        );
        CREATE INDEX uia_sessions_by_expiry ON user_server.uia_sessions (expires_at);

        CREATE TABLE user_server.registration_nonces (
          nonce text PRIMARY KEY,
          expires_at timestamptz NOT NULL
        );
        CREATE INDEX registration_nonces_by_expiry ON user_server.registration_nonces (expires_at);

        -- Values are JSON text, kept as text because jsonb refuses some of the strings that JSON allows.
        CREATE TABLE user_server.profile_fields (
          user_id text NOT NULL REFERENCES user_server.accounts,
          name text NOT NULL,
          value text NOT NULL,
          PRIMARY KEY (user_id, name)
        );

        -- room_id is empty for global account data.
        CREATE TABLE user_server.account_data (
          user_id text NOT NULL REFERENCES user_server.accounts,
          room_id text NOT NULL,
          type text NOT NULL,
          content text NOT NULL,
          user_seq bigint NOT NULL,
          PRIMARY KEY (user_id, room_id, type)
        );
        CREATE INDEX account_data_by_seq ON user_server.account_data (user_id, user_seq);

        CREATE TABLE user_server.filters (
          user_id text NOT NULL REFERENCES user_server.accounts,
          filter_id text NOT NULL,
          definition text NOT NULL,
          PRIMARY KEY (user_id, filter_id)
        );

        CREATE TABLE user_server.outbox (
          outbox_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          user_id text NOT NULL,
          user_seq bigint NOT NULL,
          room_id text NOT NULL,
          type text NOT NULL,
          content text NOT NULL,
          created_at timestamptz NOT NULL DEFAULT clock_timestamp()
        );

        -- What still has to reach a user's rooms; due_at moves on while a process works on it, and after a failure.
        CREATE TABLE user_server.room_updates (
          user_id text PRIMARY KEY REFERENCES user_server.accounts,
          fields text[] NOT NULL DEFAULT '{}',
          leave boolean NOT NULL DEFAULT false,
          version bigint NOT NULL DEFAULT 1,
          attempts integer NOT NULL DEFAULT 0,
          due_at timestamptz NOT NULL DEFAULT now()
        );
        CREATE INDEX room_updates_by_due ON user_server.room_updates (due_at);
      `,
    },
    {
      version: 2,
      name: 'what interactive authentication remembers',
      up: `
        -- Both sealed with the session's id. body_digest is written by the version before alone.
        ALTER TABLE user_server.uia_sessions ADD COLUMN parameters bytea, ADD COLUMN result bytea;
      `,
    },
    {
      version: 3,
      name: 'what refresh tokens were exchanged for',
      up: `
        -- Sealed with the refresh token, for whoever exchanges it again before one of its successors is used.
        ALTER TABLE user_server.refresh_tokens ADD COLUMN successors bytea;
      `,
    },
    {
      version: 4,
      name: 'locked and suspended accounts, and where devices were seen',
      up: `
        ALTER TABLE user_server.accounts
          ADD COLUMN locked boolean NOT NULL DEFAULT false, ADD COLUMN suspended boolean NOT NULL DEFAULT false;
        ALTER TABLE user_server.devices ADD COLUMN last_seen_address text, ADD COLUMN last_seen_user_agent text;
      `,
    },
    {
      version: 5,
      name: 'registration tokens, terms, tokens for one use or a short time',
      up: `
        -- Sealed with the session's id: what the completed stages have shown.
        ALTER TABLE user_server.uia_sessions ADD COLUMN evidence bytea;

        CREATE TABLE user_server.registration_tokens (
          token text PRIMARY KEY,
          uses_allowed integer,
          uses integer NOT NULL DEFAULT 0,
          expires_at timestamptz,
          created_at timestamptz NOT NULL DEFAULT now()
        );

        CREATE TABLE user_server.accepted_terms (
          user_id text NOT NULL REFERENCES user_server.accounts,
          policy text NOT NULL,
          version text NOT NULL,
          accepted_at timestamptz NOT NULL DEFAULT now(),
          PRIMARY KEY (user_id, policy, version)
        );

        -- What it is good for: to log in once, or to show another service who somebody is.
        CREATE TABLE user_server.short_tokens (
          token_hash bytea PRIMARY KEY,
          purpose text NOT NULL,
          user_id text NOT NULL REFERENCES user_server.accounts,
          expires_at timestamptz NOT NULL
        );
        CREATE INDEX short_tokens_by_user ON user_server.short_tokens (user_id);
        CREATE INDEX short_tokens_by_expiry ON user_server.short_tokens (expires_at);
      `,
    },
    {
      version: 6,
      name: 'what tells of users who were erased',
      up: `
        WITH erased AS (
          UPDATE user_server.accounts SET user_seq = user_seq + 1, updated_xid = pg_current_xact_id()
          WHERE erased RETURNING user_id, user_seq)
        INSERT INTO user_server.account_data (user_id, room_id, type, content, user_seq)
        SELECT user_id, '', '', '{"erased":true}', user_seq FROM erased;
      `,
    },
    {
      version: 7,
      name: 'whose devices have changed',
      up: `
        -- By triggers, as the version before ends devices too.
        CREATE TABLE user_server.device_changes (user_id text COLLATE "C" PRIMARY KEY, changed_xid xid8 NOT NULL);
        CREATE INDEX device_changes_by_update ON user_server.device_changes (changed_xid);

        CREATE FUNCTION user_server.note_device_changes() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          INSERT INTO user_server.device_changes (user_id, changed_xid)
          SELECT DISTINCT user_id, pg_current_xact_id() FROM changed ORDER BY user_id
          ON CONFLICT (user_id) DO UPDATE SET changed_xid = excluded.changed_xid;
          RETURN NULL;
        END $$;

        CREATE FUNCTION user_server.note_device_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          INSERT INTO user_server.device_changes (user_id, changed_xid) VALUES (NEW.user_id, pg_current_xact_id())
          ON CONFLICT (user_id) DO UPDATE SET changed_xid = excluded.changed_xid;
          RETURN NULL;
        END $$;

        CREATE TRIGGER note_ended_devices AFTER DELETE ON user_server.devices
          REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION user_server.note_device_changes();
        CREATE TRIGGER note_renamed_device AFTER UPDATE ON user_server.devices
          FOR EACH ROW WHEN (OLD.display_name IS DISTINCT FROM NEW.display_name)
          EXECUTE FUNCTION user_server.note_device_change();
      `,
    },
    {
      version: 8,
      name: 'dehydrated devices',
      up: `
        ALTER TABLE user_server.devices ADD COLUMN dehydrated boolean NOT NULL DEFAULT false;
      `,
    },
    {
      version: 9,
      name: 'e-mail addresses, and the e-mails that show whose they are',
      up: `
        CREATE TABLE user_server.third_party_ids (
          server_name text NOT NULL,
          medium text NOT NULL,
          address text NOT NULL,
          user_id text NOT NULL REFERENCES user_server.accounts,
          validated_at timestamptz NOT NULL,
          added_at timestamptz NOT NULL DEFAULT now(),
          PRIMARY KEY (server_name, medium, address)
        );
        CREATE INDEX third_party_ids_by_user ON user_server.third_party_ids (user_id);

        -- At which identity servers a user is found by what, as far as they have said so through us.
        CREATE TABLE user_server.identity_bindings (
          user_id text NOT NULL REFERENCES user_server.accounts,
          medium text NOT NULL,
          address text NOT NULL,
          id_server text NOT NULL,
          PRIMARY KEY (user_id, medium, address, id_server)
        );

        -- sealed_token is sealed with the client's secret, for who asks for another e-mail.
        CREATE TABLE user_server.email_sessions (
          session_id text PRIMARY KEY,
          purpose text NOT NULL,
          server_name text NOT NULL,
          address text NOT NULL,
          secret_hash bytea NOT NULL,
          token_hash bytea NOT NULL,
          sealed_token bytea NOT NULL,
          send_attempt bigint NOT NULL DEFAULT 0,
          next_link text,
          confirmed_at timestamptz,
          expires_at timestamptz NOT NULL,
          UNIQUE (purpose, server_name, address, secret_hash)
        );
        CREATE INDEX email_sessions_by_expiry ON user_server.email_sessions (expires_at);

        -- What a mail server has not taken yet. due_at moves on while a process works on it, and after a failure.
        CREATE TABLE user_server.letters (
          letter_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          recipient text NOT NULL,
          subject text NOT NULL,
          text_body text NOT NULL,
          html_body text NOT NULL,
          attempts integer NOT NULL DEFAULT 0,
          due_at timestamptz NOT NULL DEFAULT now(),
          expires_at timestamptz NOT NULL
        );
        CREATE INDEX letters_by_due ON user_server.letters (due_at);
        CREATE INDEX letters_by_expiry ON user_server.letters (expires_at);
      `,
    },
    {
      version: 10,
      name: 'bindings that outlive their account',
      up: `
        -- written is how the identity server writes the address, where that is another way. due_at is when to have it undone:
        -- of accounts that have ended; it moves on with each attempt.
        ALTER TABLE user_server.identity_bindings ADD COLUMN written text,
          ADD COLUMN due_at timestamptz, ADD COLUMN attempts integer NOT NULL DEFAULT 0;
        CREATE INDEX identity_bindings_by_due ON user_server.identity_bindings (due_at) WHERE due_at IS NOT NULL;
        UPDATE user_server.identity_bindings b SET due_at = now()
        FROM user_server.accounts a WHERE a.user_id = b.user_id AND a.deactivated_at IS NOT NULL;
      `,
    },
    {
      version: 11,
      name: 'rooms that replace others',
      up: `
        -- Who has followed into a room that replaces another, with what they had in that one.
        CREATE TABLE user_server.followed_rooms (
          user_id text NOT NULL,
          room_id text NOT NULL,
          PRIMARY KEY (user_id, room_id)
        );
      `,
    },
    {
      version: 12,
      name: 'rooms for notices of the server',
      up: `
        CREATE TABLE user_server.notice_rooms (user_id text PRIMARY KEY, room_id text NOT NULL);
      `,
    },
    {
      version: 13,
      name: 'accounts that expire',
      up: `
        -- When an account expires; null while nobody has said so. told_of_end is the end that its owner was written to about.
        ALTER TABLE user_server.accounts ADD COLUMN expires_at timestamptz, ADD COLUMN told_of_end timestamptz,
          ADD COLUMN renewal_emails boolean NOT NULL DEFAULT true;
        CREATE INDEX accounts_without_end ON user_server.accounts (user_id)
          WHERE expires_at IS NULL AND deactivated_at IS NULL AND NOT admin AND NOT guest;
        -- Whose owners are still to be written to.
        CREATE INDEX accounts_to_tell_of_end ON user_server.accounts (expires_at)
          WHERE deactivated_at IS NULL AND NOT admin AND NOT guest AND renewal_emails AND told_of_end IS DISTINCT FROM expires_at;

        -- Links that renew accounts, once each; those that were used say so until they are over.
        CREATE TABLE user_server.account_renewals (
          token_hash bytea PRIMARY KEY,
          user_id text NOT NULL,
          used_at timestamptz,
          expires_at timestamptz NOT NULL
        );
        CREATE INDEX account_renewals_by_expiry ON user_server.account_renewals (expires_at);
      `,
    },
    {
      version: 14,
      name: 'who was erased, by when',
      up: 'CREATE INDEX accounts_erased_by_time ON user_server.accounts (deactivated_at) WHERE erased',
    },
    {
      version: 15,
      name: 'since when nobody has let accounts expire',
      up: `
        -- One row: when ends of accounts were last looked after.
        CREATE TABLE user_server.account_validity_clock (
          looked_at timestamptz,
          one boolean PRIMARY KEY DEFAULT true CHECK (one)
        );
        INSERT INTO user_server.account_validity_clock DEFAULT VALUES;
      `,
    },
    {
      version: 16,
      name: 'devices that are told from others of the same id',
      up: `
        -- By a default, as the version before logs in devices too. Null for those that were there: what they have sent goes by
        -- their ids alone.
        CREATE SEQUENCE user_server.device_nids;
        ALTER TABLE user_server.devices ADD COLUMN device_nid bigint;
        ALTER TABLE user_server.devices ALTER COLUMN device_nid SET DEFAULT nextval('user_server.device_nids');
        ALTER SEQUENCE user_server.device_nids OWNED BY user_server.devices.device_nid;
      `,
    },
    {
      version: 17,
      name: 'which stages sessions may go through',
      up: `
        -- As JSON, for the pages on which people go through them; null for sessions that the version before has begun.
        ALTER TABLE user_server.uia_sessions ADD COLUMN flows text;
      `,
    },
    {
      version: 18,
      name: 'whether anybody has followed into a room',
      up: 'CREATE INDEX followed_rooms_by_room ON user_server.followed_rooms (room_id)',
    },
    {
      version: 19,
      name: 'who has new devices, or was deactivated, in the log of devices',
      up: `
        CREATE TRIGGER note_new_devices AFTER INSERT ON user_server.devices
          REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION user_server.note_device_changes();
        CREATE TRIGGER note_deactivated_account AFTER UPDATE OF deactivated_at ON user_server.accounts
          FOR EACH ROW WHEN (OLD.deactivated_at IS NULL AND NEW.deactivated_at IS NOT NULL)
          EXECUTE FUNCTION user_server.note_device_change();
        -- What those have left who were deactivated before goes now.
        INSERT INTO user_server.device_changes (user_id, changed_xid)
        SELECT user_id, pg_current_xact_id() FROM user_server.accounts WHERE deactivated_at IS NOT NULL ORDER BY user_id
        ON CONFLICT (user_id) DO UPDATE SET changed_xid = excluded.changed_xid;
      `,
    },
  ],
};
