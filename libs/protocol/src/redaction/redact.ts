import type { Pdu } from '../events/pdu.js';
import { jsonCodec } from '../json/json-codec.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../json/json-value.js';
import { copyNumberLiterals } from '../json/number-literals.js';
import type { RoomVersionRules } from '../rooms/room-version.js';

const KEPT_IN_EVERY_VERSION = [
  'event_id',
  'type',
  'room_id',
  'sender',
  'state_key',
  'content',
  'hashes',
  'signatures',
  'depth',
  'prev_events',
  'auth_events',
  'origin_server_ts',
] as const;

const KEPT_BEFORE_UPDATED_REDACTION = [...KEPT_IN_EVERY_VERSION, 'prev_state', 'origin', 'membership'] as const;

/** The top-level keys that survive redaction. @see https://spec.matrix.org/v1.19/rooms/v12/#redactions */
export function keysKeptByRedaction(rules: RoomVersionRules): readonly string[] {
  return rules.updatedRedaction ? KEPT_IN_EVERY_VERSION : KEPT_BEFORE_UPDATED_REDACTION;
}

/**
 * A copy of an event with only what the protocol needs. `unsigned` goes too; what belongs there (`redacted_because`)
 * is the caller's to add. Redacting twice changes nothing, and the event id stays.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v12/#redactions
 */
export function redactEvent(pdu: Pdu, rules: RoomVersionRules): Pdu {
  const kept = pick(pdu as unknown as JsonObject, keysKeptByRedaction(rules)) as unknown as Pdu;
  return copyNumberLiterals(pdu, { ...kept, content: redactContent(pdu.type, pdu.content, rules) });
}

/**
 * As `redactEvent`, from text to text: numbers stay as they were written, so that it still is the event that its hashes and
 * signatures say it is.
 *
 * @param json of an event, in whichever format
 * @see https://spec.matrix.org/v1.19/rooms/v12/#redactions
 */
export function redactEventJson(json: string, rules: RoomVersionRules): string {
  const codec = jsonCodec(json, rules);
  return codec.stringify(redactEvent(codec.parse(json) as Pdu, rules));
}

/**
 * What is left of an event's content after redaction.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v12/#redactions
 */
export function redactContent(type: string, content: JsonObject, rules: RoomVersionRules): JsonObject {
  if (type === 'm.room.create' && rules.updatedRedaction) return content;
  const kept = pick(content, keysKeptInContent(type, rules));
  if (type !== 'm.room.member' || !rules.updatedRedaction) return kept;
  const invite = content.third_party_invite;
  return isJsonObject(invite) ? { ...kept, third_party_invite: pick(invite, ['signed']) } : kept;
}

const POWER_LEVEL_KEYS = [
  'ban',
  'events',
  'events_default',
  'kick',
  'redact',
  'state_default',
  'users',
  'users_default',
];

function keysKeptInContent(type: string, rules: RoomVersionRules): readonly string[] {
  switch (type) {
    case 'm.room.member':
      return rules.redactionKeepsJoinAuthorised ? ['membership', 'join_authorised_via_users_server'] : ['membership'];
    case 'm.room.create':
      return ['creator'];
    case 'm.room.join_rules':
      return rules.redactionKeepsJoinRulesAllow ? ['join_rule', 'allow'] : ['join_rule'];
    case 'm.room.power_levels':
      return rules.updatedRedaction ? [...POWER_LEVEL_KEYS, 'invite'] : POWER_LEVEL_KEYS;
    case 'm.room.aliases':
      return rules.specialAliases ? ['aliases'] : [];
    case 'm.room.history_visibility':
      return ['history_visibility'];
    case 'm.room.redaction':
      return rules.updatedRedaction ? ['redacts'] : [];
    default:
      return [];
  }
}

function pick(from: JsonObject, keys: readonly string[]): JsonObject {
  const kept: Record<string, JsonValue> = {};
  for (const key of keys) {
    const value = Object.hasOwn(from, key) ? from[key] : undefined;
    if (value !== undefined) kept[key] = value;
  }
  return copyNumberLiterals(from, kept);
}
