import type { RoomVersionRules } from '../rooms/room-version.js';

const INTEGER_IN_A_STRING = /^\s*[+-]?\d+\s*$/;

/**
 * A power level as the room version reads it, or undefined when the value is none. From version 10 on it is an integer; before, a
 * string such as " +010 " counts too and a float is cut at its point. How great an integer may be is then for canonical JSON to say,
 * where a version is strict about it.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v9/#mroompower_levels-events-accept-values-as-strings
 * @see https://spec.matrix.org/v1.19/rooms/v5/#mroompower_levels-events-accept-values-as-floats
 */
export function powerLevelValue(value: unknown, rules: RoomVersionRules): number | undefined {
  if (rules.integerPowerLevels) return Number.isSafeInteger(value) ? (value as number) : undefined;
  const number = lenientNumber(value);
  return number !== undefined && Number.isFinite(number) ? number : undefined;
}

function lenientNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return Math.trunc(value);
  return typeof value === 'string' && INTEGER_IN_A_STRING.test(value) ? Number.parseInt(value, 10) : undefined;
}
