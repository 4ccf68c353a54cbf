import { Coalescer } from '@ganglion/contracts';
import { type Database, rowsOf, sql, statement } from '@ganglion/database';
import type { AccountDataRow, AppendBatch } from '../domain/append-batch.js';
import type {
  EntryNames,
  Head,
  LoadedRoom,
  LoudEvents,
  Members,
  MembershipRecord,
  MembersPage,
  OrderPage,
  Page,
  ReadModel,
  RoomRecord,
  RoomsPage,
} from '../domain/ports/read-model.js';
import type { EventPlace, StateVersion } from '../domain/timeline-event.js';
import { batchesAbove } from './catch-up-reader.js';
import { orderPage, placesFor, type WantedPlace } from './order-statements.js';
import { type PackedPlaces, packed, unpack } from './packed-places.js';
import { PLACE_FOR_ALL, type PlaceRow, placeOf, type VersionRow, versionOf } from './place-rows.js';
import { latestEvents, loadRooms } from './room-loads.js';
import * as state from './state-statements.js';

/** Of one of them there may be much. */
const USERS_AT_ONCE = 50;

const page = (direction: Page['direction']) =>
  statement(
    `page-${direction}`,
    packed(sql<Page>`
    SELECT ${PLACE_FOR_ALL} FROM sync.timeline t
    WHERE t.room_nid = ${({ roomNid }) => roomNid} AND t.position > ${({ above }) => above}
      AND t.position <= ${({ upTo }) => upTo}
    ORDER BY t.position ${direction === 'forwards' ? sql`ASC` : sql`DESC`} LIMIT ${({ limit }) => limit}`),
  );
const PAGES = { forwards: page('forwards'), backwards: page('backwards') };

type LoudPage = Omit<Page, 'direction'>;

/** 128: the flag of what is quiet. */
const loudEvents = statement(
  'loud-events',
  sql<{ wanted: readonly LoudPage[] }>`
  SELECT wanted.place AS asked, found.* FROM (${rowsOf(
    'w',
    { place: 'integer', room_nid: 'bigint', above: 'bigint', up_to: 'bigint', most: 'integer' },
    ({ wanted }: { wanted: readonly LoudPage[] }) =>
      wanted.map(({ roomNid, above, upTo, limit }, place) => ({
        ...{ place, room_nid: roomNid, above: Math.max(above, 0), up_to: upTo, most: limit },
      })),
  )}) AS wanted
  CROSS JOIN LATERAL (
    WITH scanned AS (
      SELECT * FROM sync.timeline e
      WHERE e.room_nid = wanted.room_nid AND e.position > wanted.above AND e.position <= wanted.up_to
      ORDER BY e.position DESC LIMIT wanted.most)
    SELECT ${PLACE_FOR_ALL}, looked.count, looked.first
    FROM (SELECT count(*) AS count, min(position) AS first FROM scanned) AS looked
    LEFT JOIN scanned t ON t.flags & 128 = 0) AS found
  ORDER BY found.position DESC`,
);

type LoudRow = PlaceRow & { asked: number; count: number; first: number | null };

/** What of the account data of a user changed between two positions. */
interface AccountDataSpan {
  readonly userId: string;
  readonly above: number;
  readonly upTo: number;
}

const accountData = statement(
  'account-data-of',
  sql<{ wanted: readonly AccountDataSpan[] }>`
  SELECT w.asked, a.user_id AS "userId", a.room_id AS "roomId", a.type, a.content, a.position
  FROM (${rowsOf(
    'w',
    { asked: 'integer', user_id: 'text', above: 'bigint', up_to: 'bigint' },
    ({ wanted }: { wanted: readonly AccountDataSpan[] }) =>
      wanted.map(({ userId, above, upTo }, asked) => ({ asked, user_id: userId, above, up_to: upTo })),
  )}) AS w
  JOIN sync.account_data a ON a.user_id = w.user_id AND a.position > w.above AND a.position <= w.up_to
  ORDER BY a.position`,
);

type MembershipRow = Omit<MembershipRecord, 'eventNid' | 'strippedState'> &
  Record<'eventNid', number | null> &
  Record<'strippedState', string | null> &
  Record<string, unknown>;

/** Answers of one statement to what was asked of it, by its place there. */
function byPlace<Row extends { asked: number }, T>(asked: readonly unknown[], rows: Row[], answer: (rows: Row[]) => T) {
  const found = Map.groupBy(rows, (row) => row.asked);
  return asked.map((_, place) => answer(found.get(place) ?? []));
}

