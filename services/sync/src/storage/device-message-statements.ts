import { type Fragment, rowsOf, sql, statement } from '@ganglion/database';
import type { AppendBatch } from '../domain/append-batch.js';
import type { DeviceMessages, DeviceName, Recipient } from '../domain/ports/device-message-model.js';

const REQUEST = { request: 'integer', user_id: 'text', device_id: 'text', event_type: 'text', txn_id: 'text' } as const;
const MESSAGE = {
  request: 'integer',
  ordinal: 'integer',
  user_id: 'text',
  device_id: 'text',
  created_at_ms: 'float8',
  json: 'text',
} as const;

const LEAVING = {
  request: 'integer',
  ordinal: 'integer',
  server_name: 'text',
  message_id: 'text',
  messages: 'text',
} as const;

type Requests = readonly DeviceMessages[];

/** So many messages are placed at once at most, unless one request has sent them: events wait for no more than these. */
const LIST_SIZE = 500;

/** Requests in the order of their names, so that nobody deadlocks with who repeats the same ones at another replica. */
export const handOver = statement(
  'hand-over-device-messages',
  sql<Requests>`
  WITH asked AS MATERIALIZED (${rowsOf('t', REQUEST, (requests: Requests) =>
    requests.map(({ userId, deviceId, eventType, txnId }, request) => ({
      ...{ request, user_id: userId, device_id: deviceId, event_type: eventType, txn_id: txnId },
    })),
  )}), fresh AS (
    INSERT INTO sync.device_transactions (user_id, device_id, event_type, txn_id)
    SELECT user_id, device_id, event_type, txn_id FROM asked ORDER BY user_id, device_id, event_type, txn_id
    ON CONFLICT DO NOTHING RETURNING user_id, device_id, event_type, txn_id
  ), stored AS (
    INSERT INTO sync.device_messages (user_id, device_id, created_at_ms, json)
    SELECT sent.user_id, sent.device_id, sent.created_at_ms, sent.json
    FROM (${rowsOf('m', MESSAGE, messageRows)}) AS sent
    JOIN asked USING (request)
    JOIN fresh ON fresh.user_id = asked.user_id AND fresh.device_id = asked.device_id
      AND fresh.event_type = asked.event_type AND fresh.txn_id = asked.txn_id
    ORDER BY sent.ordinal
    RETURNING message_nid, user_id, device_id, length(json) AS size
  ), leaving AS (
    INSERT INTO sync.leaving_device_messages (server_name, sender, event_type, message_id, messages)
    SELECT sent.server_name, asked.user_id, asked.event_type, sent.message_id, sent.messages
    FROM (${rowsOf('l', LEAVING, leavingRows)}) AS sent
    JOIN asked USING (request)
    JOIN fresh ON fresh.user_id = asked.user_id AND fresh.device_id = asked.device_id
      AND fresh.event_type = asked.event_type AND fresh.txn_id = asked.txn_id
    ORDER BY sent.ordinal
  )
  INSERT INTO sync.new_device_messages (messages)
  SELECT json_agg(json_build_array(message_nid, user_id, device_id, size) ORDER BY message_nid)::text
  FROM (SELECT *, (row_number() OVER (ORDER BY message_nid) - 1) / ${() => LIST_SIZE}::integer AS list FROM stored) AS numbered
  GROUP BY list ORDER BY list`,
);

function messageRows(requests: Requests) {
  return requests
    .flatMap(({ messages }, request) => messages.map((message) => ({ request, message })))
    .map(({ request, message }, ordinal) => ({
      ...{ request, ordinal, user_id: message.userId, device_id: message.deviceId },
      ...{ created_at_ms: message.createdAtMs, json: message.json },
    }));
}

function leavingRows(requests: Requests) {
  return requests
    .flatMap(({ leaving }, request) => leaving.map((message) => ({ request, message })))
    .map(({ request, message: { serverName, messageId, messages } }, ordinal) => ({
      ...{ request, ordinal, server_name: serverName, message_id: messageId, messages },
    }));
}

/** Messages of one device: those above one position and up to another. */
export interface WantedPage extends DeviceName {
  readonly above: number;
  readonly upTo: number;
}

interface Wanted {
  readonly pages: readonly WantedPage[];
  /** Of each page. */
  readonly limit: number;
  /** Of each page, in characters. */
  readonly size: number;
}

const PAGE = { page: 'integer', user_id: 'text', device_id: 'text', above: 'bigint', up_to: 'bigint' } as const;

