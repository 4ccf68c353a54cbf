import { type Database, sql, statement, type Transaction } from '@ganglion/database';
import type {
  AccountDataRow,
  AppendBatch,
  AppendedEvent,
  AppendRoom,
  DeviceMessageRow,
  KeyChangeRow,
  MembershipRow,
  ReceiptRow,
  Redaction,
  StateLogEntry,
} from '../domain/append-batch.js';
import { BACKFILLED, PURGED } from './append-statement.js';
import { PLACE_FOR_ALL, type PlaceRow, placeOf } from './place-rows.js';
import { PRESENCE_ABOVE, presenceRowOf } from './presence-store.js';
import { RECEIPT } from './receipt-store.js';
import { APPEND_ROOM } from './room-columns.js';

interface Above {
  readonly position: number;
}

const above = ({ position }: Above) => position;

const events = statement(
  'events-above',
  sql<Above>`SELECT ${PLACE_FOR_ALL} FROM sync.timeline t WHERE t.position > ${above} ORDER BY t.position`,
);

/** Of events alone that told what they change (64 says that one did not): what jumped is loaded by whoever is asked for it. */
const state = statement(
  'state-above',
  sql<Above>`
  SELECT s.room_nid AS "roomNid", s.key_nid AS "keyNid", k.type, k.state_key AS "stateKey", s.position,
    s.event_nid AS "eventNid", s.membership
  FROM sync.timeline t
  JOIN sync.state_log s ON s.room_nid = t.room_nid AND s.position = t.position
  JOIN sync.state_keys k ON k.room_nid = s.room_nid AND k.key_nid = s.key_nid
  WHERE t.position > ${above} AND t.flags & 64 = 0 ORDER BY s.position`,
);

const memberships = statement(
  'memberships-above',
  sql<Above>`
  SELECT user_id AS "userId", room_nid AS "roomNid", membership, position, since, event_nid AS "eventNid",
    stripped_state AS "strippedState"
  FROM sync.memberships WHERE position > ${above} ORDER BY position`,
);

const accountData = statement(
  'account-data-above',
  sql<Above>`
  SELECT user_id AS "userId", room_id AS "roomId", type, content, position
  FROM sync.account_data WHERE position > ${above} ORDER BY position`,
);

const receipts = statement(
  'receipts-above',
  sql<Above>`SELECT ${RECEIPT} FROM sync.receipts r WHERE r.position > ${above} ORDER BY r.position`,
);

const deviceMessages = statement(
  'device-messages-above',
  sql<Above>`
  SELECT user_id AS "userId", device_id AS "deviceId", position, message_nid AS "messageNid", size
  FROM sync.device_inbox WHERE position > ${above} ORDER BY position`,
);

const keyChanges = statement(
  'key-changes-above',
  sql<Above>`
  SELECT changed.user_id AS "userId", d.seq, greatest(d.position, changed.signed_at) AS position,
    d.position > ${above} AS "listChanged", changed.signed AS "signedUserIds", (
      SELECT coalesce(json_agg(k.room_nid), '[]') FROM sync.state_keys k
      WHERE k.type = 'm.room.member' AND k.state_key = changed.user_id AND k.present_since IS NOT NULL) AS "roomNids"
  FROM (
    SELECT user_id, max(signed_at) AS signed_at, coalesce(json_agg(signed) FILTER (WHERE signed IS NOT NULL), '[]') AS signed
    FROM (
      SELECT user_id, 0 AS signed_at, NULL AS signed FROM sync.device_lists WHERE position > ${above}
      UNION ALL
      SELECT user_id, position, signed_user_id FROM sync.signed_users WHERE position > ${above}) AS news
    GROUP BY user_id) AS changed
  JOIN sync.device_lists d USING (user_id) ORDER BY 3`,
);

const lateRedactions = statement(
  'late-redactions-above',
  sql<Above>`
  SELECT room_nid AS "roomNid", event_nid AS "eventNid", position FROM sync.late_redactions WHERE position > ${above}`,
);

