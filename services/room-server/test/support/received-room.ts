import type { Database } from '@ganglion/database';
import { type RoomEvent, resolveState, roomVersionRules, type StateMap } from '@ganglion/protocol';
import type { Random, RandomRoom } from '@ganglion/protocol/testing';
import { States } from '../../src/domain/state/states.js';
import { statusOf } from '../../src/storage/event-rows.js';
import { PostgresStateRows } from '../../src/storage/state-rows.js';
import type { Replica } from './room-servers.js';

/** An event of a room as the database has it. */
export interface KeptEvent {
  readonly nid: number;
  readonly eventId: string;
  readonly status: string;
  readonly seq: number | null;
  readonly before: number | null;
  readonly after: number | null;
}

/** Makes a place for a room that nobody has heard of. */
export async function openRoom({ roomIntake }: Replica, { roomId, version }: RandomRoom): Promise<void> {
  await roomIntake.storeOutliers({ roomId, roomVersion: version, pdusJson: [] });
}

export function receive({ roomIntake }: Replica, { roomId }: RandomRoom, pdusJson: string[], backfill = false) {
  return roomIntake.receivePdus({ roomId, pdusJson, backfill });
}

/** The events of a room in any order, in pieces of a few, some of them twice. */
export function shuffledPieces({ events }: RandomRoom, random: Random, longest = 7): string[][] {
  const twice = events.filter(() => random.percent(20));
  const texts = random.some([...events, ...twice], Number.POSITIVE_INFINITY).map(({ json }) => json);
  const pieces: string[][] = [];
  while (texts.length > 0) pieces.push(texts.splice(0, 1 + random.below(longest)));
  return pieces;
}

export async function keptEvents(db: Database, roomId: string): Promise<KeptEvent[]> {
  const { rows } = await db.query<Omit<KeptEvent, 'status'> & { status: number }>({
    text: `SELECT e.event_nid AS nid, e.event_id AS "eventId", e.status, e.room_seq AS seq, e.state_before_nid AS before,
        e.state_after_nid AS after
      FROM room_server.events e JOIN room_server.rooms r USING (room_nid) WHERE r.room_id = $1`,
    values: [roomId],
  });
  return rows.map((row) => ({ ...row, status: statusOf(row.status) }));
}

interface StateRow extends Record<string, unknown> {
  readonly nid: number;
  readonly previous: number | null;
  readonly keys: number[];
  readonly events: number[];
}

/** All states of a room as its steps say, whatever its strides say. */
export class StateMaps {
  readonly #states = new Map<number, ReadonlyMap<number, number>>();
  readonly #ids: ReadonlyMap<number, string>;

