import type { SchemaDefinition } from '@ganglion/database';

/** Where users want to be told of what happens. Their rules are account data, and live with it. */
export const pushSchema: SchemaDefinition = {
  schema: 'push',
  version: 2,
  oldestCompatible: 1,
  migrations: [
    {
      version: 1,
      name: 'pushers',
      up: `
        -- device_id: of the device that set it, with which it ends. data is JSON text.
        CREATE TABLE push.pushers (
          pusher_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          user_id text NOT NULL,
          device_id text NOT NULL,
          app_id text NOT NULL,
          pushkey text NOT NULL,
          kind text NOT NULL,
          app_display_name text NOT NULL,
          device_display_name text NOT NULL,
          profile_tag text,
          lang text NOT NULL,
          data text NOT NULL,
          UNIQUE (user_id, app_id, pushkey)
        );
        CREATE INDEX pushers_by_key ON push.pushers (app_id, pushkey);
        CREATE INDEX pushers_by_device ON push.pushers (user_id, device_id);
      `,
    },
    {
      version: 2,
      name: 'when pushers were set',
      up: 'ALTER TABLE push.pushers ADD COLUMN set_at timestamptz NOT NULL DEFAULT clock_timestamp()',
    },
  ],
};
