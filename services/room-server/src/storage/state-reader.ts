import type { GetStateAtEventRequest, TransactionKey } from '@ganglion/contracts/room';
import type { Queryable } from '@ganglion/database';
import type { StateSource } from '../domain/ports/state-source.js';
import type { States } from '../domain/state/states.js';
import type { PagedState, StateEvent, StatePage, UserInRoom } from '../domain/visible-state.js';
import { rememberedSlots } from './transaction-keys.js';

interface EventRow extends Record<string, unknown> {
  eventNid: number;
  sender: string;
  eventId: string;
  pduJson: string;
  redactionNid: number | null;
  redactionSender: string | null;
  redactionId: string | null;
  redactionJson: string | null;
  redactionIsRedacted: boolean;
}

interface WholeRow extends EventRow {
  version: string;
  userId: string | null;
  deviceId: string | null;
  scope: string | null;
  txnId: string | null;
}

/** An event with its room's version, and the transaction that made it while that is remembered. */
export interface WholeEvent {
  readonly event: StateEvent;
  readonly version: string;
  readonly transaction: TransactionKey | undefined;
}

const EVENT = `e.event_nid AS "eventNid", e.sender, e.event_id AS "eventId", e.pdu AS "pduJson",
  r.event_nid AS "redactionNid", r.sender AS "redactionSender", r.event_id AS "redactionId", r.pdu AS "redactionJson",
  r.redacted_by_nid IS NOT NULL AS "redactionIsRedacted"`;
const REDACTION = 'LEFT JOIN room_server.events r ON r.room_nid = e.room_nid AND r.event_nid = e.redacted_by_nid';

const MEMBERSHIP = `
  SELECT r.room_nid AS "roomNid", r.room_version AS "roomVersion", m.membership, m.event_nid AS "eventNid", v.pdu AS visibility,
    r.partial_state AS "isPartial"
  FROM room_server.rooms r
  LEFT JOIN room_server.state_entries m
    ON m.room_nid = r.room_nid AND m.type = 'm.room.member' AND m.state_key = $2
  LEFT JOIN room_server.state_entries c
    ON c.room_nid = r.room_nid AND c.type = 'm.room.history_visibility' AND c.state_key = ''
  LEFT JOIN room_server.events v ON v.room_nid = c.room_nid AND v.event_nid = c.event_nid
  WHERE r.room_id = $1`;

const CURRENT = `
  SELECT ${EVENT}
  FROM room_server.state_entries c JOIN room_server.events e USING (room_nid, event_nid) ${REDACTION}
  WHERE c.room_nid = $1 AND ($2::text IS NULL OR c.type = $2) AND ($3::text IS NULL OR c.state_key = $3)
  ORDER BY e.depth, e.event_nid`;

const CURRENT_PAGE = `
  SELECT c.key_nid AS "keyNid", ${EVENT}
  FROM room_server.state_entries c JOIN room_server.events e USING (room_nid, event_nid) ${REDACTION}
  WHERE c.room_nid = $1 AND c.key_nid > $2 AND ($3::text IS NULL OR c.type = $3) ORDER BY c.key_nid LIMIT $4`;

const KEYS = `
  SELECT key_nid FROM room_server.state_entries
  WHERE room_nid = $1 AND ($2::text IS NULL OR type = $2) AND ($3::text IS NULL OR state_key = $3)`;

const WANTED_KEYS = `
  SELECT key_nid FROM room_server.state_entries
  WHERE room_nid = $1 AND type <> 'm.room.member' AND $2
  UNION ALL
  SELECT key_nid FROM room_server.state_entries
  WHERE room_nid = $1 AND type = 'm.room.member' AND ($3 OR state_key = ANY($4))`;

const EVENTS = `
  SELECT ${EVENT} FROM room_server.events e ${REDACTION}
  WHERE e.room_nid = $1 AND e.event_nid = ANY($2) ORDER BY e.depth, e.event_nid`;

/** What one key was after each of some events, found by the longest strides back from there. */
const KEY_AFTER_EVENTS = `
  WITH RECURSIVE key AS (
    SELECT key_nid FROM room_server.state_entries WHERE room_nid = $1 AND type = $3 AND state_key = $4
  ), stride AS (
    SELECT e.event_nid AS asked, s.*, 1 AS distance FROM room_server.events e
    JOIN room_server.states s ON s.room_nid = $1 AND s.state_nid = e.state_after_nid
    WHERE e.room_nid = $1 AND e.event_nid = ANY($2)
    UNION ALL
    SELECT stride.asked, s.*, stride.distance + 1 FROM stride
    JOIN room_server.states s ON s.room_nid = $1 AND s.state_nid = stride.skip_nid
  ), latest AS (
    SELECT DISTINCT ON (stride.asked) stride.asked, found.event_nid
    FROM stride CROSS JOIN key CROSS JOIN LATERAL (
      SELECT stride.event_nids[array_position(stride.key_nids, key.key_nid)] AS event_nid WHERE NOT stride.has_runs
      UNION ALL
      SELECT run.event_nids[array_position(run.key_nids, key.key_nid)] FROM (
        SELECT r.key_nids, r.event_nids FROM room_server.state_runs r
        WHERE stride.has_runs AND r.room_nid = $1 AND r.state_nid = stride.state_nid AND r.first_key <= key.key_nid
        ORDER BY r.first_key DESC LIMIT 1) AS run
    ) AS found
    WHERE found.event_nid IS NOT NULL ORDER BY stride.asked, stride.distance
  )
  SELECT array_agg(latest.asked) AS asked, e.pdu AS "pduJson"
  FROM latest JOIN room_server.events e ON e.room_nid = $1 AND e.event_nid = latest.event_nid
  GROUP BY e.room_nid, e.event_nid`;

