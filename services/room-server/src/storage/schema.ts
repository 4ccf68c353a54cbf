import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  customType,
  integer,
  jsonb,
  pgSchema,
  primaryKey,
  smallint,
  text,
  timestamp,
} from 'drizzle-orm/pg-core';

/** The tables as drizzle knows them; `migrations.ts` makes them, and a test holds the two together. */
const schema = pgSchema('room_server');

const xid8 = customType<{ data: string }>({ dataType: () => 'xid8' });
const nid = (name: string) => bigint(name, { mode: 'number' });

export const rooms = schema.table('rooms', {
  roomNid: nid('room_nid').primaryKey(),
  roomId: text('room_id').notNull(),
  roomVersion: text('room_version').notNull(),
  version: nid('version').notNull(),
  stateNid: nid('state_nid').notNull(),
  extremities: nid('extremities').array().notNull(),
  published: boolean('published').notNull().default(false),
  updatedXid: xid8('updated_xid').notNull().default(sql`pg_current_xact_id()`),
});

export const events = schema.table('events', {
  eventNid: nid('event_nid').primaryKey(),
  roomNid: nid('room_nid').notNull(),
  roomSeq: nid('room_seq'),
  eventId: text('event_id').notNull(),
  type: text('type').notNull(),
  stateKey: text('state_key'),
  sender: text('sender').notNull(),
  depth: nid('depth').notNull(),
  originServerTs: nid('origin_server_ts').notNull(),
  status: smallint('status').notNull().default(0),
  prevNids: nid('prev_nids').array().notNull(),
  authNids: nid('auth_nids').array().notNull(),
  stateBeforeNid: nid('state_before_nid'),
  stateAfterNid: nid('state_after_nid'),
  redactsEventId: text('redacts_event_id'),
  pdu: text('pdu').notNull(),
  redactedByNid: nid('redacted_by_nid'),
});

export const states = schema.table('states', {
  stateNid: nid('state_nid').primaryKey(),
  roomNid: nid('room_nid').notNull(),
  baseNid: nid('base_nid'),
  chainLength: integer('chain_length').notNull(),
  addedNids: nid('added_nids').array().notNull(),
  removed: jsonb('removed'),
});

export const currentState = schema.table(
  'current_state',
  {
    roomNid: nid('room_nid').notNull(),
    type: text('type').notNull(),
    stateKey: text('state_key').notNull(),
    eventNid: nid('event_nid').notNull(),
    membership: text('membership'),
  },
  (table) => [primaryKey({ columns: [table.roomNid, table.type, table.stateKey] })],
);

export const stateChanges = schema.table('state_changes', {
  eventNid: nid('event_nid').primaryKey(),
  changes: jsonb('changes').notNull(),
});

export const transactions = schema.table(
  'transactions',
  {
    roomNid: nid('room_nid').notNull(),
    userId: text('user_id').notNull(),
    deviceId: text('device_id').notNull(),
    scope: text('scope').notNull(),
    txnId: text('txn_id').notNull(),
    eventNid: nid('event_nid').notNull(),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.roomNid, table.userId, table.deviceId, table.scope, table.txnId] })],
);

export const outbox = schema.table(
  'outbox',
  {
    roomNid: nid('room_nid').notNull(),
    firstSeq: nid('first_seq').notNull(),
    lastSeq: nid('last_seq').notNull(),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.roomNid, table.firstSeq] })],
);

export const aliases = schema.table('aliases', {
  alias: text('alias').primaryKey(),
  roomNid: nid('room_nid').notNull(),
  creator: text('creator').notNull(),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
});
