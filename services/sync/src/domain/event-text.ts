import type { EventWithId } from '@ganglion/contracts/room';
import { type JsonCodec, jsonCodec, type Pdu, type RoomVersionRules, redactEvent, syncEvent } from '@ganglion/protocol';
import { checkStorable } from './storable.js';

/** Whose request made an event. */
export interface EventTransaction {
  readonly userId: string;
  readonly deviceId: string;
  readonly txnId: string;
  /** What of the request counts; of releases that number devices it begins with the number of that device. */
  readonly scope: string;
}

/** A device that asks. */
export interface AskingDevice {
  readonly userId: string;
  readonly deviceId: string;
  /** Another one for each log-in. Undefined for who asks with a token of a release that numbers no devices. */
  readonly deviceNid?: number | undefined;
}

/** Whether a device has made the request: one that goes by the name of a device that was logged out has not. */
export function isRequestOf({ userId, deviceId, scope }: EventTransaction, asking: AskingDevice): boolean {
  if (userId !== asking.userId || deviceId !== asking.deviceId) return false;
  const number = /^(\d+) /.exec(scope)?.[1];
  return number === undefined || asking.deviceNid === undefined || Number(number) === asking.deviceNid;
}

/**
 * An event as clients get it, as ready-made text: answers are put together from it without parsing. It shows nothing of
 * other events, so that a redaction changes no text but that of its target.
 */
export interface EventText {
  /** How room-server numbers the event. */
  readonly eventNid: number;
  readonly eventId: string;
  readonly type: string;
  readonly stateKey: string | undefined;
  readonly sender: string;
  /** Of m.room.member events. */
  readonly membership: string | undefined;
  /** Milliseconds since the epoch. */
  readonly originServerTs: number;
  /** The event without room_id and unsigned. Its content comes last. */
  readonly json: string;
  /** Where the content begins in it. */
  readonly contentAt: number;
  /** The redaction, of an event that is redacted. */
  readonly redactedByNid: number | undefined;
  readonly transaction: EventTransaction | undefined;
}

/** The content of an event, as JSON text. */
export function contentText({ json, contentAt }: EventText): string {
  return json.slice(contentAt, -1);
}

/** The content of an event, as JSON text, as it would be if it were redacted. */
export function redactedContent({ json }: EventText, rules: RoomVersionRules): string {
  const codec = jsonCodec(json, rules);
  return codec.stringify(redactEvent(codec.parse(json) as Pdu, rules).content);
}

/** @throws Error when no text for clients can be made of the PDU */
export function readEvent(event: EventWithId, roomId: string, rules: RoomVersionRules) {
  const codec = jsonCodec(event.pduJson, rules);
  const pdu = codec.parse(event.pduJson) as Pdu;
  checkStorable(pdu);
  return { text: makeText(event, pdu, { roomId, rules, codec }), depth: depthOf(pdu) };
}

interface Making {
  readonly roomId: string;
  readonly rules: RoomVersionRules;
  readonly codec: JsonCodec;
}

function makeText(event: EventWithId, pdu: Pdu, { roomId, rules, codec }: Making): EventText {
  const { eventId, eventNid, redactedBecause, transaction } = event;
  const { content, ...others } = syncEvent({ eventId, roomId, pdu, rejected: false }, { rules });
  // For clients origin_server_ts is an integer, however it was written.
  const head = `${JSON.stringify(others).slice(0, -1)},"content":`;
  return {
    eventNid,
    eventId,
    type: pdu.type,
    stateKey: pdu.state_key,
    sender: pdu.sender,
    membership: membershipOf(pdu),
    originServerTs: pdu.origin_server_ts,
    json: `${head}${codec.stringify(content)}}`,
    contentAt: head.length,
    redactedByNid: redactedBecause?.eventNid,
    transaction,
  };
}

/** In the first room versions a depth may be any number. */
function depthOf({ depth }: Pdu): number {
  return depth > 0 ? Math.min(Math.floor(depth), Number.MAX_SAFE_INTEGER) : 0;
}

function membershipOf({ type, content }: Pdu): string | undefined {
  return type === 'm.room.member' && typeof content.membership === 'string' ? content.membership : undefined;
}
