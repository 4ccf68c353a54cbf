/** Rooms that were joined without most of their members, and what the log tells of that. */
export const PARTIAL_STATE = `
  -- join_nid: the event that the room was joined with. server_names: the servers with users there, as another server says; each
  -- has a user of its own in room_hosts until the members are known.
  CREATE TABLE room_server.partial_rooms (
    room_nid bigint PRIMARY KEY,
    join_nid bigint NOT NULL,
    server_names text[] NOT NULL
  );

  -- True with the event that a room was joined with, false with what brings its members.
  ALTER TABLE room_server.event_details ADD COLUMN partial_state boolean;
`;