const roomsOf = statement(
  'rooms-of',
  sql<{ nids: readonly number[] }>`
  SELECT ${APPEND_ROOM} FROM sync.rooms WHERE room_nid = ANY(${({ nids }) => nids}::bigint[])`,
);

/** Reads what was appended above a position, as one batch without texts; undefined when there is nothing. */
export function batchesAbove(db: Database, position: number): Promise<AppendBatch | undefined> {
  return db.transaction(
    async (tx) => {
      const appender = await tx.query<{ position: number }>({ text: 'SELECT position FROM sync.appender' });
      const reached = appender.rows[0]?.position ?? 0;
      return reached <= position ? undefined : readBatch(tx, position, reached);
    },
    { isolation: 'repeatable read' },
  );
}

async function readBatch(tx: Transaction, position: number, reached: number): Promise<AppendBatch> {
  const rooms = await readRooms(tx, { position });
  return { previousPosition: position, position: reached, ...rooms, ...(await readUsers(tx, { position })) };
}

async function readRooms(tx: Transaction, from: Above) {
  const places: AppendedEvent[] = (await tx.query<PlaceRow>(events(from))).rows.map(placeOf);
  const stateLog = (await tx.query<StateLogEntry & Record<string, unknown>>(state(from))).rows.map((row) => ({
    ...row,
    eventNid: row.eventNid ?? undefined,
    membership: row.membership ?? undefined,
  }));
  const members = (await tx.query<MembershipRow & Record<string, unknown>>(memberships(from))).rows.map((row) => ({
    ...row,
    eventNid: row.eventNid ?? undefined,
    strippedState: row.strippedState ?? undefined,
  }));
  const nids = [...new Set([...places, ...members].map(({ roomNid }) => roomNid))];
  const rooms = (await tx.query<AppendRoom & Record<string, unknown>>(roomsOf({ nids }))).rows;
  const jumps = places.filter(({ isJump }) => isJump);
  const late = (await tx.query<Redaction & Record<string, unknown>>(lateRedactions(from))).rows;
  const told = (what: number) =>
    late.flatMap(({ roomNid, position = 0, eventNid }) => (eventNid === what ? [{ roomNid, position }] : []));
  const redactions: Redaction[] = places.flatMap(({ roomNid, redactsNid }) =>
    redactsNid === undefined ? [] : [{ roomNid, eventNid: redactsNid }],
  );
  return {
    rooms,
    events: places,
    backfilled: [],
    stateKeys: [],
    stateLog,
    jumps,
    redactions: [...redactions, ...late.filter(({ eventNid }) => eventNid > 0)],
    purges: told(PURGED),
    backfills: told(BACKFILLED),
    relations: [],
    memberships: members,
  };
}

async function readUsers(tx: Transaction, from: Above) {
  const changed = (await tx.query<AccountDataRow & Record<string, unknown>>(accountData(from))).rows;
  const read = (await tx.query<ReceiptRow & Record<string, unknown>>(receipts(from))).rows;
  const messages = (await tx.query<DeviceMessageRow & Record<string, unknown>>(deviceMessages(from))).rows;
  const keys = (await tx.query<KeyChangeRow & Record<string, unknown>>(keyChanges(from))).rows;
  const present = await tx.query<Parameters<typeof presenceRowOf>[0]>({
    name: 'presence-between',
    text: PRESENCE_ABOVE,
    values: [from.position, Number.MAX_SAFE_INTEGER],
  });
  const users = await tx.query<{ userId: string; seq: number }>({
    name: 'users-of',
    text: 'SELECT user_id AS "userId", user_seq AS seq FROM sync.users WHERE user_id = ANY($1)',
    values: [[...new Set(changed.map((row) => row.userId))]],
  });
  return {
    accountData: changed,
    receipts: read,
    keyChanges: keys,
    presence: present.rows.map(presenceRowOf),
    deviceMessages: messages,
    placedMessageLists: [],
    typing: undefined,
    userSeqs: users.rows,
  };
}
