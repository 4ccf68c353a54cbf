import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  customType,
  foreignKey,
  integer,
  pgSchema,
  primaryKey,
  text,
  timestamp,
  unique,
} from 'drizzle-orm/pg-core';

/** The tables as drizzle knows them; `migrations.ts` makes them, and a test holds the two together. */
const schema = pgSchema('user_server');

const xid8 = customType<{ data: string }>({ dataType: () => 'xid8' });
const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });
const number = (name: string) => bigint(name, { mode: 'number' });
const time = (name: string) => timestamp(name, { withTimezone: true });

export const accounts = schema.table('accounts', {
  userId: text('user_id').primaryKey(),
  passwordHash: text('password_hash'),
  admin: boolean('admin').notNull().default(false),
  guest: boolean('guest').notNull().default(false),
  userType: text('user_type'),
  createdAt: time('created_at').notNull().defaultNow(),
  deactivatedAt: time('deactivated_at'),
  erased: boolean('erased').notNull().default(false),
  userSeq: number('user_seq').notNull().default(0),
  updatedXid: xid8('updated_xid'),
  locked: boolean('locked').notNull().default(false),
  suspended: boolean('suspended').notNull().default(false),
  expiresAt: time('expires_at'),
  toldOfEnd: time('told_of_end'),
  renewalEmails: boolean('renewal_emails').notNull().default(true),
});

const ownerId = () =>
  text('user_id')
    .notNull()
    .references(() => accounts.userId);

export const accountValidityClock = schema.table('account_validity_clock', {
  lookedAt: time('looked_at'),
  one: boolean('one').primaryKey().default(true),
});

export const accountRenewals = schema.table('account_renewals', {
  tokenHash: bytea('token_hash').primaryKey(),
  userId: text('user_id').notNull(),
  usedAt: time('used_at'),
  expiresAt: time('expires_at').notNull(),
});

export const devices = schema.table(
  'devices',
  {
    userId: ownerId(),
    deviceId: text('device_id').notNull(),
    displayName: text('display_name'),
    createdAt: time('created_at').notNull().defaultNow(),
    lastSeenAt: time('last_seen_at'),
    lastSeenAddress: text('last_seen_address'),
    lastSeenUserAgent: text('last_seen_user_agent'),
    dehydrated: boolean('dehydrated').notNull().default(false),
    deviceNid: number('device_nid').default(sql`nextval('user_server.device_nids')`),
  },
  (table) => [primaryKey({ columns: [table.userId, table.deviceId] })],
);

export const deviceChanges = schema.table('device_changes', {
  userId: text('user_id').primaryKey(),
  changedXid: xid8('changed_xid').notNull(),
});

export const refreshTokens = schema.table(
  'refresh_tokens',
  {
    tokenId: number('token_id').primaryKey().generatedAlwaysAsIdentity(),
    tokenHash: bytea('token_hash').notNull().unique(),
    userId: text('user_id').notNull(),
    deviceId: text('device_id').notNull(),
    parentId: number('parent_id'),
    expiresAt: time('expires_at'),
    successors: bytea('successors'),
  },
  (table) => [
    foreignKey({ columns: [table.userId, table.deviceId], foreignColumns: [devices.userId, devices.deviceId] }),
  ],
);

export const accessTokens = schema.table(
  'access_tokens',
  {
    tokenHash: bytea('token_hash').primaryKey(),
    userId: text('user_id').notNull(),
    deviceId: text('device_id').notNull(),
    refreshTokenId: number('refresh_token_id').references(() => refreshTokens.tokenId),
    expiresAt: time('expires_at'),
  },
  (table) => [
    foreignKey({ columns: [table.userId, table.deviceId], foreignColumns: [devices.userId, devices.deviceId] }),
  ],
);

export const uiaSessions = schema.table('uia_sessions', {
  sessionHash: bytea('session_hash').primaryKey(),
  endpoint: text('endpoint').notNull(),
  userId: text('user_id'),
  bodyDigest: bytea('body_digest'),
  completed: text('completed').array().notNull().default([]),
  expiresAt: time('expires_at').notNull(),
  parameters: bytea('parameters'),
  result: bytea('result'),
  evidence: bytea('evidence'),
  flows: text('flows'),
});

export const registrationTokens = schema.table('registration_tokens', {
  token: text('token').primaryKey(),
  usesAllowed: integer('uses_allowed'),
  uses: integer('uses').notNull().default(0),
  expiresAt: time('expires_at'),
  createdAt: time('created_at').notNull().defaultNow(),
});

