import { bigint, boolean, pgSchema, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';

/** What of the tables is read or written by drizzle; `migrations.ts` makes them, and a test holds the two together. */
const schema = pgSchema('room_server');

const nid = (name: string) => bigint(name, { mode: 'number' });

export const rooms = schema.table('rooms', {
  roomNid: nid('room_nid').primaryKey(),
  roomId: text('room_id').notNull(),
  roomVersion: text('room_version').notNull(),
  published: boolean('published').notNull().default(false),
});

export const stateEntries = schema.table(
  'state_entries',
  {
    roomNid: nid('room_nid').notNull(),
    keyNid: nid('key_nid').notNull(),
    type: text('type').notNull(),
    stateKey: text('state_key').notNull(),
    eventNid: nid('event_nid'),
    membership: text('membership'),
  },
  (table) => [primaryKey({ columns: [table.roomNid, table.type, table.stateKey] })],
);

export const aliases = schema.table('aliases', {
  alias: text('alias').primaryKey(),
  roomNid: nid('room_nid').notNull(),
  creator: text('creator').notNull(),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
});
