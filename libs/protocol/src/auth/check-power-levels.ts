import { isValidUserId } from '../identifiers/user-id.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../json/json-value.js';
import { type AuthContext, refuseIn } from './auth-context.js';
import { isPrivilegedCreator } from './auth-state.js';
import { checkPowerLevelChanges } from './check-power-level-changes.js';
import { ownProperty } from './content.js';
import { ALLOWED, type AuthDecision } from './decision.js';
import { powerLevelValue } from './power-level-value.js';
import { DEFAULT_LEVELS } from './power-levels.js';

/** The rule about m.room.power_levels. @see https://spec.matrix.org/v1.19/rooms/v12/#authorisation-rules */
export function checkPowerLevels(context: AuthContext): AuthDecision {
  const malformed = checkIntegers(context) ?? checkUsers(context);
  if (malformed !== undefined) return malformed;
  const current = context.state('m.room.power_levels', '');
  return current === undefined ? ALLOWED : checkPowerLevelChanges(context, current.pdu.content);
}

/** From version 10 on every level that is present must be an integer. */
function checkIntegers(context: AuthContext): AuthDecision | undefined {
  const { pdu, rules } = context;
  if (!rules.integerPowerLevels) return undefined;
  for (const property of Object.keys(DEFAULT_LEVELS)) {
    const value = ownProperty(pdu.content, property);
    if (value !== undefined && !isLevel(context, value)) {
      return refuseIn(context, 'power_levels.integers', `${property} is not an integer`);
    }
  }
  for (const property of ['events', 'notifications']) {
    const value = ownProperty(pdu.content, property);
    if (value !== undefined && !isLevelMap(context, value)) {
      return refuseIn(context, 'power_levels.maps', `${property} is not an object of integers`);
    }
  }
  return undefined;
}

function checkUsers(context: AuthContext): AuthDecision | undefined {
  const { create, pdu, rules } = context;
  const users = ownProperty(pdu.content, 'users');
  if (users === undefined) return undefined;
  if (!isLevelMap(context, users) || !Object.keys(users).every(isValidUserId)) {
    return refuseIn(context, 'power_levels.users', 'users is not an object of user ids and integers');
  }
  const creator = Object.keys(users).find((userId) => isPrivilegedCreator(create, userId, rules));
  if (creator === undefined) return undefined;
  return refuseIn(context, 'power_levels.creators', `${creator} created the room and cannot be given a power level`);
}

function isLevel({ rules }: AuthContext, value: JsonValue | undefined): boolean {
  return powerLevelValue(value, rules) !== undefined;
}

function isLevelMap(context: AuthContext, value: JsonValue): value is JsonObject {
  return isJsonObject(value) && Object.values(value).every((entry) => isLevel(context, entry));
}
