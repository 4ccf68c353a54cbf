import type { AuthState, JsonObject, Pdu, RoomEvent, RoomVersionRules } from '../../src/index.js';
import { domainOf, stateTuple } from '../../src/index.js';

/** Who acts in the cases. The creator made the room; levels are those of `LEVELS`. */
export const CREATOR = '@creator:a.example';
export const ADMIN = '@admin:a.example';
export const MOD = '@mod:a.example';
export const USER = '@user:b.example';
export const STRANGER = '@stranger:c.example';

/** An event as a case writes it down: only what matters to the case. */
export interface Draft {
  readonly type: string;
  readonly sender: string;
  readonly content: JsonObject;
  readonly state_key?: string;
  readonly redacts?: string;
  readonly prev_events?: readonly string[];
  readonly signedBy?: readonly string[];
  /** Instead of those of the sender's server and of `signedBy`. */
  readonly signatures?: Pdu['signatures'];
  /** What the event says its room is, or null for no room at all. */
  readonly room_id?: string | null;
  readonly eventId?: string;
  readonly rejected?: boolean;
}

export type Extra = Omit<Partial<Draft>, 'type' | 'sender'>;

export function sends(sender: string, type: string, content: JsonObject = {}, extra: Extra = {}): Draft {
  return { type, sender, content, ...extra };
}

export function sets(sender: string, type: string, stateKey: string, content: JsonObject, extra: Extra = {}): Draft {
  return { type, sender, state_key: stateKey, content, ...extra };
}

export function member(target: string, membership: string, sender: string, content: JsonObject = {}): Draft {
  return sets(sender, 'm.room.member', target, { membership, ...content });
}

export function joins(user: string, content: JsonObject = {}): Draft {
  return member(user, 'join', user, content);
}

export function joinRule(rule: string): Draft {
  return sets(CREATOR, 'm.room.join_rules', '', { join_rule: rule });
}

export function powerLevels(content: JsonObject, sender = ADMIN): Draft {
  return sets(sender, 'm.room.power_levels', '', content);
}

export function create(content: JsonObject = {}, extra: Extra = {}): Draft {
  return sets(CREATOR, 'm.room.create', '', { creator: CREATOR, ...content }, { prev_events: [], ...extra });
}

/** The levels in force in the room of the cases. The creator is left out for the sake of version 12. */
export const USERS = { [ADMIN]: 100, [MOD]: 50 };
export const LEVELS = { users: USERS, invite: 25, kick: 40, ban: 45, redact: 50 };

/** A room with everybody in it but the stranger, whom only an invitation lets in. */
export const ROOM: readonly Draft[] = [
  create(),
  powerLevels(LEVELS, CREATOR),
  joinRule('invite'),
  joins(CREATOR),
  joins(ADMIN),
  joins(MOD),
  joins(USER),
];

function roomIdOf(rules: RoomVersionRules): string {
  return rules.roomIdIsCreateHash ? `!${eventId('create', rules).slice(1)}` : '!room:a.example';
}

function eventId(name: string, rules: RoomVersionRules): string {
  return rules.eventIdFormat === 'in-event' ? `$${name}:a.example` : `$${name}`;
}

/** Makes a draft an event of a room of this version. */
export function event(draft: Draft, rules: RoomVersionRules): RoomEvent {
  const {
    eventId: id,
    rejected = false,
    signedBy = [],
    room_id,
    prev_events,
    state_key,
    redacts,
    signatures,
    ...rest
  } = draft;
  const roomId = room_id === undefined ? defaultRoomId(draft, rules) : room_id;
  const pdu: Pdu = {
    ...rest,
    ...(state_key === undefined ? {} : { state_key }),
    ...(redacts === undefined ? {} : { redacts }),
    ...(roomId === null ? {} : { room_id: roomId }),
    depth: 1,
    origin_server_ts: 1,
    prev_events: prev_events ?? ['$previous:a.example'],
    auth_events: [],
    hashes: { sha256: '' },
    signatures: signatures ?? signaturesBy([domainOf(draft.sender), ...signedBy]),
  };
  const ownId = id ?? eventId(draft.type === 'm.room.create' ? 'create' : `${draft.type}-${state_key ?? ''}`, rules);
  return { eventId: ownId, roomId: roomId ?? roomIdOf(rules), pdu, rejected };
}

function signaturesBy(servers: readonly string[]): Pdu['signatures'] {
  return Object.fromEntries(servers.map((server) => [server, { 'ed25519:1': 's' }]));
}

function defaultRoomId(draft: Draft, rules: RoomVersionRules): string | null {
  return draft.type === 'm.room.create' && rules.roomIdIsCreateHash ? null : roomIdOf(rules);
}

/** A look-up in the state that these events make; the later of two with one type and state key counts. */
export function stateOf(drafts: readonly Draft[], rules: RoomVersionRules): AuthState {
  const events = new Map(drafts.map((draft) => [stateTuple(draft.type, draft.state_key ?? ''), event(draft, rules)]));
  return (type, stateKey) => events.get(stateTuple(type, stateKey));
}
