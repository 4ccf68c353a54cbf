import type { RoomVersionRules } from '../rooms/room-version.js';

type Applies = (rules: RoomVersionRules) => boolean;

const always: Applies = () => true;
const createInRoomId: Applies = (rules) => rules.roomIdIsCreateHash;
const createInAuthEvents: Applies = (rules) => !rules.roomIdIsCreateHash;
const explicitCreator: Applies = (rules) => !rules.implicitCreator;
const privilegedCreators: Applies = (rules) => rules.privilegedCreators;
const aliases: Applies = (rules) => rules.specialAliases;
const restricted: Applies = (rules) => rules.restrictedJoin;
const knock: Applies = (rules) => rules.knock;
const integers: Applies = (rules) => rules.integerPowerLevels;
const redactionByDomain: Applies = (rules) => rules.redactionAuthByDomain;

/**
 * Every authorisation rule of every room version, in the order of the specification. The number that a rule bears in
 * a version is its place among its siblings that apply there, so the rules which never refuse are listed too.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v12/#authorisation-rules
 */
const RULE_BOOK = [
  ['create', always],
  ['create.prev_events', always],
  ['create.room_id', always],
  ['create.room_version', always],
  ['create.creator', explicitCreator],
  ['create.additional_creators', privilegedCreators],
  ['room_id', createInRoomId],
  ['auth_events', always],
  ['auth_events.duplicate', always],
  ['auth_events.selection', always],
  ['auth_events.rejected', always],
  ['auth_events.create', createInAuthEvents],
  ['auth_events.room_id', always],
  ['federate', always],
  ['aliases', aliases],
  ['aliases.state_key', always],
  ['aliases.domain', always],
  ['member', always],
  ['member.format', always],
  ['member.authorised', restricted],
  ['member.authorised.signature', always],
  ['member.join', always],
  ['member.join.creator', always],
  ['member.join.sender', always],
  ['member.join.banned', always],
  ['member.join.invited', always],
  ['member.join.restricted', restricted],
  ['member.join.restricted.invited', always],
  ['member.join.restricted.authoriser', always],
  ['member.join.public', always],
  ['member.join.otherwise', always],
  ['member.invite', always],
  ['member.invite.third_party', always],
  ['member.invite.third_party.banned', always],
  ['member.invite.third_party.signed', always],
  ['member.invite.third_party.properties', always],
  ['member.invite.third_party.mxid', always],
  ['member.invite.third_party.token', always],
  ['member.invite.third_party.sender', always],
  ['member.invite.third_party.signature', always],
  ['member.invite.third_party.otherwise', always],
  ['member.invite.sender', always],
  ['member.invite.target', always],
  ['member.invite.level', always],
  ['member.invite.otherwise', always],
  ['member.leave', always],
  ['member.leave.self', always],
  ['member.leave.sender', always],
  ['member.leave.unban', always],
  ['member.leave.kick', always],
  ['member.leave.otherwise', always],
  ['member.ban', always],
  ['member.ban.sender', always],
  ['member.ban.level', always],
  ['member.ban.otherwise', always],
  ['member.knock', knock],
  ['member.knock.join_rule', always],
  ['member.knock.sender', always],
  ['member.knock.membership', always],
  ['member.knock.otherwise', always],
  ['member.unknown', always],
  ['sender', always],
  ['third_party_invite', always],
  ['third_party_invite.level', always],
  ['required_level', always],
  ['state_key', always],
  ['power_levels', always],
  ['power_levels.integers', integers],
  ['power_levels.maps', integers],
  ['power_levels.users', always],
  ['power_levels.creators', privilegedCreators],
  ['power_levels.first', always],
  ['power_levels.property', always],
  ['power_levels.property.current', always],
  ['power_levels.property.new', always],
  ['power_levels.entry_current', always],
  ['power_levels.entry_current.level', always],
  ['power_levels.entry_new', always],
  ['power_levels.entry_new.level', always],
  ['power_levels.user_current', always],
  ['power_levels.user_current.level', always],
  ['power_levels.user_new', always],
  ['power_levels.user_new.level', always],
  ['redaction', redactionByDomain],
  ['redaction.level', always],
  ['redaction.domain', always],
  ['redaction.otherwise', always],
] as const satisfies readonly (readonly [name: string, applies: Applies])[];

/** The name that this library gives to a rule, whatever its number in a room version. */
export type RuleName = (typeof RULE_BOOK)[number][0];

function parentOf(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf('.')));
}

function numberRules(rules: RoomVersionRules): ReadonlyMap<string, string> {
  const numbers = new Map<string, string>();
  const siblings = new Map<string, number>();
  for (const [name, applies] of RULE_BOOK) {
    const parent = parentOf(name);
    if ((parent !== '' && !numbers.has(parent)) || !applies(rules)) continue;
    const place = (siblings.get(parent) ?? 0) + 1;
    siblings.set(parent, place);
    numbers.set(name, parent === '' ? `${place}` : `${numbers.get(parent)}.${place}`);
  }
  return numbers;
}

const numbersByVersion = new WeakMap<RoomVersionRules, ReadonlyMap<string, string>>();

/** The number path of a rule in a room version, such as "5.3.2"; its name where the version has no such rule. */
export function ruleNumber(name: RuleName, rules: RoomVersionRules): string {
  let numbers = numbersByVersion.get(rules);
  if (numbers === undefined) {
    numbers = numberRules(rules);
    numbersByVersion.set(rules, numbers);
  }
  return numbers.get(name) ?? name;
}