/** Pages of many devices, each read from the index, in the order in which they are asked for. */
export const inboxPages = statement(
  'device-inboxes-of-many',
  sql<Wanted>`
  WITH wanted AS MATERIALIZED (${rowsOf('w', PAGE, ({ pages }: Wanted) =>
    pages.map(({ userId, deviceId, above, upTo }, page) => ({
      ...{ page, user_id: userId, device_id: deviceId, above, up_to: upTo },
    })),
  )})
  SELECT w.page, s.position, s.found::integer, m.json FROM wanted w CROSS JOIN LATERAL (
    SELECT position, message_nid, count(*) OVER () AS found, row_number() OVER (ORDER BY position) AS place,
      sum(size) OVER (ORDER BY position) - size AS size_before
    FROM (
      SELECT i.position, i.message_nid, i.size FROM sync.device_inbox i
      WHERE i.user_id = w.user_id AND i.device_id = w.device_id AND i.position > w.above AND i.position <= w.up_to
      ORDER BY i.position LIMIT ${({ limit }) => limit}::integer + 1) AS found) AS s
  JOIN sync.device_messages m USING (message_nid)
  WHERE s.place <= ${({ limit }) => limit}::integer AND s.size_before < ${({ size }) => size}
  ORDER BY w.page, s.position`,
);

/** Messages of one device, up to a position. */
export interface ForgottenInbox extends DeviceName {
  readonly upTo: number;
}

type Forgotten = readonly ForgottenInbox[];

/**
 * In the order of the devices, and each message off its inbox before it goes itself, so that nobody deadlocks with who forgets
 * the same ones at another replica.
 */
export const forgetInboxes = statement(
  'forget-device-inboxes',
  sql<Forgotten>`
  WITH devices AS MATERIALIZED (${rowsOf(
    'd',
    { user_id: 'text', device_id: 'text', up_to: 'bigint' },
    (inboxes: Forgotten) =>
      inboxes.map(({ userId, deviceId, upTo }) => ({ ...{ user_id: userId, device_id: deviceId, up_to: upTo } })),
  )}), had AS MATERIALIZED (
    SELECT i.* FROM devices d CROSS JOIN LATERAL (
      SELECT user_id, device_id, position, message_nid FROM sync.device_inbox
      WHERE user_id = d.user_id AND device_id = d.device_id AND position <= d.up_to ORDER BY position FOR UPDATE) AS i
  ), taken_out AS (
    DELETE FROM sync.device_inbox i USING had
    WHERE i.user_id = had.user_id AND i.device_id = had.device_id AND i.position = had.position
  )
  DELETE FROM sync.device_messages m USING had WHERE m.message_nid = had.message_nid`,
);

interface Living {
  readonly living: readonly Recipient[];
  readonly userIds: readonly string[];
  readonly upTo: number;
}

/** Locks in the order in which those do who forget what was read. */
export const forgetAllBut = statement(
  'forget-inboxes',
  sql<Living>`
  WITH living AS MATERIALIZED (${rowsOf(
    'l',
    { user_id: 'text', device_id: 'text', created_at_ms: 'float8' },
    ({ living }: Living) =>
      living.map(({ userId, deviceId, createdAtMs }) => ({
        ...{ user_id: userId, device_id: deviceId, created_at_ms: createdAtMs },
      })),
  )}), gone AS MATERIALIZED (
    SELECT i.user_id, i.device_id, i.position, i.message_nid FROM sync.device_inbox i
    JOIN sync.device_messages m USING (message_nid)
    WHERE i.user_id = ANY(${({ userIds }: Living) => userIds}::text[]) AND i.position <= ${({ upTo }: Living) => upTo}
      AND NOT EXISTS (SELECT FROM living l
        WHERE l.user_id = i.user_id AND l.device_id = i.device_id AND l.created_at_ms = m.created_at_ms)
    ORDER BY i.user_id COLLATE "C", i.device_id COLLATE "C", i.position FOR UPDATE OF i
  ), taken_out AS (
    DELETE FROM sync.device_inbox i USING gone
    WHERE i.user_id = gone.user_id AND i.device_id = gone.device_id AND i.position = gone.position
  )
  DELETE FROM sync.device_messages m USING gone WHERE m.message_nid = gone.message_nid`,
);

const PLACED = {
  user_id: 'text',
  device_id: 'text',
  position: 'bigint',
  message_nid: 'bigint',
  size: 'integer',
} as const;

interface Append {
  readonly batch: AppendBatch;
}

/**
 * What a batch with messages to devices adds to the statement that appends it. They are placed in the very statement that takes
 * them off what was handed over: none is placed twice, whoever dies.
 */
export const APPEND_DEVICE_MESSAGES: Fragment<Append> = sql`, device_messages AS (
    INSERT INTO sync.device_inbox (user_id, device_id, position, message_nid, size)
    ${rowsOf('dm', PLACED, ({ batch }: Append) =>
      batch.deviceMessages.map(({ userId, deviceId, position, messageNid, size }) => ({
        ...{ user_id: userId, device_id: deviceId, position, message_nid: messageNid, size },
      })),
    )}, moved
  ), placed_lists AS (
    DELETE FROM sync.new_device_messages USING moved
    WHERE list_id = ANY(${({ batch }: Append) => batch.placedMessageLists}::bigint[])
  )`;
