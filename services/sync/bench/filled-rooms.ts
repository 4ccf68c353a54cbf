import type { EventWithId, GetEventsRequest, RoomLog } from '@ganglion/contracts/room';
import type { Database } from '@ganglion/database';

/** Rooms of one size, put straight into the tables: what sends them does not matter here. */
export interface FilledRooms {
  /** Of the first room; the others follow. */
  readonly firstNid: number;
  readonly count: number;
  readonly members: number;
  readonly messages: number;
  /** Our own users, the first members of each room. */
  readonly users: readonly string[];
}

/** Events of one room. */
const SPAN = 10_000_000;
const FIRST_STATE = ['m.room.create', 'm.room.power_levels', 'm.room.join_rules', 'm.room.history_visibility'];

/** How many positions the rooms take. */
export function sizeOf({ count, members, messages }: FilledRooms): number {
  return count * (FIRST_STATE.length + members + messages);
}

/** Fills the rooms in above a position, one after the other, and answers the position that they reach to. */
export async function fillRooms(db: Database, position: number, rooms: FilledRooms): Promise<number> {
  const { firstNid, count, members, messages, users } = rooms;
  const first = FIRST_STATE.length;
  const events = first + members + messages;
  const last = position + sizeOf(rooms);
  const each = 'generate_series(0, $1::bigint - 1) AS r';
  const at = `$2::bigint + r * ${events} + n`;
  const statements: [string, unknown[]][] = [
    [
      `INSERT INTO sync.rooms (room_nid, room_id, room_version, room_seq, position, members_position, joined)
        SELECT $3::bigint + r, '!' || ($3::bigint + r) || ':one.test', '11', ${events},
          $2::bigint + (r + 1) * ${events}, $2::bigint + r * ${events} + ${first + members}, ${members} FROM ${each}`,
      [count, position, firstNid],
    ],
    [
      `INSERT INTO sync.timeline (room_nid, position, event_nid, depth, flags)
        SELECT $3::bigint + r, ${at}, ($3::bigint + r) * ${SPAN} + n, n, CASE WHEN n <= ${first + members} THEN 129 ELSE 1 END
        FROM ${each}, generate_series(1, ${events}) AS n`,
      [count, position, firstNid],
    ],
    [
      `INSERT INTO sync.state_keys (room_nid, key_nid, type, state_key, present_since)
        SELECT $3::bigint + r, n, coalesce(($4::text[])[n], 'm.room.member'),
          CASE WHEN n <= ${first} THEN '' ELSE coalesce(($5::text[])[n - ${first}], '@member-' || (n - ${first}) || ':two.test') END,
          CASE WHEN n > ${first} THEN ${at} END
        FROM ${each}, generate_series(1, ${first + members}) AS n`,
      [count, position, firstNid, FIRST_STATE, users],
    ],
    [
      `INSERT INTO sync.state_log (room_nid, key_nid, position, event_nid, membership)
        SELECT $3::bigint + r, n, ${at}, ($3::bigint + r) * ${SPAN} + n, CASE WHEN n > ${first} THEN 'join' END
        FROM ${each}, generate_series(1, ${first + members}) AS n`,
      [count, position, firstNid],
    ],
    [
      `INSERT INTO sync.memberships (user_id, room_nid, membership, position, since, event_nid)
        SELECT ($4::text[])[n], $3::bigint + r, 'join', ${at} + ${first}, ${at} + ${first}, ($3::bigint + r) * ${SPAN} + n + ${first}
        FROM ${each}, generate_series(1, cardinality($4::text[])) AS n`,
      [count, position, firstNid, users],
    ],
    ['UPDATE sync.appender SET position = $1', [last]],
    // The search has read them long ago.
    ['UPDATE sync.words_progress SET up_to = $1, down_to = 0', [last]],
  ];
  for (const [text, values] of statements) await db.query({ text, values });
  return last;
}

/** The log of such rooms: it makes up their events as it is asked for them. */
export class FilledLog implements Pick<RoomLog, 'getEvents' | 'getRoomEvents' | 'getStateChanges' | 'listRoomHeads'> {
  calls = 0;
  readonly #membersOf = new Map<number, FilledRooms>();

  add(rooms: FilledRooms): void {
    for (let index = 0; index < rooms.count; index++) this.#membersOf.set(rooms.firstNid + index, rooms);
  }

  async getEvents({ eventNids, eventIds }: GetEventsRequest) {
    this.calls += 1;
    const nids = [...eventNids, ...eventIds.map((id) => Number(id.slice(1).split('-')[0]))];
    return { events: nids.map((nid) => this.event(nid)) };
  }

  event(eventNid: number): EventWithId {
    const { members, users } = this.#membersOf.get(Math.floor(eventNid / SPAN))!;
    const n = eventNid % SPAN;
    const member = n - FIRST_STATE.length;
    const memberId = users[member - 1] ?? `@member-${member}:two.test`;
    const parts =
      member <= 0
        ? { type: FIRST_STATE[n - 1], state_key: '', content: {} }
        : member <= members
          ? {
              type: 'm.room.member',
              state_key: memberId,
              content: { membership: 'join', displayname: `Member ${member}` },
            }
          : { type: 'm.room.message', content: { msgtype: 'm.text', body: `Something that is said in a room, ${n}` } };
    const sender = member > 0 && member <= members ? memberId : `@member-${1 + (n % members)}:two.test`;
    const signed = { auth_events: [], prev_events: [], hashes: {}, signatures: {} };
    const pdu = { sender, origin_server_ts: 1_790_000_000_000 + n, depth: n, ...parts, ...signed };
    return { eventNid, eventId: `$${eventNid}-${'x'.repeat(40)}`, pduJson: JSON.stringify(pdu) };
  }

  async getRoomEvents() {
    return { events: undefined, more: false };
  }

  async getStateChanges() {
    return { changes: [] };
  }

  async listRoomHeads({ sinceCursor }: { sinceCursor: number }) {
    return { heads: [], cursor: sinceCursor };
  }
}
