import {
  authEventIds,
  CanonicalJsonError,
  canonicalJsonString,
  examinePdu,
  InvalidPduError,
  type Pdu,
  prevEventIds,
  type RoomEvent,
  type RoomVersionRules,
} from '@ganglion/protocol';

/** An event of another server that is what an event of its room version is, whatever else may be wrong with it. */
export interface Incoming {
  readonly eventId: string;
  readonly event: RoomEvent;
  /** As it is kept: what no hash covers is left out, and the content if its hash is wrong. */
  readonly json: string;
  readonly prevIds: readonly string[];
  /** As it lists them: one that is listed twice is a reason to refuse it. */
  readonly authIds: readonly string[];
  /** Its content hash is wrong, so that only what its signatures cover is left of it. */
  readonly isCut?: boolean;
  /** It is as it was kept when it first came. */
  readonly isKept?: boolean;
}

/** What became of a PDU. */
export type Fate = 'accepted' | 'soft-failed' | 'rejected' | 'outlier' | 'waiting' | 'invalid';

export interface Outcome {
  /** Empty when it has none. */
  readonly eventId: string;
  readonly fate: Fate;
  /** Why it was refused; empty when it was not. */
  readonly reason: string;
  /** Events that are not known and that it names. */
  readonly missing: readonly string[];
}

/** An event that was examined before. */
export function incomingOf(eventId: string, roomId: string, pdu: Pdu, json: string): Incoming {
  return {
    ...{ eventId, json, event: { eventId, roomId, pdu, rejected: false } },
    ...{ prevIds: [...new Set(prevEventIds(pdu))], authIds: authEventIds(pdu) },
  };
}

/** A text of a PDU, whatever numbers it has. */
export function textOf(pdu: Pdu): string {
  return canonicalJsonString(pdu as never, { strict: false });
}

/**
 * @param isHistory it was asked for as what was before: how many events it names has no limit then
 * @returns what is wrong with a PDU in place of an event
 */
export function examine(text: string, roomId: string, rules: RoomVersionRules, isHistory = false): Incoming | Outcome {
  try {
    const examined = examinePdu(text, rules, { manyReferences: isHistory });
    const { eventId, pdu } = examined;
    if (examined.roomId !== roomId) return invalid(`it is of the room ${examined.roomId.slice(0, 255)}`, eventId);
    const unstorable = [pdu.type, pdu.sender, pdu.state_key ?? '', eventId].some((name) => name.includes('\0'));
    if (unstorable) return invalid('a name in it has U+0000', eventId);
    // Nothing vouches for what another server says beside its event.
    Reflect.deleteProperty(pdu, 'unsigned');
    return {
      ...incomingOf(eventId, roomId, pdu, textOf(pdu)),
      isCut: !examined.hashOk,
    };
  } catch (error) {
    if (error instanceof InvalidPduError || error instanceof CanonicalJsonError) return invalid(error.message, '');
    throw error;
  }
}

export function isIncoming(examined: Incoming | Outcome): examined is Incoming {
  return 'event' in examined;
}

function invalid(reason: string, eventId: string): Outcome {
  return { eventId, fate: 'invalid', reason, missing: [] };
}
