import { exceedsIdentifierLimit } from '../identifiers/byte-length.js';
import type { JsonObject } from '../json/json-value.js';
import type { RoomVersionRules } from '../rooms/room-version.js';
import { PduTooLargeError } from './invalid-pdu-error.js';
import type { Pdu, UnsignedEvent } from './pdu.js';

/** What somebody wants to send, in the same words for every room version. */
export interface EventDraft {
  readonly type: string;
  readonly sender: string;
  readonly state_key?: string | undefined;
  readonly content: JsonObject;
  /** The id of the event that a redaction is aimed at. */
  readonly redacts?: string | undefined;
  readonly origin_server_ts: number;
}

/** Where an event is to stand in its room. */
export interface EventPlace extends Pick<Pdu, 'prev_events' | 'auth_events' | 'depth'> {
  /** Not looked at for the m.room.create event of version 12, which decides it. */
  readonly roomId: string;
  /** In room versions 1 and 2, which have the server of the sender choose it. */
  readonly event_id?: string;
}

/**
 * An event in the format of its room version, to be hashed and signed.
 *
 * @throws {PduTooLargeError} when the type or the state key has more than 255 bytes
 * @see https://spec.matrix.org/v1.19/rooms/v12/#event-format-1
 * @see https://spec.matrix.org/v1.19/client-server-api/#size-limits
 */
export function buildEvent(draft: EventDraft, place: EventPlace, rules: RoomVersionRules): UnsignedEvent {
  const { type, sender, state_key, content, redacts, origin_server_ts } = draft;
  const { roomId, ...position } = place;
  checkLimit('type', type);
  if (state_key !== undefined) checkLimit('state_key', state_key);
  const isRoomItself = rules.roomIdIsCreateHash && type === 'm.room.create' && state_key === '';
  return {
    ...position,
    ...(!isRoomItself && { room_id: roomId }),
    type,
    sender,
    ...(state_key !== undefined && { state_key }),
    content: redacts !== undefined && rules.redactsInContent ? { ...content, redacts } : content,
    ...(redacts !== undefined && !rules.redactsInContent && { redacts }),
    origin_server_ts,
  };
}

function checkLimit(field: string, value: string): void {
  if (exceedsIdentifierLimit(value)) throw new PduTooLargeError(field, 'is longer than 255 bytes');
}