/** An event with its room's version and whose request made it, as long as that is remembered. */
const WHOLE_EVENT = `${EVENT}, rooms.room_version AS version, t.user_id AS "userId", t.device_id AS "deviceId", t.scope,
  t.txn_id AS "txnId"`;
const TRANSACTION = (slots: string) => `LEFT JOIN room_server.transactions t
  ON t.slot = ANY(${slots}::smallint[]) AND t.room_nid = e.room_nid AND t.txn_key = e.txn_key AND t.event_nid = e.event_nid`;

const EVENTS_BY_ID = `
  SELECT ${WHOLE_EVENT}
  FROM room_server.rooms JOIN room_server.events e USING (room_nid) ${REDACTION} ${TRANSACTION('$4')}
  WHERE rooms.room_id = $1 AND e.event_id = ANY($2) AND (e.status = 0 OR $5::boolean AND e.status = 3)
  UNION ALL
  SELECT ${WHOLE_EVENT}
  FROM room_server.rooms JOIN room_server.events e USING (room_nid) ${REDACTION} ${TRANSACTION('$4')}
  WHERE rooms.room_id = $1 AND e.event_nid = ANY($3) AND e.status <> 1`;

const EVENTS_OF_ROOMS = `
  SELECT ${WHOLE_EVENT}
  FROM unnest($1::bigint[], $2::bigint[]) AS wanted(room_nid, event_nid)
  JOIN room_server.events e USING (room_nid, event_nid) JOIN room_server.rooms USING (room_nid)
  ${REDACTION} ${TRANSACTION('$3')} WHERE e.status <> 1`;

/** Reads the state of rooms, now or at an event. */
export class StateReader implements StateSource {
  constructor(
    private readonly db: Queryable,
    private readonly states: States,
  ) {}

  /** Undefined when there is no such room. */
  async membership(roomId: string, userId: string): Promise<UserInRoom | undefined> {
    type Row = { roomNid: number; roomVersion: string; isPartial: boolean } & {
      membership: string | null;
      eventNid: number | null;
      visibility: string | null;
    };
    const { rows } = await this.db.query<Row>({
      name: 'membership-in-room',
      text: MEMBERSHIP,
      values: [roomId, userId],
    });
    const row = rows[0];
    if (row === undefined) return undefined;
    const content = row.visibility === null ? undefined : JSON.parse(row.visibility).content;
    return {
      roomNid: row.roomNid,
      roomVersion: row.roomVersion,
      membership: row.membership ?? undefined,
      eventNid: row.eventNid ?? undefined,
      historyVisibility: content?.history_visibility,
      isPartial: row.isPartial,
    };
  }

  async current(roomNid: number, type?: string, stateKey?: string): Promise<StateEvent[]> {
    const values = [roomNid, type ?? null, stateKey ?? null];
    const { rows } = await this.db.query<EventRow>({ name: 'current-state', text: CURRENT, values });
    return rows.map(stateEvent);
  }

  async currentPage(roomNid: number, { afterKey, limit }: StatePage, type?: string): Promise<PagedState[]> {
    const { rows } = await this.db.query<EventRow & { keyNid: number }>({
      ...{ name: 'page-of-state', text: CURRENT_PAGE, values: [roomNid, afterKey, type ?? null, limit] },
    });
    return rows.map((row) => ({ keyNid: row.keyNid, event: stateEvent(row) }));
  }

  /**
   * Events of a room: accepted ones by their ids, and any but rejected ones by their numbers. Those that it
   * does not have are left out.
   *
   * @param withOutliers those that were accepted without a place in the room by their ids, too
   */
  async events(
    roomId: string,
    eventIds: readonly string[],
    eventNids: readonly number[],
    withOutliers = false,
  ): Promise<WholeEvent[]> {
    const values = [roomId, eventIds, eventNids, rememberedSlots(), withOutliers];
    const { rows } = await this.db.query<WholeRow>({ name: 'events-by-id', text: EVENTS_BY_ID, values });
    return rows.map(wholeEvent);
  }

