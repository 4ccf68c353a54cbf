import type { RoomVersionRules } from '../rooms/room-version.js';

const INTEGER_IN_A_STRING = /^\s*[+-]?\d+\s*$/;

/**
 * A power level as the room version reads it, or undefined when the value is none. From version 10 on it is an integer;
 * before, a string such as " +010 " counts too and a float is cut at its point. Nothing beyond ±(2^53 - 1) counts.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v9/#mroompower_levels-events-accept-values-as-strings
 * @see https://spec.matrix.org/v1.19/rooms/v5/#mroompower_levels-events-accept-values-as-floats
 */
export function powerLevelValue(value: unknown, rules: RoomVersionRules): number | undefined {
  const number = rules.integerPowerLevels ? value : lenientNumber(value);
  return Number.isSafeInteger(number) ? (number as number) : undefined;
}

function lenientNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return Math.trunc(value);
  return typeof value === 'string' && INTEGER_IN_A_STRING.test(value) ? Number.parseInt(value, 10) : undefined;
}
