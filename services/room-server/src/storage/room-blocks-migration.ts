/** Rooms that the operator wants nothing to do with. */
export const ROOM_BLOCKS = `
  -- Also rooms of which nothing is known. Those that are known have it in their row, which whoever commits to them compares.
  CREATE TABLE room_server.blocked_rooms (
    room_id text PRIMARY KEY,
    blocked_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
  );
  ALTER TABLE room_server.rooms ADD COLUMN blocked boolean NOT NULL DEFAULT false;
`;
