import type { Queryable } from '@ganglion/database';
import { jsonCodec, type Pdu, referenceHash, relationOf, roomVersionRules } from '@ganglion/protocol';
import { LRUCache } from 'lru-cache';
import type {
  EarlierRedaction,
  EventSummary,
  FoundEvent,
  NewKey,
  PartialRoom,
  RoomMembership,
  RoomStore,
  StateKey,
  Transaction,
  WaitingEvent,
} from '../domain/ports/rooms.js';
import type { RoomHead } from '../domain/room-head.js';
import { statusOf } from './event-rows.js';
import {
  ENTRY_COLUMNS,
  type EntryRow,
  EVENTS_OF_ENTRIES,
  HEAD_COLUMNS,
  type HeadRow,
  headOf,
  knownKey,
  roomEvent,
  setProgress,
} from './room-rows.js';
import { rememberedSlots, transactionKey } from './transaction-keys.js';

const MEMBER = 'm.room.member';
const MAX_KEY_NAMES = 20_000;
const MAX_UNRELATED = 10_000;

/** All of the current state but its members: of these there may be very many, and rules look at few. */
const LOAD_HEAD = `
  SELECT ${HEAD_COLUMNS}, ${ENTRY_COLUMNS}
  FROM room_server.rooms r
  LEFT JOIN room_server.state_entries s ON s.room_nid = r.room_nid AND s.type <> 'm.room.member'
  ${EVENTS_OF_ENTRIES}
  WHERE r.room_id = $1`;

/** What has changed since a version, of members only those who are known. */
const REFRESH = `
  SELECT ${HEAD_COLUMNS}, ${ENTRY_COLUMNS}
  FROM room_server.rooms r
  LEFT JOIN (
    SELECT * FROM room_server.state_entries WHERE room_nid = $1 AND type <> 'm.room.member' AND changed_version > $2
    UNION ALL
    SELECT * FROM room_server.state_entries
    WHERE room_nid = $1 AND type = 'm.room.member' AND state_key = ANY($3) AND changed_version > $2
  ) AS s ON s.room_nid = r.room_nid
  ${EVENTS_OF_ENTRIES}
  WHERE r.room_nid = $1`;

const LOAD_MEMBERS = `
  SELECT ${ENTRY_COLUMNS}
  FROM room_server.state_entries s ${EVENTS_OF_ENTRIES}
  WHERE s.room_nid = $1 AND s.type = 'm.room.member' AND s.state_key = ANY($2)`;

const SERVER = `substring(state_key FROM position(':' IN state_key) + 1)`;

/** Loads rooms and events from PostgreSQL. */
export class PostgresRoomStore implements RoomStore {
  /** What a number of a key stands for never changes. */
  readonly #keyNames = new LRUCache<number, StateKey & { readonly roomNid: number }>({ max: MAX_KEY_NAMES });

  /** Events that relate to no other one, and never will: threads that are talked in. */
  readonly #unrelated = new LRUCache<string, true>({ max: MAX_UNRELATED });

  constructor(private readonly db: Queryable) {}

  async loadHead(roomId: string): Promise<RoomHead | undefined> {
    const { rows } = await this.db.query<HeadRow & EntryRow>({ name: 'load-head', text: LOAD_HEAD, values: [roomId] });
    const [room] = rows;
    if (room === undefined) return undefined;
    const head = headOf(room);
    learn(head, rows);
    await this.#hashExtremities(head);
    return head;
  }

