import { MembershipAction } from '@ganglion/contracts/room';
import type { Database } from '@ganglion/database';
import { type JsonObject, type Pdu, type RoomVersionRules, roomVersionRules } from '@ganglion/protocol';
import type { Replica } from './room-servers.js';

export interface RoomOptions {
  readonly version?: string;
  readonly creator?: string;
  /** The content of m.room.power_levels, beyond the creator's level where the version has them listed. */
  readonly powerLevels?: JsonObject;
  readonly joinRules?: JsonObject;
  readonly historyVisibility?: string;
  readonly more?: readonly { type: string; stateKey: string; content: JsonObject }[];
  readonly alias?: string;
  readonly published?: boolean;
  /** Of m.room.create, beyond what has to be there. */
  readonly createContent?: JsonObject;
}

export const ALICE = '@alice:one.test';
export const BOB = '@bob:one.test';
export const CAROL = '@carol:two.test';

export function rulesOf(version: string): RoomVersionRules {
  const rules = roomVersionRules(version);
  if (rules === undefined) throw new Error(`no room version ${version}`);
  return rules;
}

/** A public room with its creator in it. */
export async function createRoom(replica: Replica, options: RoomOptions = {}): Promise<string> {
  const { version = '12', creator = ALICE, joinRules = { join_rule: 'public' }, more = [] } = options;
  const rules = rulesOf(version);
  const state = (type: string, content: JsonObject, stateKey = '') => ({ type, stateKey, content });
  const users = rules.privilegedCreators ? {} : { [creator]: 100 };
  const events = [
    state('m.room.create', {
      room_version: version,
      ...(!rules.implicitCreator && { creator }),
      ...options.createContent,
    }),
    state('m.room.member', { membership: 'join' }, creator),
    state('m.room.power_levels', { users, ...options.powerLevels }),
    state('m.room.join_rules', joinRules),
    state('m.room.history_visibility', { history_visibility: options.historyVisibility ?? 'shared' }),
    ...more,
  ];
  const { roomId } = await replica.rooms.createRoom({
    roomVersion: version,
    creator,
    published: options.published ?? false,
    alias: options.alias,
    events: events.map(({ type, stateKey, content }) => ({ type, stateKey, contentJson: JSON.stringify(content) })),
  });
  return roomId;
}

export interface Send {
  readonly type?: string;
  readonly content?: JsonObject;
  readonly stateKey?: string | undefined;
  readonly redacts?: string;
  readonly txnId?: string | undefined;
  readonly deviceId?: string;
  readonly originServerTs?: number;
}

export function send({ rooms }: Replica, roomId: string, sender: string, what: Send = {}) {
  const { type = 'm.room.message', content = { body: 'hello', msgtype: 'm.text' }, stateKey, redacts, txnId } = what;
  return rooms.sendEvent({
    roomId,
    sender,
    event: { type, stateKey, contentJson: JSON.stringify(content) },
    redacts,
    originServerTs: what.originServerTs,
    transaction:
      txnId === undefined ? undefined : { userId: sender, deviceId: what.deviceId ?? 'PHONE', scope: type, txnId },
  });
}

export type Action = Lowercase<keyof typeof MembershipAction & string>;

export function change(
  { rooms }: Replica,
  roomId: string,
  sender: string,
  action: Action,
  target = sender,
  content: JsonObject = {},
) {
  return rooms.changeMembership({
    roomId,
    sender,
    target,
    action: MembershipAction[action.toUpperCase() as keyof typeof MembershipAction],
    contentJson: JSON.stringify(content),
  });
}

export interface StoredEvent {
  readonly nid: number;
  readonly seq: number;
  readonly eventId: string;
  readonly pdu: Pdu;
  readonly prevNids: readonly number[];
  readonly authNids: readonly number[];
  readonly redacts: string | null;
}

/** What the database holds of a room, in order. */
export async function storedEvents(db: Database, roomId: string): Promise<StoredEvent[]> {
  const { rows } = await db.query<Omit<StoredEvent, 'pdu'> & { pdu: string }>({
    text: `SELECT e.event_nid AS nid, e.room_seq AS seq, e.event_id AS "eventId", e.pdu, e.prev_nids AS "prevNids",
        e.auth_nids AS "authNids", e.redacts_event_id AS redacts
      FROM room_server.events e JOIN room_server.rooms r USING (room_nid) WHERE r.room_id = $1 ORDER BY e.room_seq`,
    values: [roomId],
  });
  return rows.map((row) => ({ ...row, pdu: JSON.parse(row.pdu) as Pdu }));
}

export async function countOf(db: Database, what: string, values: unknown[] = []): Promise<number> {
  const { rows } = await db.query<{ count: number }>({ text: `SELECT count(*) AS count FROM ${what}`, values });
  return rows[0]!.count;
}

export async function roomNidOf(db: Database, roomId: string): Promise<number> {
  const { rows } = await db.query<{ nid: number }>({
    text: 'SELECT room_nid AS nid FROM room_server.rooms WHERE room_id = $1',
    values: [roomId],
  });
  return rows[0]!.nid;
}

/** How many steps it takes from the current state of a room to the beginning of its line, and how many states there are. */
export async function stepsBack(db: Database, roomId: string): Promise<{ steps: number; states: number }> {
  const { rows } = await db.query<{ steps: number; states: number }>({
    text: `WITH RECURSIVE stride AS (
        SELECT s.*, 1 AS steps FROM room_server.rooms r JOIN room_server.states s USING (room_nid, state_nid)
        WHERE r.room_id = $1
        UNION ALL
        SELECT s.*, stride.steps + 1 FROM stride
        JOIN room_server.states s ON s.room_nid = stride.room_nid AND s.state_nid = stride.skip_nid
      )
      SELECT max(steps) AS steps,
        (SELECT count(*) FROM room_server.states s WHERE s.room_nid = min(stride.room_nid)) AS states
      FROM stride`,
    values: [roomId],
  });
  return rows[0]!;
}