/** Of who forgets rooms by leaving them. */
const LEFT = `SELECT room_nid, position FROM sync.memberships WHERE user_id = $1 AND membership IN ('leave', 'ban')`;

/** The replicas' side of the read model. Who is in hundreds of rooms asks the same of each: it is one statement. */
export class ReadStore implements ReadModel {
  readonly #entryVersions = new Coalescer<EntryNames, StateVersion[]>(async (wanted) => {
    const { rows } = await this.db.query<VersionRow & { asked: number }>(state.entryVersions({ wanted }));
    return byPlace(wanted, rows, (each) => each.map(versionOf));
  });
  readonly #presentMembers = new Coalescer<state.FirstMembers, string[]>(async (wanted) => {
    const { rows } = await this.db.query<{ asked: number; state_key: string }>(state.presentMembers({ wanted }));
    return byPlace(wanted, rows, (each) => each.map(({ state_key }) => state_key));
  });
  readonly #loudEvents = new Coalescer<LoudPage, LoudRow[]>(async (wanted) => {
    const { rows } = await this.db.query<LoudRow>(loudEvents({ wanted }));
    return byPlace(wanted, rows, (each) => each);
  });

  readonly #places = new Coalescer<WantedPlace, EventPlace | undefined>(async (wanted) => {
    const { rows } = await this.db.query<PlaceRow & { asked: number }>(placesFor({ wanted }));
    return byPlace(wanted, rows, ([row]) => row && placeOf(row));
  });

  readonly #memberships = new Coalescer<string, MembershipRecord[]>(async (userIds) => {
    const { rows } = await this.db.query<MembershipRow & { userId: string }>({
      name: 'memberships-of',
      text: `SELECT m.user_id AS "userId", r.room_nid AS nid, r.room_id AS "roomId", r.room_version AS "roomVersion", r.position,
          r.members_position AS "membersPosition", m.membership, m.position AS "membershipPosition", m.since, m.event_nid AS "eventNid",
          m.stripped_state AS "strippedState",
          EXISTS (SELECT FROM sync.receipts e WHERE e.room_nid = m.room_nid) AS "hasReceipts"
        FROM sync.memberships m JOIN sync.rooms r USING (room_nid) WHERE m.user_id = ANY($1)`,
      values: [userIds],
    });
    const byUser = Map.groupBy(rows, ({ userId }) => userId);
    return userIds.map((userId) => (byUser.get(userId) ?? []).map(membershipOf));
  }, USERS_AT_ONCE);
  readonly #accountData = new Coalescer<AccountDataSpan, AccountDataRow[]>(async (wanted) => {
    const { rows } = await this.db.query<AccountDataRow & { asked: number }>(accountData({ wanted }));
    return byPlace(wanted, rows, (each) => each.map(({ asked, ...row }) => row));
  }, USERS_AT_ONCE);

  constructor(
    private readonly db: Database,
    /** Whether who has left a room has forgotten it. */
    private readonly forgetsOnLeave = false,
  ) {}

  async head(): Promise<Head> {
    const { rows } = await this.db.query<Head & Record<string, unknown>>({
      name: 'read-position',
      text: 'SELECT position, epoch FROM sync.appender',
    });
    return rows[0] ?? { position: 0, epoch: 0 };
  }

  batchesAbove(position: number): Promise<AppendBatch | undefined> {
    return batchesAbove(this.db, position);
  }

  async findRoom(roomId: string): Promise<RoomRecord | undefined> {
    const { rows } = await this.db.query<RoomRecord & Record<string, unknown>>({
      name: 'find-room',
      text: `SELECT room_nid AS nid, room_id AS "roomId", room_version AS "roomVersion", position
        FROM sync.rooms WHERE room_id = $1`,
      values: [roomId],
    });
    return rows[0];
  }

  async roomSeq(roomId: string): Promise<number> {
    const { rows } = await this.db.query<{ room_seq: number }>({
      name: 'read-room-seq',
      text: 'SELECT room_seq FROM sync.rooms WHERE room_id = $1',
      values: [roomId],
    });
    return rows[0]?.room_seq ?? 0;
  }

  memberships(userId: string): Promise<MembershipRecord[]> {
    return this.#memberships.load(userId);
  }

  latestEvents(page: RoomsPage): Promise<EventPlace[]> {
    return latestEvents(this.db, page);
  }

  loadRooms(roomNids: readonly number[], recent: number): Promise<LoadedRoom[]> {
    return loadRooms(this.db, roomNids, recent);
  }

  async events(wanted: Page): Promise<EventPlace[]> {
    const above = Math.max(wanted.above, 0);
    const { rows } = await this.db.query<PackedPlaces>(PAGES[wanted.direction]({ ...wanted, above }));
    return unpack(wanted.roomNid, rows[0]!);
  }

  async loudEvents(wanted: LoudPage): Promise<LoudEvents> {
    const above = Math.max(wanted.above, 0);
    const rows = await this.#loudEvents.load(wanted);
    const { count = 0, first = null } = rows[0] ?? {};
    const places = rows.filter(({ position }) => position !== null).map(placeOf);
    return { places, lookedDownTo: count < wanted.limit || first === null ? above : first - 1 };
  }

  async eventsInOrder(wanted: OrderPage, userId: string | undefined): Promise<EventPlace[]> {
    const { rows } = await this.db.query<PackedPlaces>(orderPage(wanted, userId));
    return unpack(wanted.roomNid, rows[0]!);
  }

  findPlace(roomNid: number, eventNid: number, userId: string): Promise<EventPlace | undefined> {
    return this.#places.load({ roomNid, eventNid, userId });
  }

  async stateAt(roomNid: number, at: number): Promise<StateVersion[]> {
    return (await this.db.query<VersionRow>(state.stateAt({ roomNid, at }))).rows.map(versionOf);
  }

  async changedState(roomNid: number, above: number, upTo: number, withMembers: boolean): Promise<StateVersion[]> {
    const read = withMembers ? state.allStateBetween : state.stateBetween;
    return (await this.db.query<VersionRow>(read({ roomNid, above, upTo }))).rows.map(versionOf);
  }

  async entryVersions(wanted: EntryNames): Promise<StateVersion[]> {
    if (wanted.names.length === 0) return [];
    return this.#entryVersions.load(wanted);
  }

  async members(wanted: MembersPage): Promise<Members> {
    const { rows } = await this.db.query<VersionRow>(state.membersPage(wanted));
    const members = rows.filter((row) => row.version_position !== null).map(versionOf);
    return { members, nextKey: rows.length < wanted.limit ? undefined : rows.at(-1)?.key_nid };
  }

  async heroes(roomNid: number, limit: number) {
    const present = await this.#presentMembers.load({ roomNid, limit });
    if (present.length > 1) return { present, gone: [] };
    const { rows } = await this.db.query<{ state_key: string }>(state.goneMembers({ roomNid, limit }));
    return { present, gone: rows.map(({ state_key }) => state_key) };
  }

  async forget(userId: string, roomNid: number, leftAt: number): Promise<void> {
    await this.db.query({
      name: 'forget-room',
      text: `INSERT INTO sync.forgotten (user_id, room_nid, position) VALUES ($1, $2, $3)
        ON CONFLICT (user_id, room_nid) DO UPDATE SET position = greatest(forgotten.position, excluded.position)`,
      values: [userId, roomNid, leftAt],
    });
  }

  async forgotten(userId: string): Promise<ReadonlyMap<number, number>> {
    const { rows } = await this.db.query<{ room_nid: number; position: number }>({
      ...(this.forgetsOnLeave
        ? { name: 'left-rooms', text: LEFT }
        : { name: 'forgotten-rooms', text: 'SELECT room_nid, position FROM sync.forgotten WHERE user_id = $1' }),
      values: [userId],
    });
    return new Map(rows.map((row) => [row.room_nid, row.position]));
  }

  async erasedUsers(): Promise<string[]> {
    const { rows } = await this.db.query<{ user_id: string }>({
      name: 'erased-users',
      text: `SELECT user_id FROM sync.account_data WHERE type = '' AND room_id = ''`,
    });
    return rows.map((row) => row.user_id);
  }

  accountData(userId: string, above: number, upTo: number): Promise<AccountDataRow[]> {
    return this.#accountData.load({ userId, above, upTo });
  }
}

function membershipOf({
  userId,
  eventNid,
  strippedState,
  ...row
}: MembershipRow & { userId: string }): MembershipRecord {
  return { ...row, eventNid: eventNid ?? undefined, strippedState: strippedState ?? undefined };
}
