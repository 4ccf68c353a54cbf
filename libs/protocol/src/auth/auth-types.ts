import type { JsonObject } from '../json/json-value.js';
import type { RoomVersionRules } from '../rooms/room-version.js';
import { ownProperty, stringProperty } from './content.js';

/** What the selection of auth events looks at; an event that is yet to be built has no more than this. */
export interface EventOutline {
  readonly type: string;
  readonly sender: string;
  readonly state_key?: string;
  readonly content: JsonObject;
}

export type AuthType = readonly [type: string, stateKey: string];

/** The memberships that depend on who may join. */
const MEMBERSHIPS_UNDER_JOIN_RULES: readonly (string | undefined)[] = ['join', 'invite', 'knock'];

/**
 * The pairs of event type and state key that authorise an event: `auth_events` is what the room's state holds for them.
 * From version 12 on m.room.create is not among them, for the room id stands for it.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#auth-events-selection
 */
export function authTypesForEvent(event: EventOutline, rules: RoomVersionRules): readonly AuthType[] {
  if (event.type === 'm.room.create') return [];
  const types: AuthType[] = [
    ['m.room.power_levels', ''],
    ['m.room.member', event.sender],
  ];
  if (!rules.roomIdIsCreateHash) types.unshift(['m.room.create', '']);
  if (event.type === 'm.room.member') types.push(...authTypesForMember(event, rules));
  return types;
}

function authTypesForMember({ sender, state_key: target, content }: EventOutline, rules: RoomVersionRules): AuthType[] {
  const membership = stringProperty(content, 'membership');
  const types: AuthType[] = [];
  if (target !== undefined && target !== sender) types.push(['m.room.member', target]);
  if (MEMBERSHIPS_UNDER_JOIN_RULES.includes(membership)) types.push(['m.room.join_rules', '']);
  const token = membership === 'invite' ? thirdPartyToken(content) : undefined;
  if (token !== undefined) types.push(['m.room.third_party_invite', token]);
  const authoriser = membership === 'join' && rules.restrictedJoin ? authorisingUser(content) : undefined;
  if (authoriser !== undefined && authoriser !== sender && authoriser !== target) {
    types.push(['m.room.member', authoriser]);
  }
  return types;
}

function thirdPartyToken(content: JsonObject): string | undefined {
  return stringProperty(ownProperty(ownProperty(content, 'third_party_invite'), 'signed'), 'token');
}

/** The user whose server vouches for a join to a restricted room. */
export function authorisingUser(content: JsonObject): string | undefined {
  return stringProperty(content, 'join_authorised_via_users_server');
}
