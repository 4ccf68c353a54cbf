/**
 * Room versions as one table of named differences: no algorithm in this library asks for a version's number,
 * each asks for the one flag that it depends on.
 *
 * @see https://spec.matrix.org/v1.19/rooms/
 */

/** How an event id is made: v1 and v2 carry it in the event, v3 hashes to base64, v4 and later to URL-safe base64. */
export type EventIdFormat = 'in-event' | 'base64' | 'base64url';

/** v1 is the first algorithm, v2 came with room version 2, v2.1 (MSC4297) with room version 12. */
export type StateResolutionAlgorithm = 'v1' | 'v2' | 'v2.1';

/** Everything in which a room version can differ from its neighbours. */
export interface RoomVersionRules {
  readonly id: RoomVersionId;
  /** Never set by us for a new room unless a client asks for it; every published version is stable. */
  readonly stable: boolean;
  readonly eventIdFormat: EventIdFormat;
  readonly stateResolution: StateResolutionAlgorithm;
  /** v5+: a signature counts only while its key was valid at the event's origin_server_ts. */
  readonly enforceKeyValidity: boolean;
  /** v6+: only what canonical JSON allows (integers in ±(2^53 - 1), no floats). */
  readonly strictCanonicalJson: boolean;
  /** v1–v5: m.room.aliases has auth rules and is kept by redaction. */
  readonly specialAliases: boolean;
  /** v6+: the `notifications` key of power levels is guarded by the auth rules. */
  readonly limitNotificationsPowerLevels: boolean;
  /** v1–v2: a redaction is authorised by comparing domains of sender and redacted event. */
  readonly redactionAuthByDomain: boolean;
  /** v7+ */
  readonly knock: boolean;
  /** v8+ */
  readonly restrictedJoin: boolean;
  /** v10+ */
  readonly knockRestricted: boolean;
  /** v10+: power levels must be integers; earlier versions parse strings such as " +10 " too. */
  readonly integerPowerLevels: boolean;
  /** v9+: redaction keeps join_authorised_via_users_server on membership. v8 does not. */
  readonly redactionKeepsJoinAuthorised: boolean;
  /** v8+: redaction keeps `allow` on join rules. */
  readonly redactionKeepsJoinRulesAllow: boolean;
  /** v11+: new redaction algorithm (create content whole, third_party_invite.signed, invite in power levels, redacts, no origin/membership/prev_state). */
  readonly updatedRedaction: boolean;
  /** v11+: `redacts` lives in content. */
  readonly redactsInContent: boolean;
  /**
   * v11+: types and state keys of events are at most 255 bytes long. Before, servers have counted code points, and rooms have
   * events that are longer: who refuses them has another state than the others.
   */
  readonly limitsKeysInBytes: boolean;
  /** v11+: m.room.create has no `creator`; the sender is the creator. */
  readonly implicitCreator: boolean;
  /** v12+: creators (sender + additional_creators) stand above every power level. */
  readonly privilegedCreators: boolean;
  /** v12+: the room id is the create event's reference hash and the create event carries no room_id. */
  readonly roomIdIsCreateHash: boolean;
}

export type RoomVersionId = '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9' | '10' | '11' | '12';

/**
 * The version of a new room when nobody asks for another. (A create event without `room_version` is of version 1.)
 *
 * @see https://spec.matrix.org/v1.19/rooms/#complete-list-of-room-versions
 */
export const DEFAULT_ROOM_VERSION: RoomVersionId = '12';

type Differences = Partial<Omit<RoomVersionRules, 'id'>>;

const BASE: Omit<RoomVersionRules, 'id'> = {
  stable: true,
  eventIdFormat: 'in-event',
  stateResolution: 'v1',
  enforceKeyValidity: false,
  strictCanonicalJson: false,
  specialAliases: true,
  limitNotificationsPowerLevels: false,
  redactionAuthByDomain: true,
  knock: false,
  restrictedJoin: false,
  knockRestricted: false,
  integerPowerLevels: false,
  redactionKeepsJoinAuthorised: false,
  redactionKeepsJoinRulesAllow: false,
  updatedRedaction: false,
  redactsInContent: false,
  limitsKeysInBytes: false,
  implicitCreator: false,
  privilegedCreators: false,
  roomIdIsCreateHash: false,
};

/** Each version names only what it changes against the one before it. */
const CHANGES: ReadonlyArray<readonly [RoomVersionId, Differences]> = [
  ['1', {}],
  ['2', { stateResolution: 'v2' }],
  ['3', { eventIdFormat: 'base64', redactionAuthByDomain: false }],
  ['4', { eventIdFormat: 'base64url' }],
  ['5', { enforceKeyValidity: true }],
  ['6', { strictCanonicalJson: true, specialAliases: false, limitNotificationsPowerLevels: true }],
  ['7', { knock: true }],
  ['8', { restrictedJoin: true, redactionKeepsJoinRulesAllow: true }],
  ['9', { redactionKeepsJoinAuthorised: true }],
  ['10', { knockRestricted: true, integerPowerLevels: true }],
  ['11', { updatedRedaction: true, redactsInContent: true, limitsKeysInBytes: true, implicitCreator: true }],
  ['12', { stateResolution: 'v2.1', privilegedCreators: true, roomIdIsCreateHash: true }],
];

function buildTable(): ReadonlyMap<string, RoomVersionRules> {
  const table = new Map<string, RoomVersionRules>();
  let rules = BASE;
  for (const [id, changes] of CHANGES) {
    rules = { ...rules, ...changes };
    table.set(id, Object.freeze({ ...rules, id }));
  }
  return table;
}

const TABLE = buildTable();

/** Every room version this library implements, oldest first. */
export const ROOM_VERSIONS: readonly RoomVersionRules[] = [...TABLE.values()];

/**
 * The rules of a room version, or undefined when it is not one of those published with v1.19.
 *
 * @see https://spec.matrix.org/v1.19/rooms/
 */
export function roomVersionRules(id: string): RoomVersionRules | undefined {
  return TABLE.get(id);
}
