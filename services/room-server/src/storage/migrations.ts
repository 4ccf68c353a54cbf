import type { SchemaDefinition } from '@ganglion/database';
import { DELAYED_EVENTS } from './delayed-events-migration.js';
import { EVENT_GRAPH } from './event-graph-migration/event-graph-migration.js';
import { PARTIAL_STATE } from './partial-state-migration.js';
import { PURGES } from './purge-migration.js';
import { ROOM_BLOCKS } from './room-blocks-migration.js';

/**
 * Rooms and their event graph. Events, states, and pairs of type and state key are referred to by number (nid). Every key
 * begins with the room, and only names are unique across rooms. `rooms.version` counts the commits to a room: each takes
 * the next one by an optimistic check on it.
 */
export const roomServerSchema: SchemaDefinition = {
  schema: 'room_server',
  version: 11,
  // The graph's tables are laid out anew: programs from before cannot read them.
  oldestCompatible: 3,
  migrations: [
    {
      version: 1,
      name: 'rooms',
      up: `
        -- Numbers are handed to processes in blocks of 1000.
        CREATE SEQUENCE room_server.nids INCREMENT BY 1000;

        CREATE TABLE room_server.rooms (
          room_nid bigint PRIMARY KEY,
          room_id text NOT NULL UNIQUE,
          room_version text NOT NULL,
          version bigint NOT NULL,
          state_nid bigint NOT NULL,
          extremities bigint[] NOT NULL,
          published boolean NOT NULL DEFAULT false,
          updated_xid xid8 NOT NULL DEFAULT pg_current_xact_id()
        );
        CREATE INDEX rooms_by_update ON room_server.rooms (updated_xid);
        CREATE INDEX rooms_published ON room_server.rooms (room_nid) WHERE published;

        -- status: 0 accepted, 1 rejected, 2 soft-failed, 3 outlier. Only accepted events have a room_seq.
        CREATE TABLE room_server.events (
          event_nid bigint PRIMARY KEY,
          room_nid bigint NOT NULL,
          room_seq bigint,
          event_id text NOT NULL UNIQUE,
          type text NOT NULL,
          state_key text,
          sender text NOT NULL,
          depth bigint NOT NULL,
          origin_server_ts bigint NOT NULL,
          status smallint NOT NULL DEFAULT 0,
          prev_nids bigint[] NOT NULL,
          auth_nids bigint[] NOT NULL,
          state_before_nid bigint,
          state_after_nid bigint,
          redacts_event_id text,
          pdu text NOT NULL
        );
        CREATE UNIQUE INDEX events_by_seq ON room_server.events (room_nid, room_seq);

        -- A state is a base state and what differs from it; without a base it is a full snapshot.
        CREATE TABLE room_server.states (
          state_nid bigint PRIMARY KEY,
          room_nid bigint NOT NULL,
          base_nid bigint,
          chain_length integer NOT NULL,
          added_nids bigint[] NOT NULL,
          removed jsonb
        );
        CREATE INDEX states_by_room ON room_server.states (room_nid);

        CREATE TABLE room_server.current_state (
          room_nid bigint NOT NULL,
          type text NOT NULL,
          state_key text NOT NULL,
          event_nid bigint NOT NULL,
          membership text,
          PRIMARY KEY (room_nid, type, state_key)
        );
        CREATE INDEX memberships_by_user ON room_server.current_state (state_key, membership)
          WHERE type = 'm.room.member';

        -- Where the state after an event differs from the one before by anything but the event itself.
        CREATE TABLE room_server.state_changes (
          event_nid bigint PRIMARY KEY,
          changes jsonb NOT NULL
        );

        CREATE TABLE room_server.transactions (
          room_nid bigint NOT NULL,
          user_id text NOT NULL,
          device_id text NOT NULL,
          scope text NOT NULL,
          txn_id text NOT NULL,
          event_nid bigint NOT NULL,
          created_at timestamptz NOT NULL DEFAULT now(),
          PRIMARY KEY (room_nid, user_id, device_id, scope, txn_id)
        );
        CREATE INDEX transactions_by_age ON room_server.transactions (created_at);
        CREATE INDEX transactions_by_event ON room_server.transactions (event_nid);

        CREATE TABLE room_server.outbox (
          room_nid bigint NOT NULL,
          first_seq bigint NOT NULL,
          last_seq bigint NOT NULL,
          created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
          PRIMARY KEY (room_nid, first_seq)
        );

        CREATE TABLE room_server.aliases (
          alias text PRIMARY KEY,
          room_nid bigint NOT NULL,
          creator text NOT NULL,
          created_at timestamptz NOT NULL DEFAULT now()
        );
        CREATE INDEX aliases_by_room ON room_server.aliases (room_nid);
      `,
    },
    {
      version: 2,
      name: 'redactions',
      // The PDU stays as it was signed, to authorise by; whoever reads it gets it redacted.
      up: 'ALTER TABLE room_server.events ADD COLUMN redacted_by_nid bigint',
    },
    { version: 3, name: 'event_graph', oldestCompatible: 3, up: EVENT_GRAPH },
    {
      version: 4,
      name: 'relayed_events',
      // The server for which we are to send an event on to the others.
      up: 'ALTER TABLE room_server.event_details ADD COLUMN relay_for text',
    },
    {
      version: 5,
      name: 'taking_part',
      // The version of the room with which we came to take part, after the last time that we did not.
      up: 'ALTER TABLE room_server.rooms ADD COLUMN took_part_version bigint NOT NULL DEFAULT 0',
    },
    {
      version: 6,
      name: 'invited',
      // Few of the members of a room, however many it has.
      up: `CREATE INDEX state_entries_invited ON room_server.state_entries (room_nid, state_key)
        WHERE type = 'm.room.member' AND membership = 'invite'`,
    },
    { version: 7, name: 'purges', up: PURGES },
    { version: 8, name: 'delayed_events', up: DELAYED_EVENTS },
    {
      version: 9,
      name: 'avatars',
      // Whoever lets old files go has to know which are in use.
      up: `CREATE INDEX room_avatars ON room_server.state_entries (room_nid, event_nid)
        WHERE type = 'm.room.avatar' AND state_key = ''`,
    },
    { version: 10, name: 'partial_state', up: PARTIAL_STATE },
    { version: 11, name: 'room_blocks', up: ROOM_BLOCKS },
  ],
};