  private constructor(rows: readonly StateRow[], events: readonly KeptEvent[]) {
    this.#ids = new Map(events.map(({ nid, eventId }) => [nid, eventId]));
    for (const { nid, previous, keys, events: eventNids } of rows) {
      const state = new Map(previous === null ? [] : this.#states.get(previous)!);
      for (const [index, key] of keys.entries()) {
        if (eventNids[index] === 0) state.delete(key);
        else state.set(key, eventNids[index]!);
      }
      this.#states.set(nid, state);
    }
  }

  static async read(db: Database, roomNid: number, events: readonly KeptEvent[]): Promise<StateMaps> {
    const { rows } = await db.query<StateRow>({
      text: `SELECT state_nid AS nid, previous_nid AS previous, key_nids AS keys, event_nids AS events
        FROM room_server.states WHERE room_nid = $1 ORDER BY generation`,
      values: [roomNid],
    });
    return new StateMaps(rows, events);
  }

  /** The ids of the events of a state, in the order of the alphabet. */
  idsOf(stateNid: number | null): string[] {
    const state = stateNid === null ? [] : this.#states.get(stateNid)!.values();
    return [...state].map((nid) => this.#ids.get(nid) ?? `${nid}`).sort();
  }

  get nids(): number[] {
    return [...this.#states.keys()];
  }
}

/** The states of a room as the server reads them. */
export class StatesRead {
  readonly #states: States;
  readonly #ids: ReadonlyMap<number, string>;

  constructor(
    db: Database,
    private readonly roomNid: number,
    events: readonly KeptEvent[],
  ) {
    this.#states = new States(new PostgresStateRows(db));
    this.#ids = new Map(events.map(({ nid, eventId }) => [nid, eventId]));
  }

  /** The ids of the events of a state, in the order of the alphabet. */
  async idsOf(stateNid: number | null): Promise<string[]> {
    if (stateNid === null) return [];
    const entries = await this.#states.entries(this.roomNid, stateNid);
    return [...entries.values()].map((nid) => this.#ids.get(nid) ?? `${nid}`).sort();
  }
}

/** States of a room that are neither the current one, nor those around events, nor what any of these stands on. */
export async function statesNobodyNeeds(db: Database, roomNid: number): Promise<number[]> {
  const { rows } = await db.query<{ nid: number }>({
    text: `WITH RECURSIVE needed AS (
        SELECT state_nid FROM room_server.rooms WHERE room_nid = $1
        UNION SELECT unnest(ARRAY[state_before_nid, state_after_nid]) FROM room_server.events WHERE room_nid = $1
        UNION SELECT unnest(ARRAY[previous_nid, skip_nid]) FROM needed JOIN room_server.states s USING (state_nid)
          WHERE s.room_nid = $1
      )
      SELECT state_nid AS nid FROM room_server.states
      WHERE room_nid = $1 AND state_nid NOT IN (SELECT state_nid FROM needed WHERE state_nid IS NOT NULL)`,
    values: [roomNid],
  });
  return rows.map(({ nid }) => nid);
}

/** What a state has as the server reads it, by the longest strides. */
export async function idsRead(db: Database, roomNid: number, stateNid: number, events: readonly KeptEvent[]) {
  const ids = new Map(events.map(({ nid, eventId }) => [nid, eventId]));
  const states = new States(new PostgresStateRows(db));
  const entries = await states.entries(roomNid, stateNid);
  const found = await states.lookUp(roomNid, stateNid, entries.keys());
  const looked = [...found.values()].map((nid) => ids.get(nid)).sort();
  return { entries: [...entries.values()].map((nid) => ids.get(nid)).sort(), looked };
}

export function idsIn(state: StateMap<string>): string[] {
  return [...state.values()].sort();
}

/** What the states after some events of a room come to. */
export function resolvedAfter({ version, events, roomId }: RandomRoom, eventIds: readonly string[]): string[] {
  const byId = new Map(events.map((event) => [event.eventId, event]));
  const lookup = {
    event(eventId: string): RoomEvent | undefined {
      const event = byId.get(eventId);
      return event && { eventId, roomId, pdu: event.pdu, rejected: event.rejected };
    },
  };
  const states = eventIds.map((eventId) => byId.get(eventId)!.stateAfter);
  return idsIn(resolveState(states, lookup, roomVersionRules(version)!));
}

/** The current state of a room, and its forward extremities. */
export async function headOf(db: Database, roomId: string) {
  const room = await db.query<{ nid: number; version: number; seq: number; state: number; extremities: string }>({
    text: `SELECT room_nid AS nid, version, room_seq AS seq, state_nid AS state, extremities FROM room_server.rooms
      WHERE room_id = $1`,
    values: [roomId],
  });
  const { nid, seq, state, extremities } = room.rows[0]!;
  const entries = await db.query<{ id: string; type: string; membership: string | null }>({
    text: `SELECT e.event_id AS id, s.type, s.membership FROM room_server.state_entries s
      JOIN room_server.events e USING (room_nid, event_nid) WHERE s.room_nid = $1`,
    values: [nid],
  });
  const hosts = await db.query<{ joined: number }>({
    text: 'SELECT coalesce(sum(joined), 0)::integer AS joined FROM room_server.room_hosts WHERE room_nid = $1',
    values: [nid],
  });
  return {
    ...{ nid, seq, state },
    extremities: (JSON.parse(extremities) as { id: string }[]).map(({ id }) => id).sort(),
    entries: entries.rows.map(({ id }) => id).sort(),
    joined: entries.rows.filter(({ membership }) => membership === 'join').length,
    joinedByHost: hosts.rows[0]!.joined,
  };
}
