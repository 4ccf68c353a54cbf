import {
  copyRoomPushRules,
  isJsonObject,
  type JsonObject,
  type StoredPushRuleChanges,
  storedPushRuleChanges,
} from '@ganglion/protocol';
import type { Succession } from './ports.js';

/** What a user keeps of their rooms, by the type of the account data; m.tag is that of the room that was replaced. */
export interface RoomSettings {
  readonly 'm.tag': JsonObject | undefined;
  /** Of the replacement, where there are any already. */
  readonly ownTags: JsonObject | undefined;
  readonly 'm.direct': JsonObject | undefined;
  readonly 'm.push_rules': StoredPushRuleChanges | undefined;
}

export interface ChangedSetting {
  /** Empty for global account data. */
  readonly roomId: string;
  readonly type: string;
  readonly content: object;
}

/**
 * What becomes of a user's settings when they follow from a room to the one that replaces it: the replacement gets what the
 * other one has, which keeps it, and is left what it has already.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#room-upgrades
 */
export function carriedOver(settings: RoomSettings, { from, to }: Succession): ChangedSetting[] {
  const { 'm.tag': tags, ownTags, 'm.direct': direct, 'm.push_rules': rules } = settings;
  const changed: ChangedSetting[] = [];
  if (isJsonObject(tags?.tags) && Object.keys(tags.tags).length > 0) {
    const own = isJsonObject(ownTags?.tags) ? ownTags.tags : {};
    changed.push({ roomId: to, type: 'm.tag', content: { ...tags, ...ownTags, tags: { ...tags.tags, ...own } } });
  }
  const people = direct && withReplacement(direct, from, to);
  if (people !== undefined) changed.push({ roomId: '', type: 'm.direct', content: people });
  const known = storedPushRuleChanges(rules ?? {});
  const copied = copyRoomPushRules(known, from, to);
  if (copied !== known) changed.push({ roomId: '', type: 'm.push_rules', content: copied });
  return changed;
}

/** Clients may have put anything there. */
function withReplacement(direct: JsonObject, from: string, to: string): JsonObject | undefined {
  let isChanged = false;
  const people = Object.entries(direct).map(([userId, rooms]) => {
    if (!Array.isArray(rooms) || !rooms.includes(from) || rooms.includes(to)) return [userId, rooms];
    isChanged = true;
    return [userId, [...rooms, to]];
  });
  return isChanged ? Object.fromEntries(people) : undefined;
}