  /** Events of several rooms by their numbers, any but rejected ones. @param roomNids the room of each */
  async eventsOfRooms(roomNids: readonly number[], eventNids: readonly number[]): Promise<WholeEvent[]> {
    const values = [roomNids, eventNids, rememberedSlots()];
    const { rows } = await this.db.query<WholeRow>({ name: 'events-of-rooms', text: EVENTS_OF_ROOMS, values });
    return rows.map(wholeEvent);
  }

  async around(roomNid: number, eventNid: number, side: 'before' | 'after', type?: string, stateKey?: string) {
    const stateNid = await this.#stateOf(roomNid, eventNid, side);
    if (stateNid === undefined) return [];
    const entries = await this.#entries(roomNid, stateNid, type, stateKey);
    return (await this.#events(roomNid, [...entries.values()])).map(stateEvent);
  }

  async pageAfter(roomNid: number, eventNid: number, { afterKey, limit }: StatePage, type?: string) {
    const stateNid = await this.#stateOf(roomNid, eventNid, 'after');
    if (stateNid === undefined) return [];
    const entries = [...(await this.#entries(roomNid, stateNid, type))].filter(([keyNid]) => keyNid > afterKey);
    const page = entries.sort(([one], [other]) => one - other).slice(0, limit);
    const rows = await this.#events(
      roomNid,
      page.map(([, nid]) => nid),
    );
    const byNid = new Map(rows.map((row) => [row.eventNid, stateEvent(row)]));
    return page.flatMap(([keyNid, nid]) => {
      const event = byNid.get(nid);
      return event === undefined ? [] : [{ keyNid, event }];
    });
  }

  async joinedAfter(roomNid: number, eventNids: readonly number[], userId: string) {
    const values = [roomNid, eventNids, 'm.room.member', userId];
    type Row = { asked: number[]; pduJson: string };
    const { rows } = await this.db.query<Row>({ name: 'key-after-events', text: KEY_AFTER_EVENTS, values });
    const joined = rows.filter(({ pduJson }) => JSON.parse(pduJson).content.membership === 'join');
    return new Set(joined.flatMap(({ asked }) => asked));
  }

  async #events(roomNid: number, eventNids: readonly number[]): Promise<EventRow[]> {
    const values = [roomNid, eventNids];
    return (await this.db.query<EventRow>({ name: 'events-of-state', text: EVENTS, values })).rows;
  }

  async #entries(roomNid: number, stateNid: number, type?: string, stateKey?: string) {
    if (type === undefined) return this.states.entries(roomNid, stateNid);
    return this.states.lookUp(roomNid, stateNid, await this.#keys(roomNid, type, stateKey));
  }

  /** The numbers of the events that a state had at an event; undefined for an event that has no place in the room. */
  async entriesAt(asked: GetStateAtEventRequest): Promise<number[] | undefined> {
    const { roomNid, eventNid, others, allMembers, userIds } = asked;
    const stateNid = await this.#stateOf(roomNid, eventNid, 'after');
    if (stateNid === undefined) return undefined;
    const values = [roomNid, others, allMembers, userIds];
    const { rows } = await this.db.query<{ key_nid: number }>({ name: 'wanted-keys', text: WANTED_KEYS, values });
    const keys = rows.map((row) => row.key_nid);
    if (!allMembers) return [...(await this.states.lookUp(roomNid, stateNid, keys)).values()];
    const entries = await this.states.entries(roomNid, stateNid);
    return keys.flatMap((keyNid) => entries.get(keyNid) ?? []);
  }

  async #stateOf(roomNid: number, eventNid: number, side: 'before' | 'after'): Promise<number | undefined> {
    const { rows } = await this.db.query<{ before: number | null; after: number | null }>({
      name: 'states-of-event',
      text: `SELECT state_before_nid AS before, state_after_nid AS after FROM room_server.events
        WHERE room_nid = $1 AND event_nid = $2`,
      values: [roomNid, eventNid],
    });
    return rows[0]?.[side] ?? undefined;
  }

  async #keys(roomNid: number, type: string, stateKey: string | undefined): Promise<number[]> {
    const values = [roomNid, type, stateKey ?? null];
    const { rows } = await this.db.query<{ key_nid: number }>({ name: 'state-keys', text: KEYS, values });
    return rows.map((row) => row.key_nid);
  }
}

function wholeEvent(row: WholeRow): WholeEvent {
  const { version, userId, deviceId, scope, txnId } = row;
  const isRemembered = userId !== null && deviceId !== null && scope !== null && txnId !== null;
  return {
    event: stateEvent(row),
    version,
    transaction: isRemembered ? { userId, deviceId, scope, txnId } : undefined,
  };
}

function stateEvent(row: EventRow): StateEvent {
  const { eventNid, sender, eventId, pduJson, redactionNid, redactionSender, redactionId, redactionJson } = row;
  const redaction =
    redactionNid === null || redactionSender === null || redactionId === null || redactionJson === null
      ? undefined
      : {
          ...{ nid: redactionNid, sender: redactionSender, eventId: redactionId, pduJson: redactionJson },
          isRedacted: row.redactionIsRedacted,
        };
  return { eventNid, sender, eventId, pduJson, redaction };
}
