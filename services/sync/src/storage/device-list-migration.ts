/** Whose keys changed when, and what of that a user's own devices alone have to know. */
export const DEVICE_LISTS = `
  -- seq: how far key-server's log of the user was read; position: where anybody else could last see a change, 0 when nobody could.
  CREATE TABLE sync.device_lists (
    user_id text COLLATE "C" PRIMARY KEY,
    seq bigint NOT NULL,
    position bigint NOT NULL
  );
  CREATE INDEX device_lists_by_position ON sync.device_lists (position);

  -- Whom users have signed, and when last.
  CREATE TABLE sync.signed_users (
    user_id text COLLATE "C" NOT NULL,
    signed_user_id text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (user_id, signed_user_id)
  );
  CREATE INDEX signed_users_by_position ON sync.signed_users (position);

  CREATE INDEX state_keys_of_members ON sync.state_keys (state_key, room_nid) WHERE type = 'm.room.member';

  ALTER TABLE sync.appender ADD COLUMN key_cursor bigint NOT NULL DEFAULT 0;
`;
