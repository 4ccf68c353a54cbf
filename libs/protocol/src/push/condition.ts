import type { PowerLevels } from '../auth/power-levels.js';
import { foldCase, Glob } from '../globs/glob.js';
import type { JsonValue } from '../json/json-value.js';
import { compileMemberCount } from './member-count.js';
import { BODY, type PushEvent, PushEventKey } from './push-event.js';
import type { PushCondition } from './push-rule.js';

/** What conditions ask of the room, as it is when the event is evaluated. */
export interface PushRoom {
  readonly memberCount: number;
  readonly powerLevels: Pick<PowerLevels, 'forUser' | 'notification'>;
}

/** What conditions ask of the user for whom an event is evaluated. */
export interface PushOwner {
  readonly userId: string;
  /** In this room. */
  readonly displayName?: string | undefined;
}

/** What all users of one evaluation share. */
export interface PushInput {
  readonly event: PushEvent;
  readonly room: PushRoom;
  readonly sender: string;
}

/** A condition whose outcome is the same for every user, or one that depends on the owner of the rule. */
export type CompiledCondition =
  | { readonly perOwner: false; readonly holds: (input: PushInput) => boolean }
  | { readonly perOwner: true; readonly holds: (input: PushInput, owner: PushOwner) => boolean };

/** Enough of a display name to rule most bodies out before looking at word boundaries. */
const DISPLAY_NAME_PROBE = 32;

/**
 * Makes a condition ready for use, or returns undefined where it can never hold: its kind is not known, or what the
 * kind requires is absent. Where `ownerPlaceholder` stands as a value or a pattern, the owner's user id is meant.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#conditions-1
 */
export function compileCondition(condition: PushCondition, ownerPlaceholder?: string): CompiledCondition | undefined {
  const isOwner = (value: unknown) => ownerPlaceholder !== undefined && value === ownerPlaceholder;
  switch (condition.kind) {
    case 'event_match':
      return isOwner(condition.pattern) ? ownerIs(condition.key) : eventMatch(condition.key, condition.pattern);
    case 'event_property_is':
      return propertyIs(condition.key, condition.value);
    case 'event_property_contains':
      return isOwner(condition.value) ? containsOwner(condition.key) : propertyContains(condition.key, condition.value);
    case 'contains_display_name':
      return { perOwner: true, holds: containsDisplayName };
    case 'room_member_count':
      return memberCount(condition.is);
    case 'sender_notification_permission':
      return notificationPermission(condition.key);
    default:
      return undefined;
  }
}

/** The condition that every content rule has: its pattern stands in the body, between word boundaries. */
export function bodyMatches(pattern: unknown): CompiledCondition | undefined {
  return eventMatch(BODY.path, pattern);
}

function eventMatch(path: unknown, pattern: unknown): CompiledCondition | undefined {
  if (typeof path !== 'string' || typeof pattern !== 'string') return undefined;
  const key = new PushEventKey(path);
  const glob = new Glob(foldCase(pattern));
  const matches = path === BODY.path ? (text: string) => glob.matchesWords(text) : (text: string) => glob.matches(text);
  return shared(({ event }) => {
    const text = event.foldedText(key);
    return text !== undefined && matches(text);
  });
}

function propertyIs(path: unknown, value: unknown): CompiledCondition | undefined {
  if (typeof path !== 'string' || !isScalar(value)) return undefined;
  const key = new PushEventKey(path);
  return shared(({ event }) => event.value(key) === value);
}

function propertyContains(path: unknown, value: unknown): CompiledCondition | undefined {
  if (typeof path !== 'string' || !isScalar(value)) return undefined;
  const key = new PushEventKey(path);
  return shared(({ event }) => event.elements(key)?.has(value) ?? false);
}

function memberCount(is: unknown): CompiledCondition | undefined {
  const accepts = compileMemberCount(is);
  return accepts && shared(({ room }) => accepts(room.memberCount));
}

function notificationPermission(key: unknown): CompiledCondition | undefined {
  if (typeof key !== 'string') return undefined;
  return shared(({ room, sender }) => room.powerLevels.forUser(sender) >= room.powerLevels.notification(key));
}

function ownerIs(path: unknown): CompiledCondition | undefined {
  if (typeof path !== 'string') return undefined;
  const key = new PushEventKey(path);
  return { perOwner: true, holds: ({ event }, owner) => event.value(key) === owner.userId };
}

function containsOwner(path: unknown): CompiledCondition | undefined {
  if (typeof path !== 'string') return undefined;
  const key = new PushEventKey(path);
  return { perOwner: true, holds: ({ event }, owner) => event.elements(key)?.has(owner.userId) ?? false };
}

function containsDisplayName({ event }: PushInput, { displayName }: PushOwner): boolean {
  const body = event.foldedText(BODY);
  if (!displayName || body === undefined) return false;
  const name = foldCase(displayName);
  return body.includes(name.slice(0, DISPLAY_NAME_PROBE)) && new Glob(name, '').matchesWords(body);
}

function shared(holds: (input: PushInput) => boolean): CompiledCondition {
  return { perOwner: false, holds };
}

/** The values that are compared exactly: strings, integers that canonical JSON can carry, booleans and null. */
export function isScalar(value: unknown): value is JsonValue {
  return value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isSafeInteger(value);
}
