import { ROOM_VERSIONS, type RoomVersionId, type RoomVersionRules, roomVersionRules } from '../../src/index.js';

/** The rules of a version that surely exists. */
export function rulesOf(id: RoomVersionId): RoomVersionRules {
  return roomVersionRules(id)!;
}

/** One row for each room version, for `describe.each` and `it.each`. */
export const EVERY_VERSION = ROOM_VERSIONS.map((rules) => [rules.id, rules] as const);

/** The rules of the versions from one number to another. */
export function versions(from: number, to: number): RoomVersionRules[] {
  return ROOM_VERSIONS.filter((rules) => Number(rules.id) >= from && Number(rules.id) <= to);
}
