/** Messages of devices to each other. */
export const DEVICE_MESSAGES = `
  -- What was sent, until its device has it. created_at_ms: when the device was logged in that it was sent to, as user-server
  -- says.
  CREATE TABLE sync.device_messages (
    message_nid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id text COLLATE "C" NOT NULL,
    device_id text COLLATE "C" NOT NULL,
    created_at_ms float8 NOT NULL,
    json text NOT NULL
  );

  -- Messages as replicas have taken them in, as JSON lists of their numbers, users, devices and sizes, until the appender has
  -- given them their positions.
  CREATE TABLE sync.new_device_messages (
    list_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    messages text NOT NULL
  );

  -- size: of the message in characters.
  CREATE TABLE sync.device_inbox (
    user_id text COLLATE "C" NOT NULL,
    device_id text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    message_nid bigint NOT NULL,
    size integer NOT NULL,
    PRIMARY KEY (user_id, device_id, position)
  );
  CREATE INDEX device_inbox_by_position ON sync.device_inbox (position);

  -- Requests that were carried out, which their devices may repeat.
  CREATE TABLE sync.device_transactions (
    user_id text COLLATE "C" NOT NULL,
    device_id text COLLATE "C" NOT NULL,
    event_type text COLLATE "C" NOT NULL,
    txn_id text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, device_id, event_type, txn_id)
  );
  CREATE INDEX device_transactions_by_age ON sync.device_transactions (created_at);
`;

/** Messages of our users' devices to those of other servers' users. */
export const LEAVING_DEVICE_MESSAGES = `
  -- Until federation-api has them. messages: contents by user and device, as a JSON object.
  CREATE TABLE sync.leaving_device_messages (
    message_nid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    server_name text COLLATE "C" NOT NULL,
    sender text NOT NULL,
    event_type text NOT NULL,
    message_id text NOT NULL,
    messages text NOT NULL
  );
`;
