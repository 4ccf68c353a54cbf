/** Events that are sent later. */
export const DELAYED_EVENTS = `
  -- Times are milliseconds since the epoch. transaction: of the request, as JSON. asked_at_seq: how far its room had come.
  -- claimed_at: somebody is sending it since then. Of those that were sent or cancelled the outcome is kept for a day.
  CREATE TABLE room_server.delayed_events (
    delayed_nid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    delay_id text COLLATE "C" NOT NULL UNIQUE,
    room_id text COLLATE "C" NOT NULL,
    sender text COLLATE "C" NOT NULL,
    type text NOT NULL,
    state_key text,
    content text NOT NULL,
    redacts text,
    redacts_own_only boolean NOT NULL,
    transaction text COLLATE "C",
    delay_ms bigint NOT NULL,
    running_since bigint NOT NULL,
    send_at bigint NOT NULL,
    asked_at_seq bigint NOT NULL,
    claimed_at bigint,
    finalised_at bigint,
    event_id text,
    error text,
    by_action boolean NOT NULL DEFAULT false
  );
  CREATE INDEX delayed_events_due ON room_server.delayed_events (send_at) WHERE finalised_at IS NULL;
  CREATE INDEX delayed_events_by_sender ON room_server.delayed_events (sender, delayed_nid);
  CREATE UNIQUE INDEX delayed_events_by_transaction ON room_server.delayed_events (sender, md5(transaction))
    WHERE transaction IS NOT NULL;
  CREATE INDEX delayed_events_by_age ON room_server.delayed_events (finalised_at) WHERE finalised_at IS NOT NULL;
`;