  /**
   * Rooms that come from version 2 of the schema, and in which events are referred to by their hashes, too, have
   * extremities without one until something is committed to them.
   */
  async #hashExtremities(head: RoomHead): Promise<void> {
    if (head.rules.eventIdFormat !== 'in-event') return;
    const bare = head.extremities.flatMap(({ nid, hash }) => (hash === undefined ? [nid] : []));
    if (bare.length === 0) return;
    const { rows } = await this.db.query<{ nid: number; pdu: string }>({
      name: 'bare-extremities',
      text: 'SELECT event_nid AS nid, pdu FROM room_server.events WHERE room_nid = $1 AND event_nid = ANY($2)',
      values: [head.nid, bare],
    });
    const hashOf = (pdu: string) => referenceHash(jsonCodec(pdu, head.rules).parse(pdu) as Pdu, head.rules);
    const hashes = new Map(rows.map(({ nid, pdu }) => [nid, hashOf(pdu)]));
    head.extremities = head.extremities.map((each) => ({ ...each, hash: each.hash ?? hashes.get(each.nid) }));
  }

  async refresh(head: RoomHead): Promise<boolean> {
    const values = [head.nid, head.version, head.knownMembers()];
    const { rows } = await this.db.query<HeadRow & EntryRow>({ name: 'refresh-head', text: REFRESH, values });
    const [room] = rows;
    // As long as there is no state of a room, its version is no more than somebody's word.
    if (room === undefined || room.room_version !== head.rules.id) return false;
    setProgress(head, room);
    learn(head, rows);
    return true;
  }

  async load(head: RoomHead, keys: readonly StateKey[]): Promise<void> {
    const users = new Set<string>();
    for (const { type, stateKey } of keys) if (!head.knows(type, stateKey)) users.add(stateKey);
    if (users.size === 0) return;
    const values = [head.nid, [...users]];
    const { rows } = await this.db.query<EntryRow>({ name: 'load-members', text: LOAD_MEMBERS, values });
    for (const userId of users) head.root.set(MEMBER, userId, { keyNid: undefined, entry: undefined });
    learn(head.root, rows);
  }

  async currentVersion(roomNid: number): Promise<number | undefined> {
    const { rows } = await this.db.query<{ version: number }>({
      name: 'current-version',
      text: 'SELECT version FROM room_server.rooms WHERE room_nid = $1',
      values: [roomNid],
    });
    return rows[0]?.version;
  }

  async listMemberships(userId: string, memberships: readonly string[]): Promise<RoomMembership[]> {
    const { rows } = await this.db.query<RoomMembership & Record<string, unknown>>({
      name: 'list-memberships',
      text: `SELECT r.room_id AS "roomId", s.membership FROM room_server.state_entries s
        JOIN room_server.rooms r USING (room_nid)
        WHERE s.type = 'm.room.member' AND s.state_key = $1 AND s.membership = ANY($2)`,
      values: [userId, memberships],
    });
    return rows;
  }

  async findTransaction(roomNid: number, transaction: Transaction) {
    const { userId, deviceId, scope, txnId } = transaction;
    const { rows } = await this.db.query<{ event_id: string; room_seq: number }>({
      name: 'find-transaction',
      text: `SELECT e.event_id, e.room_seq FROM room_server.transactions t
        JOIN room_server.events e USING (room_nid, event_nid)
        WHERE t.slot = ANY($1::smallint[]) AND t.room_nid = $2 AND t.txn_key = $3
          AND t.user_id = $4 AND t.device_id = $5 AND t.scope = $6 AND t.txn_id = $7`,
      values: [rememberedSlots(), roomNid, String(transactionKey(transaction)), userId, deviceId, scope, txnId],
    });
    const row = rows[0];
    return row && { eventId: row.event_id, roomSeq: row.room_seq };
  }

  async findEvent(roomNid: number, eventId: string): Promise<FoundEvent | undefined> {
    const { rows } = await this.db.query<{ nid: number; room_id: string; room_version: string; pdu: string }>({
      name: 'find-event',
      text: `SELECT e.event_nid AS nid, r.room_id, r.room_version, e.pdu
        FROM room_server.events e JOIN room_server.rooms r USING (room_nid)
        WHERE e.event_id = $1 AND e.room_nid = $2 AND e.status = 0`,
      values: [eventId, roomNid],
    });
    const row = rows[0];
    if (row === undefined) return undefined;
    return { nid: row.nid, event: roomEvent(row.room_id, eventId, row.pdu, roomVersionRules(row.room_version)) };
  }

  async isOfOtherRoom(roomNid: number, eventId: string): Promise<boolean> {
    const { rows } = await this.db.query<{ any: boolean }>({
      name: 'is-of-other-room',
      text: 'SELECT EXISTS (SELECT FROM room_server.events WHERE event_id = $2 AND room_nid <> $1) AS any',
      values: [roomNid, eventId],
    });
    return rows[0]!.any;
  }

  async isRelated(roomNid: number, eventId: string): Promise<boolean> {
    const key = `${roomNid} ${eventId}`;
    if (this.#unrelated.get(key)) return false;
    const found = await this.findEvent(roomNid, eventId);
    if (found === undefined) return false;
    const isRelated = relationOf(found.event.pdu.content) !== undefined;
    if (!isRelated) this.#unrelated.set(key, true);
    return isRelated;
  }

  async summaries(roomNid: number, nids: readonly number[]): Promise<Map<number, EventSummary>> {
    type Row = { nid: number; eventId: string; membership: string | null; redacted: boolean };
    const { rows } = await this.db.query<Row>({
      name: 'event-summaries',
      text: `SELECT event_nid AS nid, event_id AS "eventId", membership, redacted_by_nid IS NOT NULL AS redacted
        FROM room_server.events WHERE room_nid = $1 AND event_nid = ANY($2)`,
      values: [roomNid, nids],
    });
    const summary = ({ eventId, membership, redacted }: Row): EventSummary => ({
      ...{ eventId, redacted },
      ...(membership !== null && { membership }),
    });
    return new Map(rows.map((row) => [row.nid, summary(row)]));
  }

  async keyNames(roomNid: number, keyNids: readonly number[]): Promise<Map<number, StateKey>> {
    const names = new Map<number, StateKey>();
    for (const keyNid of keyNids) {
      const known = this.#keyNames.get(keyNid);
      if (known?.roomNid === roomNid) names.set(keyNid, known);
    }
    const others = keyNids.filter((keyNid) => !names.has(keyNid));
    if (others.length > 0)
      for (const [keyNid, key] of await this.#readKeyNames(roomNid, others)) names.set(keyNid, key);
    return names;
  }

  async #readKeyNames(roomNid: number, keyNids: readonly number[]): Promise<Map<number, StateKey>> {
    const { rows } = await this.db.query<StateKey & { keyNid: number }>({
      name: 'key-names',
      text: `SELECT key_nid AS "keyNid", type, state_key AS "stateKey" FROM room_server.state_entries
        WHERE room_nid = $1 AND key_nid = ANY($2)`,
      values: [roomNid, keyNids],
    });
    for (const { keyNid, type, stateKey } of rows) this.#keyNames.set(keyNid, { roomNid, type, stateKey });
    return new Map(rows.map((row) => [row.keyNid, row]));
  }

  async findKeys(roomNid: number, keys: readonly StateKey[]): Promise<NewKey[]> {
    const { rows } = await this.db.query<NewKey & Record<string, unknown>>({
      name: 'find-keys',
      text: `SELECT s.key_nid AS "keyNid", s.type, s.state_key AS "stateKey"
        FROM unnest($2::text[], $3::text[]) AS k(type, state_key) JOIN room_server.state_entries s
          ON s.room_nid = $1 AND s.type = k.type AND s.state_key = k.state_key`,
      values: [roomNid, keys.map(({ type }) => type), keys.map(({ stateKey }) => stateKey)],
    });
    return rows;
  }

  async waitingFor(roomNid: number, eventIds: readonly string[]): Promise<WaitingEvent[]> {
    type Row = Omit<WaitingEvent, 'status'> & { status: number };
    const { rows } = await this.db.query<Row>({
      name: 'waiting-for',
      text: `SELECT m.missing_event_id AS "missingEventId", e.event_nid AS nid, e.event_id AS "eventId", e.status,
          e.pdu AS json
        FROM room_server.missing_events m JOIN room_server.events e USING (room_nid, event_nid)
        WHERE m.room_nid = $1 AND m.missing_event_id = ANY($2)`,
      values: [roomNid, eventIds],
    });
    return rows.map((row) => ({ ...row, status: statusOf(row.status) }));
  }

  async redactionsOf(roomNid: number, roomId: string, eventIds: readonly string[]): Promise<EarlierRedaction[]> {
    type Row = { nid: number; eventId: string; json: string; target: string; before: number | null };
    const { rows } = await this.db.query<Row>({
      name: 'redactions-of',
      text: `SELECT event_nid AS nid, event_id AS "eventId", pdu AS json, redacts_event_id AS target,
          state_before_nid AS before
        FROM room_server.events WHERE room_nid = $1 AND redacts_event_id = ANY($2) AND status = 0
        ORDER BY event_nid`,
      values: [roomNid, eventIds],
    });
    return rows.map(({ nid, eventId, json, target, before }) => ({
      ...{ nid, json, redactsEventId: target, stateBeforeNid: before ?? undefined },
      event: roomEvent(roomId, eventId, json, undefined),
    }));
  }

  async currentEntries(roomNid: number): Promise<Map<number, number>> {
    const { rows } = await this.db.query<{ keyNid: number; eventNid: number }>({
      name: 'current-entries',
      text: `SELECT key_nid AS "keyNid", event_nid AS "eventNid" FROM room_server.state_entries
        WHERE room_nid = $1 AND event_nid IS NOT NULL`,
      values: [roomNid],
    });
    return new Map(rows.map((row) => [row.keyNid, row.eventNid]));
  }

  async sharedRooms(userId: string, roomIds: Iterable<string>) {
    const { rows } = await this.db.query<{ known: number; joined: boolean | null }>({
      name: 'shared-rooms',
      text: `SELECT count(*)::integer AS known, bool_or(m.membership = 'join') AS joined FROM room_server.rooms r
        LEFT JOIN room_server.state_entries m
          ON m.room_nid = r.room_nid AND m.type = 'm.room.member' AND m.state_key = $1
        WHERE r.room_id = ANY($2) AND r.participating AND (NOT r.partial_state OR m.membership IS NOT NULL)`,
      values: [userId, [...roomIds]],
    });
    return { known: rows[0]!.known, joined: rows[0]!.joined ?? false };
  }

  async hasMembers(roomNid: number): Promise<boolean> {
    const { rows } = await this.db.query<{ any: boolean }>({
      name: 'has-members',
      text: 'SELECT EXISTS (SELECT FROM room_server.room_hosts WHERE room_nid = $1 AND joined > 0) AS any',
      values: [roomNid],
    });
    return rows[0]!.any;
  }

  async countJoined(roomNid: number, serverNames: readonly string[]): Promise<number> {
    const { rows } = await this.db.query<{ joined: number }>({
      name: 'count-joined',
      text: `SELECT coalesce(sum(joined), 0)::integer AS joined FROM room_server.room_hosts
        WHERE room_nid = $1 AND server_name = ANY($2)`,
      values: [roomNid, serverNames],
    });
    return rows[0]!.joined;
  }

  async partialRoom(roomNid: number): Promise<PartialRoom | undefined> {
    const { rows } = await this.db.query<PartialRoom & Record<string, unknown>>({
      name: 'partial-room',
      text: `SELECT join_nid AS "joinNid", server_names AS "serverNames" FROM room_server.partial_rooms WHERE room_nid = $1`,
      values: [roomNid],
    });
    return rows[0];
  }

  async placedEvents(roomNid: number): Promise<number[]> {
    const { rows } = await this.db.query<{ nid: number }>({
      name: 'placed-events',
      text: `SELECT event_nid AS nid FROM room_server.events
        WHERE room_nid = $1 AND state_after_nid IS NOT NULL AND coalesce(room_seq, 1) > 0`,
      values: [roomNid],
    });
    return rows.map(({ nid }) => nid);
  }

  async joinedUsersOf(roomNid: number, serverNames: readonly string[], limit: number): Promise<string[]> {
    const { rows } = await this.db.query<{ user: string }>({
      name: 'joined-users-of',
      text: `SELECT state_key AS user FROM room_server.state_entries
        WHERE room_nid = $1 AND type = 'm.room.member' AND membership = 'join' AND ${SERVER} = ANY($2) LIMIT $3`,
      values: [roomNid, serverNames, limit],
    });
    return rows.map(({ user }) => user);
  }

  async joinedUsersAfter(roomNid: number, serverNames: readonly string[], after: string, limit: number) {
    const { rows } = await this.db.query<{ user: string }>({
      name: 'joined-users-after',
      text: `SELECT state_key AS user FROM room_server.state_entries
        WHERE room_nid = $1 AND type = 'm.room.member' AND state_key > $3 AND membership = 'join' AND ${SERVER} = ANY($2)
        ORDER BY state_key LIMIT $4`,
      values: [roomNid, serverNames, after, limit],
    });
    return rows.map(({ user }) => user);
  }

  async membersOf(roomNid: number, serverNames: readonly string[]) {
    const { rows } = await this.db.query<{ keyNid: number; userId: string }>({
      name: 'members-of',
      text: `SELECT key_nid AS "keyNid", state_key AS "userId" FROM room_server.state_entries
        WHERE room_nid = $1 AND type = 'm.room.member' AND ${SERVER} = ANY($2)`,
      values: [roomNid, serverNames],
    });
    return rows;
  }
}

function learn(head: RoomHead, rows: readonly EntryRow[]): void {
  for (const row of rows) if (row.type !== null) head.set(row.type, row.state_key, knownKey(head, row));
}
