import type { SchemaDefinition } from '@ganglion/database';

/**
 * What users publish for end-to-end encryption, and what they keep here in encrypted form. `users.seq` counts the changes that others
 * are told of; it is taken in the transaction of the change, as is `updated_xid`, by which consumers find the users that changed.
 */
export const keyServerSchema: SchemaDefinition = {
  schema: 'key_server',
  version: 7,
  oldestCompatible: 1,
  migrations: [
    {
      version: 1,
      name: 'keys',
      up: `
        -- list_seq: of the last change that anybody but the user can see; backup_version: of the last backup there was.
        CREATE TABLE key_server.users (
          user_id text COLLATE "C" PRIMARY KEY,
          seq bigint NOT NULL DEFAULT 0,
          list_seq bigint NOT NULL DEFAULT 0,
          backup_version bigint NOT NULL DEFAULT 0,
          updated_xid xid8
        );
        CREATE INDEX users_by_update ON key_server.users (updated_xid) WHERE updated_xid IS NOT NULL;

        -- json: canonical, without signatures; signatures: the owner's own, as a JSON object by key id. created_at_ms: when the
        -- device was logged in, as user-server says; seq: of the last change.
        CREATE TABLE key_server.devices (
          user_id text COLLATE "C" NOT NULL REFERENCES key_server.users,
          device_id text COLLATE "C" NOT NULL,
          json text NOT NULL,
          signatures text NOT NULL,
          display_name text,
          created_at_ms float8 NOT NULL,
          seq bigint NOT NULL,
          CONSTRAINT devices_by_name PRIMARY KEY (user_id, device_id)
        );

        -- As devices.
        CREATE TABLE key_server.cross_signing_keys (
          user_id text COLLATE "C" NOT NULL REFERENCES key_server.users,
          usage text NOT NULL,
          public_key text NOT NULL,
          json text NOT NULL,
          signatures text NOT NULL,
          seq bigint NOT NULL,
          CONSTRAINT cross_signing_keys_by_usage PRIMARY KEY (user_id, usage)
        );

        -- A user's signatures of the master keys of others, which they alone may see.
        CREATE TABLE key_server.user_signatures (
          user_id text COLLATE "C" NOT NULL REFERENCES key_server.users,
          signed_user_id text COLLATE "C" NOT NULL,
          signed_key text NOT NULL,
          key_id text NOT NULL,
          signature text NOT NULL,
          seq bigint NOT NULL,
          CONSTRAINT user_signatures_by_signer PRIMARY KEY (user_id, signed_user_id)
        );
        CREATE INDEX user_signatures_by_seq ON key_server.user_signatures (user_id, seq);

        -- Those that were given out are kept for a while: a device that never heard that they had arrived sends them again.
        CREATE TABLE key_server.one_time_keys (
          key_nid bigint GENERATED ALWAYS AS IDENTITY,
          user_id text COLLATE "C" NOT NULL,
          device_id text COLLATE "C" NOT NULL,
          algorithm text COLLATE "C" NOT NULL,
          key_id text COLLATE "C" NOT NULL,
          public_key text COLLATE "C" NOT NULL,
          json text NOT NULL,
          claimed_at timestamptz,
          CONSTRAINT one_time_keys_by_id PRIMARY KEY (user_id, device_id, algorithm, key_id),
          FOREIGN KEY (user_id, device_id) REFERENCES key_server.devices ON DELETE CASCADE
        );
        CREATE UNIQUE INDEX one_time_keys_to_claim ON key_server.one_time_keys (user_id, device_id, algorithm, key_nid)
          WHERE claimed_at IS NULL;
        CREATE INDEX one_time_keys_claimed ON key_server.one_time_keys (claimed_at) WHERE claimed_at IS NOT NULL;

        CREATE TABLE key_server.fallback_keys (
          user_id text COLLATE "C" NOT NULL,
          device_id text COLLATE "C" NOT NULL,
          algorithm text COLLATE "C" NOT NULL,
          key_id text COLLATE "C" NOT NULL,
          public_key text COLLATE "C" NOT NULL,
          json text NOT NULL,
          is_used boolean NOT NULL DEFAULT false,
          CONSTRAINT fallback_keys_by_algorithm PRIMARY KEY (user_id, device_id, algorithm),
          FOREIGN KEY (user_id, device_id) REFERENCES key_server.devices ON DELETE CASCADE
        );

        -- Of a user, the one with the highest version is the current one.
        CREATE TABLE key_server.backups (
          user_id text COLLATE "C" NOT NULL REFERENCES key_server.users,
          version bigint NOT NULL,
          algorithm text NOT NULL,
          auth_data text NOT NULL,
          count bigint NOT NULL DEFAULT 0,
          etag bigint NOT NULL DEFAULT 0,
          CONSTRAINT backups_by_version PRIMARY KEY (user_id, version)
        );

        CREATE TABLE key_server.backup_keys (
          user_id text COLLATE "C" NOT NULL,
          version bigint NOT NULL,
          room_id text COLLATE "C" NOT NULL,
          session_id text COLLATE "C" NOT NULL,
          first_message_index bigint NOT NULL,
          forwarded_count bigint NOT NULL,
          is_verified boolean NOT NULL,
          session_data text NOT NULL,
          CONSTRAINT backup_keys_by_session PRIMARY KEY (user_id, version, room_id, session_id),
          FOREIGN KEY (user_id, version) REFERENCES key_server.backups ON DELETE CASCADE
        );
      `,
    },
    {
      version: 2,
      name: 'changes that wait to be published, and how far the log of devices was read',
      up: `
        -- signed: a JSON list of user ids.
        CREATE TABLE key_server.outbox (
          user_id text COLLATE "C" NOT NULL,
          seq bigint NOT NULL,
          list_changed boolean NOT NULL,
          signed text NOT NULL,
          created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
          PRIMARY KEY (user_id, seq)
        );

        CREATE TABLE key_server.cursors (name text PRIMARY KEY, cursor bigint NOT NULL);
        INSERT INTO key_server.cursors (name, cursor) VALUES ('devices', 0);
      `,
    },
    {
      version: 3,
      name: 'remote_lists',
      up: `
        -- Users of other servers whose devices and keys are kept beside those of ours. list_seq: that of users when the list was asked
        -- for; evidence: of the room that they were in with us then, as room-server gave it.
        CREATE TABLE key_server.remote_lists (
          user_id text COLLATE "C" PRIMARY KEY REFERENCES key_server.users,
          list_seq bigint NOT NULL,
          evidence text NOT NULL
        );
      `,
    },
    {
      version: 4,
      name: 'removed_devices',
      up: `
        -- Devices of our users that are gone, so that other servers can be told; seq: as of devices.
        CREATE TABLE key_server.removed_devices (
          user_id text COLLATE "C" NOT NULL REFERENCES key_server.users,
          device_id text COLLATE "C" NOT NULL,
          seq bigint NOT NULL,
          removed_at timestamptz NOT NULL DEFAULT now(),
          PRIMARY KEY (user_id, device_id)
        );
        CREATE INDEX removed_devices_by_age ON key_server.removed_devices (removed_at);
      `,
    },
    {
      version: 5,
      name: 'dehydrated devices',
      up: `
        -- What the next device of the user needs to take over from it; a JSON object. It goes with the device.
        CREATE TABLE key_server.dehydrated_devices (
          user_id text COLLATE "C" PRIMARY KEY,
          device_id text COLLATE "C" NOT NULL,
          device_data text NOT NULL,
          FOREIGN KEY (user_id, device_id) REFERENCES key_server.devices ON DELETE CASCADE
        );
        CREATE INDEX dehydrated_devices_by_device ON key_server.dehydrated_devices (user_id, device_id);
      `,
    },
    {
      version: 6,
      name: 'users to look at again',
      up: `
        -- Users whose devices have changed and could not be looked at: they are left alone for longer each time.
        CREATE TABLE key_server.users_to_look_at (
          user_id text COLLATE "C" PRIMARY KEY,
          failures integer NOT NULL DEFAULT 1,
          retry_at timestamptz NOT NULL
        );
        CREATE INDEX users_to_look_at_due ON key_server.users_to_look_at (retry_at);
      `,
    },
    {
      version: 7,
      name: 'devices without keys of their own',
      up: `
        -- As devices, of users of ours; seq 0: nobody was told of it.
        CREATE TABLE key_server.keyless_devices (
          user_id text COLLATE "C" NOT NULL REFERENCES key_server.users,
          device_id text COLLATE "C" NOT NULL,
          display_name text,
          created_at_ms float8 NOT NULL,
          seq bigint NOT NULL,
          PRIMARY KEY (user_id, device_id)
        );

        -- Their one-time keys go with them, too: in place of foreign keys, as the version before deletes devices and nothing else.
        ALTER TABLE key_server.one_time_keys DROP CONSTRAINT one_time_keys_user_id_device_id_fkey;
        ALTER TABLE key_server.fallback_keys DROP CONSTRAINT fallback_keys_user_id_device_id_fkey;

        CREATE FUNCTION key_server.forget_keys_of_gone_devices() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          DELETE FROM key_server.one_time_keys k USING gone g
          WHERE k.user_id = g.user_id AND k.device_id = g.device_id
            AND NOT EXISTS (SELECT FROM key_server.devices d WHERE d.user_id = g.user_id AND d.device_id = g.device_id)
            AND NOT EXISTS (SELECT FROM key_server.keyless_devices d WHERE d.user_id = g.user_id AND d.device_id = g.device_id);
          DELETE FROM key_server.fallback_keys k USING gone g
          WHERE k.user_id = g.user_id AND k.device_id = g.device_id
            AND NOT EXISTS (SELECT FROM key_server.devices d WHERE d.user_id = g.user_id AND d.device_id = g.device_id)
            AND NOT EXISTS (SELECT FROM key_server.keyless_devices d WHERE d.user_id = g.user_id AND d.device_id = g.device_id);
          RETURN NULL;
        END $$;

        CREATE TRIGGER forget_keys_of_gone_devices AFTER DELETE ON key_server.devices
          REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION key_server.forget_keys_of_gone_devices();
        CREATE TRIGGER forget_keys_of_gone_keyless_devices AFTER DELETE ON key_server.keyless_devices
          REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION key_server.forget_keys_of_gone_devices();
      `,
    },
  ],
};
