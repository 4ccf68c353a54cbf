import type { PowerLevels } from '../auth/power-levels.js';
import { foldCase, Glob } from '../globs/glob.js';
import type { JsonValue } from '../json/json-value.js';
import { compileMemberCount } from './member-count.js';
import { THREAD_SUBSCRIPTION } from './predefined-rules.js';
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
  /** Whether they follow a thread, by the event that it begins with; undefined where that makes no difference. */
  readonly followsThread?: ((rootId: string) => boolean) | undefined;
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
  const { kind, key, is } = condition;
  if (kind === 'contains_display_name') return { perOwner: true, holds: containsDisplayName };
  if (kind === 'room_member_count') return memberCount(is);
  if (kind === THREAD_SUBSCRIPTION) return threadSubscription(condition.subscribed);
  if (typeof key !== 'string') return undefined;
  return kind === 'sender_notification_permission'
    ? notificationPermission(key)
    : compileForKey(condition, new PushEventKey(key), ownerPlaceholder);
}

/** The condition that every content rule has: its pattern stands in the body, between word boundaries. */
export function bodyMatches(pattern: unknown): CompiledCondition | undefined {
  return eventMatch(BODY, pattern);
}

/** The conditions that look at one property of the event. */
function compileForKey(
  { kind, pattern, value }: PushCondition,
  key: PushEventKey,
  ownerPlaceholder: string | undefined,
): CompiledCondition | undefined {
  const isOwner = (wanted: unknown) => ownerPlaceholder !== undefined && wanted === ownerPlaceholder;
  switch (kind) {
    case 'event_match':
      return isOwner(pattern) ? ownerIs(key) : eventMatch(key, pattern);
    case 'event_property_is':
      return propertyIs(key, value);
    case 'event_property_contains':
      return isOwner(value) ? containsOwner(key) : propertyContains(key, value);
    default:
      return undefined;
  }
}

function eventMatch(key: PushEventKey, pattern: unknown): CompiledCondition | undefined {
  if (typeof pattern !== 'string') return undefined;
  const glob = new Glob(foldCase(pattern));
  const byWords = key.path === BODY.path;
  return shared(({ event }) => {
    const text = event.foldedText(key);
    return text !== undefined && (byWords ? glob.matchesWords(text) : glob.matches(text));
  });
}

function propertyIs(key: PushEventKey, value: unknown): CompiledCondition | undefined {
  return isScalar(value) ? shared(({ event }) => event.value(key) === value) : undefined;
}

function propertyContains(key: PushEventKey, value: unknown): CompiledCondition | undefined {
  return isScalar(value) ? shared(({ event }) => event.elements(key)?.has(value) ?? false) : undefined;
}

function memberCount(is: unknown): CompiledCondition | undefined {
  const accepts = compileMemberCount(is);
  return accepts && shared(({ room }) => accepts(room.memberCount));
}

/** Of an event that is in no thread neither the one nor the other is true. */
function threadSubscription(subscribed: unknown): CompiledCondition | undefined {
  if (typeof subscribed !== 'boolean') return undefined;
  const holds = ({ event }: PushInput, { followsThread }: PushOwner) => {
    const rootId = followsThread && event.threadRoot;
    return rootId !== undefined && followsThread?.(rootId) === subscribed;
  };
  return { perOwner: true, holds };
}

function notificationPermission(key: string): CompiledCondition {
  return shared(({ room, sender }) => room.powerLevels.forUser(sender) >= room.powerLevels.notification(key));
}

function ownerIs(key: PushEventKey): CompiledCondition {
  return { perOwner: true, holds: ({ event }, owner) => event.value(key) === owner.userId };
}

function containsOwner(key: PushEventKey): CompiledCondition {
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