export const acceptedTerms = schema.table(
  'accepted_terms',
  {
    userId: ownerId(),
    policy: text('policy').notNull(),
    version: text('version').notNull(),
    acceptedAt: time('accepted_at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.userId, table.policy, table.version] })],
);

export const shortTokens = schema.table('short_tokens', {
  tokenHash: bytea('token_hash').primaryKey(),
  purpose: text('purpose').notNull(),
  userId: ownerId(),
  expiresAt: time('expires_at').notNull(),
});

export const thirdPartyIds = schema.table(
  'third_party_ids',
  {
    serverName: text('server_name').notNull(),
    medium: text('medium').notNull(),
    address: text('address').notNull(),
    userId: ownerId(),
    validatedAt: time('validated_at').notNull(),
    addedAt: time('added_at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.serverName, table.medium, table.address] })],
);

export const identityBindings = schema.table(
  'identity_bindings',
  {
    userId: ownerId(),
    medium: text('medium').notNull(),
    address: text('address').notNull(),
    idServer: text('id_server').notNull(),
    written: text('written'),
    dueAt: time('due_at'),
    attempts: integer('attempts').notNull().default(0),
  },
  (table) => [primaryKey({ columns: [table.userId, table.medium, table.address, table.idServer] })],
);

export const emailSessions = schema.table(
  'email_sessions',
  {
    sessionId: text('session_id').primaryKey(),
    purpose: text('purpose').notNull(),
    serverName: text('server_name').notNull(),
    address: text('address').notNull(),
    secretHash: bytea('secret_hash').notNull(),
    tokenHash: bytea('token_hash').notNull(),
    sealedToken: bytea('sealed_token').notNull(),
    sendAttempt: number('send_attempt').notNull().default(0),
    nextLink: text('next_link'),
    confirmedAt: time('confirmed_at'),
    expiresAt: time('expires_at').notNull(),
  },
  (table) => [unique().on(table.purpose, table.serverName, table.address, table.secretHash)],
);

export const letters = schema.table('letters', {
  letterId: number('letter_id').primaryKey().generatedAlwaysAsIdentity(),
  recipient: text('recipient').notNull(),
  subject: text('subject').notNull(),
  textBody: text('text_body').notNull(),
  htmlBody: text('html_body').notNull(),
  attempts: integer('attempts').notNull().default(0),
  dueAt: time('due_at').notNull().defaultNow(),
  expiresAt: time('expires_at').notNull(),
});

export const registrationNonces = schema.table('registration_nonces', {
  nonce: text('nonce').primaryKey(),
  expiresAt: time('expires_at').notNull(),
});

export const profileFields = schema.table(
  'profile_fields',
  { userId: ownerId(), name: text('name').notNull(), value: text('value').notNull() },
  (table) => [primaryKey({ columns: [table.userId, table.name] })],
);

export const accountData = schema.table(
  'account_data',
  {
    userId: ownerId(),
    roomId: text('room_id').notNull(),
    type: text('type').notNull(),
    content: text('content').notNull(),
    userSeq: number('user_seq').notNull(),
  },
  (table) => [primaryKey({ columns: [table.userId, table.roomId, table.type] })],
);

export const filters = schema.table(
  'filters',
  { userId: ownerId(), filterId: text('filter_id').notNull(), definition: text('definition').notNull() },
  (table) => [primaryKey({ columns: [table.userId, table.filterId] })],
);

export const outbox = schema.table('outbox', {
  outboxId: number('outbox_id').primaryKey().generatedAlwaysAsIdentity(),
  userId: text('user_id').notNull(),
  userSeq: number('user_seq').notNull(),
  roomId: text('room_id').notNull(),
  type: text('type').notNull(),
  content: text('content').notNull(),
  createdAt: time('created_at').notNull().defaultNow(),
});

export const followedRooms = schema.table(
  'followed_rooms',
  { userId: text('user_id').notNull(), roomId: text('room_id').notNull() },
  (table) => [primaryKey({ columns: [table.userId, table.roomId] })],
);

export const noticeRooms = schema.table('notice_rooms', {
  userId: text('user_id').primaryKey(),
  roomId: text('room_id').notNull(),
});

export const roomUpdates = schema.table('room_updates', {
  userId: ownerId().primaryKey(),
  fields: text('fields').array().notNull().default([]),
  leave: boolean('leave').notNull().default(false),
  version: number('version').notNull().default(1),
  attempts: integer('attempts').notNull().default(0),
  dueAt: time('due_at').notNull().defaultNow(),
});
