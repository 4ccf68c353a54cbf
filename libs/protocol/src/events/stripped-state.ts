import { isJsonObject, type JsonObject } from '../json/json-value.js';
import { InvalidPduError } from './invalid-pdu-error.js';

/** A state event with only what helps to recognise a room from outside. */
export interface StrippedStateEvent {
  readonly type: string;
  readonly state_key: string;
  readonly sender: string;
  readonly content: JsonObject;
}

const STRIPPED_TYPES: ReadonlySet<string> = new Set([
  'm.room.create',
  'm.room.name',
  'm.room.avatar',
  'm.room.topic',
  'm.room.join_rules',
  'm.room.canonical_alias',
  'm.room.encryption',
]);

/**
 * Whether a state event is for someone outside the room to see, as stripped state: it helps to recognise the room, or it is
 * the membership of somebody who matters to them.
 *
 * @param people whose m.room.member events are shown: the user themself, and who invites them
 * @see https://spec.matrix.org/v1.19/client-server-api/#stripped-state
 */
export function isInStrippedState(type: string, stateKey: string, people: ReadonlySet<string>): boolean {
  return type === 'm.room.member' ? people.has(stateKey) : stateKey === '' && STRIPPED_TYPES.has(type);
}

/**
 * The four fields of a state event that may be shown to someone outside the room. It takes what other servers sent as
 * stripped state too, which must never be passed on as it came.
 *
 * @throws {InvalidPduError} when one of the four is missing or has the wrong type
 * @see https://spec.matrix.org/v1.19/client-server-api/#stripped-state
 */
export function strippedState(event: unknown): StrippedStateEvent {
  if (!isJsonObject(event)) throw new InvalidPduError('', 'is not an object');
  const { type, state_key, sender, content } = event;
  if (typeof type !== 'string') throw new InvalidPduError('type', 'is not a string');
  if (typeof state_key !== 'string') throw new InvalidPduError('state_key', 'is not a string');
  if (typeof sender !== 'string') throw new InvalidPduError('sender', 'is not a string');
  if (!isJsonObject(content)) throw new InvalidPduError('content', 'is not an object');
  return { type, state_key, sender, content };
}
