import { isJsonObject, type JsonObject } from '../json/json-value.js';
import { type AuthContext, refuseIn } from './auth-context.js';
import { objectProperty, ownProperty } from './content.js';
import { ALLOWED, type AuthDecision } from './decision.js';
import { powerLevelValue } from './power-level-value.js';
import { DEFAULT_LEVELS, type LevelProperty } from './power-levels.js';

/** One level that a new m.room.power_levels event adds (no `current`), removes (no `next`) or changes. */
interface Change {
  readonly name: string;
  readonly current: number | undefined;
  readonly next: number | undefined;
}

/** Before version 10 values that are no levels get as far as here. They are above everybody, hence refused. */
const NO_LEVEL = Number.POSITIVE_INFINITY;

const PROPERTIES = Object.keys(DEFAULT_LEVELS) as readonly LevelProperty[];

/**
 * The rules that compare new power levels with those in force: nobody gives, takes or alters what is above them.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v12/#authorisation-rules
 */
export function checkPowerLevelChanges(context: AuthContext, current: JsonObject): AuthDecision {
  return (
    checkProperties(context, current) ?? checkEntries(context, current) ?? checkUserEntries(context, current) ?? ALLOWED
  );
}

/** Absent levels are inferred from their defaults, so raising a level above oneself by removing it is refused too. */
function checkProperties(context: AuthContext, current: JsonObject): AuthDecision | undefined {
  const level = senderLevel(context);
  for (const change of changes(context, current, context.pdu.content, PROPERTIES)) {
    const fallback = DEFAULT_LEVELS[change.name as LevelProperty];
    if ((change.current ?? fallback) > level) return refuseChange(context, 'power_levels.property.current', change);
    if ((change.next ?? fallback) > level) return refuseChange(context, 'power_levels.property.new', change);
  }
  return undefined;
}

function checkEntries(context: AuthContext, current: JsonObject): AuthDecision | undefined {
  const level = senderLevel(context);
  const maps = context.rules.limitNotificationsPowerLevels ? ['events', 'notifications'] : ['events'];
  const changed = maps.flatMap((map) => entryChanges(context, current, map));
  const taken = changed.find((change) => change.current !== undefined && change.current > level);
  if (taken !== undefined) return refuseChange(context, 'power_levels.entry_current.level', taken);
  const given = changed.find((change) => change.next !== undefined && change.next > level);
  return given && refuseChange(context, 'power_levels.entry_new.level', given);
}

function checkUserEntries(context: AuthContext, current: JsonObject): AuthDecision | undefined {
  const level = senderLevel(context);
  const changed = entryChanges(context, current, 'users');
  const taken = changed.find(
    (change) => change.name !== context.pdu.sender && change.current !== undefined && change.current >= level,
  );
  if (taken !== undefined) return refuseChange(context, 'power_levels.user_current.level', taken);
  const given = changed.find((change) => change.next !== undefined && change.next > level);
  return given && refuseChange(context, 'power_levels.user_new.level', given);
}

function senderLevel({ levels, pdu }: AuthContext): number {
  return levels.forUser(pdu.sender);
}

function entryChanges(context: AuthContext, current: JsonObject, map: string): Change[] {
  const given = ownProperty(context.pdu.content, map);
  if (given !== undefined && !isJsonObject(given)) return [{ name: map, current: undefined, next: NO_LEVEL }];
  const before = objectProperty(current, map);
  const after = given ?? {};
  return changes(context, before, after, new Set([...Object.keys(before), ...Object.keys(after)]));
}

function changes(context: AuthContext, before: JsonObject, after: JsonObject, names: Iterable<string>): Change[] {
  const changed: Change[] = [];
  for (const name of names) {
    const current = powerLevelValue(ownProperty(before, name), context.rules);
    const next = nextLevel(ownProperty(after, name), context);
    if (current !== next) changed.push({ name, current, next });
  }
  return changed;
}

function nextLevel(value: unknown, { rules }: AuthContext): number | undefined {
  return value === undefined ? undefined : (powerLevelValue(value, rules) ?? NO_LEVEL);
}

type ChangeRule =
  | 'power_levels.property.current'
  | 'power_levels.property.new'
  | 'power_levels.entry_current.level'
  | 'power_levels.entry_new.level'
  | 'power_levels.user_current.level'
  | 'power_levels.user_new.level';

function refuseChange(context: AuthContext, rule: ChangeRule, { name, current, next }: Change): AuthDecision {
  const sender = `${context.pdu.sender}, who has power level ${senderLevel(context)},`;
  return refuseIn(context, rule, `${sender} may not change ${name} from ${current ?? 'unset'} to ${next ?? 'unset'}`);
}
