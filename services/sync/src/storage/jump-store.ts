import type { StateChange } from '@ganglion/contracts/room';
import { type Database, type Queryable, rowsOf, sql, statement } from '@ganglion/database';
import type { AppendBatch, AppendRoom, MembershipRow } from '../domain/append-batch.js';
import type { Jumped, JumpName } from '../domain/ports/append-model.js';
import { isStorableKey } from '../domain/storable.js';
import { appendStatement } from './append-statement.js';
import { APPEND_ROOM } from './room-columns.js';

interface Staged extends JumpName {
  readonly changes: readonly StateChange[];
}

/** A jump that gets its position. */
interface Placed extends JumpName {
  readonly position: number;
  readonly serverNames: readonly string[];
}

const COLUMNS = {
  room_nid: 'bigint',
  room_seq: 'bigint',
  key_nid: 'bigint',
  type: 'text',
  state_key: 'text',
  event_nid: 'bigint',
  membership: 'text',
} as const;

const stage = statement(
  'stage-jump',
  sql<Staged>`
  INSERT INTO sync.state_jumps (room_nid, room_seq, key_nid, type, state_key, event_nid, membership)
  ${rowsOf('j', COLUMNS, stagedRows)} ON CONFLICT DO NOTHING`,
);

const position = ({ position }: Placed) => position;
const STAGED = sql<Placed>`sync.state_jumps j WHERE j.room_nid = ${({ roomNid }) => roomNid} AND j.room_seq = ${({
  roomSeq,
}) => roomSeq}`;
const IS_PRESENT = sql`coalesce(j.membership, '') IN ('join', 'invite')`;

/** How many join or are invited by the jump who were not so before, or the other way round. */
const count = statement(
  'count-jump',
  sql<Placed>`
  UPDATE sync.rooms SET joined = joined + change.who_join, invited = invited + change.who_are_invited,
    members_position = ${position}, jump_position = ${position}
  FROM (
    SELECT (count(*) FILTER (WHERE after = 'join') - count(*) FILTER (WHERE before = 'join'))::integer AS who_join,
      (count(*) FILTER (WHERE after = 'invite') - count(*) FILTER (WHERE before = 'invite'))::integer AS who_are_invited
    FROM (
      SELECT j.membership AS after, (
        SELECT s.membership FROM sync.state_log s WHERE s.room_nid = j.room_nid AND s.key_nid = j.key_nid
        ORDER BY s.position DESC LIMIT 1) AS before
      FROM ${STAGED} AND j.type = 'm.room.member') AS members) AS change
  WHERE room_nid = ${({ roomNid }) => roomNid} RETURNING ${APPEND_ROOM}`,
);

const putKeys = statement(
  'put-jump-keys',
  sql<Placed>`
  INSERT INTO sync.state_keys AS known (room_nid, key_nid, type, state_key, present_since)
  SELECT j.room_nid, j.key_nid, j.type, j.state_key,
    CASE WHEN j.type = 'm.room.member' AND ${IS_PRESENT} THEN ${position}::bigint END
  FROM ${STAGED}
  ON CONFLICT (room_nid, key_nid) DO UPDATE SET present_since = excluded.present_since
  WHERE (known.present_since IS NULL) <> (excluded.present_since IS NULL)`,
);

const putLog = statement(
  'put-jump-log',
  sql<Placed>`
  INSERT INTO sync.state_log (room_nid, key_nid, position, event_nid, membership)
  SELECT j.room_nid, j.key_nid, ${position}::bigint, j.event_nid, j.membership FROM ${STAGED}`,
);

const putMemberships = statement(
  'put-jump-memberships',
  sql<Placed>`
  INSERT INTO sync.memberships AS known (user_id, room_nid, membership, position, since, event_nid)
  SELECT j.state_key, j.room_nid, coalesce(j.membership, 'leave'), ${position}::bigint, ${position}::bigint, j.event_nid
  FROM ${STAGED} AND j.type = 'm.room.member'
    AND substr(j.state_key, strpos(j.state_key, ':') + 1) = ANY(${({ serverNames }) => serverNames}::text[])
  ON CONFLICT (user_id, room_nid) DO UPDATE SET membership = excluded.membership, position = excluded.position,
    since = CASE WHEN known.membership = excluded.membership THEN known.since ELSE excluded.position END,
    event_nid = excluded.event_nid, stripped_state = NULL
  RETURNING user_id AS "userId", room_nid AS "roomNid", membership, position, since, event_nid AS "eventNid"`,
);

/** Whoever of our users is in a room whose members have come has the room anew. */
const touchJoined = statement(
  'touch-jump-members',
  sql<Placed>`
  UPDATE sync.memberships SET position = ${position} WHERE room_nid = ${({ roomNid }) => roomNid} AND membership = 'join'
  RETURNING user_id AS "userId", room_nid AS "roomNid", membership, position, since, event_nid AS "eventNid"`,
);

const unstage = statement(
  'unstage-jump',
  sql<JumpName>`
  DELETE FROM sync.state_jumps WHERE room_nid = ${({ roomNid }) => roomNid} AND room_seq <= ${({ roomSeq }) => roomSeq}`,
);

/** Changes of a room's state that are too large for one message: kept aside in pages, then appended by the database alone. */
export class JumpStore {
  constructor(
    private readonly db: Database,
    private readonly serverNames: readonly string[],
  ) {}

  async stage(jump: JumpName, changes: readonly StateChange[]): Promise<void> {
    await this.db.query(stage({ ...jump, changes }));
  }

  /** Forgets what an earlier term has put aside. */
  async clear(): Promise<void> {
    await this.db.query({ text: 'DELETE FROM sync.state_jumps' });
  }

  /** All or nothing; undefined when the batch came too late. */
  append(batch: AppendBatch, epoch: number, jump: JumpName): Promise<Jumped | undefined> {
    const placed = { ...jump, position: batch.position, serverNames: this.serverNames };
    return this.db.transaction(async (tx) => {
      const { rowCount } = await tx.query(appendStatement(batch, epoch));
      const isWhole = batch.rooms.some(({ nid, wholeFrom }) => nid === jump.roomNid && wholeFrom === batch.position);
      return rowCount === 1 ? placeJump(tx, placed, isWhole) : undefined;
    });
  }
}

async function placeJump(tx: Queryable, placed: Placed, isWhole: boolean): Promise<Jumped> {
  const rooms = await tx.query<AppendRoom & Record<string, unknown>>(count(placed));
  await tx.query(putKeys(placed));
  await tx.query(putLog(placed));
  const memberships = await tx.query<MembershipRow & Record<string, unknown>>(putMemberships(placed));
  const touched = isWhole ? await tx.query<MembershipRow & Record<string, unknown>>(touchJoined(placed)) : { rows: [] };
  await tx.query(unstage(placed));
  const left = memberships.rows.filter(({ membership }) => !isWhole || membership !== 'join');
  return { room: rooms.rows[0]!, memberships: [...left, ...touched.rows].map(membershipRow) };
}

function membershipRow(row: MembershipRow): MembershipRow {
  return { ...row, eventNid: row.eventNid ?? undefined, strippedState: undefined };
}

function stagedRows({ roomNid, roomSeq, changes }: Staged) {
  return changes.filter(isStorableKey).map(({ keyNid, type, stateKey, eventNid, membership }) => ({
    ...{ room_nid: roomNid, room_seq: roomSeq, key_nid: keyNid, type, state_key: stateKey },
    ...{ event_nid: eventNid === 0 ? undefined : eventNid, membership: eventNid === 0 ? undefined : membership },
  }));
}
