import type { SchemaDefinition } from '@ganglion/database';
import { DEVICE_LISTS } from './device-list-migration.js';
import { DEVICE_MESSAGES, LEAVING_DEVICE_MESSAGES } from './device-message-migration.js';
import { PRESENCE } from './presence-store.js';
import { PURGES } from './purge-append.js';
import { RELATIONS } from './relations-migration.js';
import { REPORTS } from './report-store.js';
import { SEARCH } from './search-migration.js';
import { SECOND_READ_MODEL } from './second-read-model.js';
import { THREAD_SUBSCRIPTIONS } from './thread-subscription-store.js';
import { WORDS, WORDS_TOGETHER } from './words-migration.js';

/**
 * The read model: what rooms and users look like to clients, in one order of positions. One appender writes it; every
 * replica reads it.
 */
export const syncSchema: SchemaDefinition = {
  schema: 'sync',
  version: 17,
  oldestCompatible: 3,
  migrations: [
    {
      version: 1,
      name: 'read_model',
      up: `
        -- One row. position is the last one handed out; the cursors say how far the owners' logs were compared.
        CREATE TABLE sync.appender (
          only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
          epoch bigint NOT NULL DEFAULT 0,
          position bigint NOT NULL DEFAULT 0,
          room_cursor bigint NOT NULL DEFAULT 0,
          user_cursor bigint NOT NULL DEFAULT 0
        );
        INSERT INTO sync.appender DEFAULT VALUES;

        CREATE TABLE sync.rooms (
          room_nid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          room_id text NOT NULL UNIQUE,
          room_version text NOT NULL,
          room_seq bigint NOT NULL DEFAULT 0,
          position bigint NOT NULL DEFAULT 0,
          visibility text NOT NULL DEFAULT 'shared'
        );

        -- json: the event as clients get it, without room_id and unsigned; a redacted event is stored redacted.
        -- fixed_unsigned: what never changes of unsigned. changes_state: whether it is the new value of its state key.
        CREATE TABLE sync.timeline (
          position bigint PRIMARY KEY,
          room_nid bigint NOT NULL,
          event_id text NOT NULL UNIQUE,
          type text NOT NULL,
          state_key text,
          sender text NOT NULL,
          membership text,
          visibility text NOT NULL,
          previous_visibility text,
          origin_server_ts bigint NOT NULL,
          json text NOT NULL,
          fixed_unsigned text,
          txn_user_id text,
          txn_device_id text,
          txn_id text
        );
        CREATE INDEX timeline_by_room ON sync.timeline (room_nid, position);

        -- From position on, this entry of the room's state is the event at event_position; null when it vanished.
        CREATE TABLE sync.state_log (
          room_nid bigint NOT NULL,
          type text NOT NULL,
          state_key text NOT NULL,
          position bigint NOT NULL,
          event_position bigint,
          PRIMARY KEY (room_nid, type, state_key, position)
        );
        CREATE INDEX state_log_by_position ON sync.state_log (room_nid, position);

        CREATE TABLE sync.memberships (
          user_id text NOT NULL,
          room_nid bigint NOT NULL,
          membership text NOT NULL,
          position bigint NOT NULL,
          PRIMARY KEY (user_id, room_nid)
        );

        -- Who forgot a room after leaving it, and the position of that leaving.
        CREATE TABLE sync.forgotten (
          user_id text NOT NULL,
          room_nid bigint NOT NULL,
          position bigint NOT NULL,
          PRIMARY KEY (user_id, room_nid)
        );

        -- What users have read. position is null until the appender has placed it. thread_id is empty where the receipt is
        -- for all of the room.
        CREATE TABLE sync.receipts (
          room_nid bigint NOT NULL,
          user_id text NOT NULL,
          receipt_type text NOT NULL,
          thread_id text NOT NULL,
          event_id text NOT NULL,
          event_position bigint NOT NULL,
          ts bigint NOT NULL,
          position bigint,
          PRIMARY KEY (room_nid, user_id, receipt_type, thread_id)
        );
        CREATE INDEX receipts_by_position ON sync.receipts (position);
        CREATE INDEX receipts_by_user ON sync.receipts (user_id);
        CREATE INDEX receipts_to_place ON sync.receipts (room_nid) WHERE position IS NULL;

        -- What does not last of rooms. receipt_position is that of the last receipt that everybody may see; typing says who
        -- is typing and until when, as a JSON list.
        CREATE TABLE sync.ephemeral (
          room_nid bigint PRIMARY KEY,
          receipt_position bigint NOT NULL DEFAULT 0,
          typing text NOT NULL DEFAULT '[]',
          typing_position bigint NOT NULL DEFAULT 0
        ) WITH (fillfactor = 70);

        CREATE TABLE sync.users (
          user_id text PRIMARY KEY,
          user_seq bigint NOT NULL
        );

        -- room_id is empty for global account data.
        CREATE TABLE sync.account_data (
          user_id text NOT NULL,
          room_id text NOT NULL,
          type text NOT NULL,
          content text NOT NULL,
          position bigint NOT NULL,
          PRIMARY KEY (user_id, room_id, type)
        );
        CREATE INDEX account_data_by_position ON sync.account_data (user_id, position);
      `,
    },
    {
      version: 2,
      name: 'redactions_in_unsigned',
      up: `
        -- replaces_state: the event whose content this one shows in unsigned. rewritten_position: when a redaction last
        -- changed json or fixed_unsigned.
        ALTER TABLE sync.timeline ADD COLUMN replaces_state text, ADD COLUMN rewritten_position bigint;
        UPDATE sync.timeline SET replaces_state = substring(fixed_unsigned FROM '^"replaces_state":"([^"]*)"')
          WHERE fixed_unsigned LIKE '"replaces_state":%';
        CREATE INDEX timeline_by_replaced ON sync.timeline (replaces_state) WHERE replaces_state IS NOT NULL;
        CREATE INDEX timeline_by_rewriting ON sync.timeline (rewritten_position) WHERE rewritten_position IS NOT NULL;
      `,
    },
    { version: 3, name: 'second_read_model', oldestCompatible: 3, up: SECOND_READ_MODEL },
    { version: 4, name: 'relations', up: RELATIONS },
    {
      version: 5,
      name: 'users who were erased',
      up: `CREATE INDEX account_data_of_erased ON sync.account_data (user_id) WHERE type = ''`,
    },
    { version: 6, name: 'device_messages', up: DEVICE_MESSAGES },
    { version: 7, name: 'device_lists', up: DEVICE_LISTS },
    { version: 8, name: 'leaving_device_messages', up: LEAVING_DEVICE_MESSAGES },
    { version: 9, name: 'presence', up: PRESENCE },
    { version: 10, name: 'search', up: SEARCH },
    { version: 11, name: 'reports', up: REPORTS },
    { version: 12, name: 'words', up: WORDS },
    { version: 13, name: 'purges', up: PURGES },
    { version: 14, name: 'thread_subscriptions', up: THREAD_SUBSCRIPTIONS },
    { version: 15, name: 'words_together', up: WORDS_TOGETHER },
    {
      version: 16,
      name: 'partial_state',
      // From which position on the members of a room are known: 2^53 - 1 where they are not yet.
      up: 'ALTER TABLE sync.rooms ADD COLUMN whole_from bigint NOT NULL DEFAULT 0',
    },
    {
      version: 17,
      name: 'annotations',
      up: `CREATE INDEX relations_of_annotators ON sync.relations (room_nid, parent_id, sender)
        WHERE rel_type = 'm.annotation'`,
    },
  ],
};
