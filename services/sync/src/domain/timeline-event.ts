import {
  applyEventFields,
  type EventFields,
  type FilterableEvent,
  type HistoryVisibility,
  type JsonObject,
  jsonCodec,
  type RoomVersionRules,
  redactEventJson,
} from '@ganglion/protocol';
import { concatenated } from './concatenated.js';
import { type AskingDevice, contentText, type EventText, isRequestOf, redactedContent } from './event-text.js';

/** Where an event stands in its room, and what decides who may see it there. */
export interface EventPlace {
  readonly roomNid: number;
  /** In the order of everything; below zero, and not part of that order, when the event was backfilled. */
  readonly position: number;
  readonly eventNid: number;
  /** Events of a room stand in the order of depth, those of one depth in that of position. */
  readonly depth: number;
  /** The state event that stood in its place before. */
  readonly replacesNid?: number | undefined;
  /** The event that this redaction redacts. */
  readonly redactsNid?: number | undefined;
  /** In force at the event, itself included. */
  readonly visibility: HistoryVisibility;
  /** Where the event itself changed it. */
  readonly previousVisibility?: HistoryVisibility | undefined;
  /** Memberships of our users at the event, where they are not those of the room's state at its position. */
  readonly memberships?: Readonly<Record<string, string>> | undefined;
  /** Whether the room's state changed with it too much to be told. */
  readonly isJump?: boolean | undefined;
  /** Whether it is nothing that anybody who has the usual push rules has left to read. */
  readonly isQuiet?: boolean | undefined;
}

/** What an entry of a room's state is from a position on. */
export interface StateVersion {
  readonly type: string;
  readonly stateKey: string;
  readonly position: number;
  /** Undefined when the entry vanished. */
  readonly eventNid: number | undefined;
  /** Of m.room.member events. */
  readonly membership: string | undefined;
  /** Where the event stands, when it does and is known to. */
  readonly place?: EventPlace | undefined;
}

/** An event with its text, and those of the events that its `unsigned` shows. */
export interface ShownEvent {
  readonly text: EventText;
  /** Undefined for a part of the state that has no place in the room, or is not known to have one. */
  readonly place: EventPlace | undefined;
  /** What it replaced in the state. */
  readonly replaced: EventText | undefined;
  /** The redaction, of an event that is redacted. */
  readonly redaction: EventText | undefined;
}

/** One that has its place in the room. */
export interface TimelineEvent extends ShownEvent {
  readonly place: EventPlace;
}

/** What erased users have sent while the viewer was not in the room is shown redacted. */
export interface ErasedSenders {
  readonly users: ReadonlySet<string>;
  readonly rules: RoomVersionRules;
  /** Whether the viewer was in the room at an event. */
  wasThere(place: EventPlace): boolean;
}

/** Who an event is shown to. */
export interface Viewer extends AskingDevice {
  /** Milliseconds since the epoch, for `age`. */
  readonly now: number;
  /** The viewer's membership at an event, when known. @see MSC4115 */
  readonly membershipAt?: ((place: EventPlace) => string | undefined) | undefined;
  /** Whether the viewer may know what an event replaced; they may when it is not set. */
  readonly maySee?: ((event: TimelineEvent) => boolean) | undefined;
  /** Set where the answer does not say which room the event is of. */
  readonly roomId?: string | undefined;
  /** Texts in another format, by event id. */
  readonly raw?: ReadonlyMap<string, string> | undefined;
  /** What relates to events, as the text of `m.relations`, by the numbers of the events. */
  readonly relations?: ReadonlyMap<number, string> | undefined;
  /** Whose events are shown redacted, where the viewer was not there. */
  readonly erased?: ErasedSenders | undefined;
  /** Whether what is shown is the state: what it says still holds, whoever has said it. */
  readonly isState?: boolean | undefined;
  /** What to show of each event; all of it when undefined. */
  readonly fields?: EventFields | undefined;
}

/** The event as one client gets it: the ready text with what depends on the viewer appended. */
export function eventText(event: ShownEvent, viewer: Viewer): string {
  return writeEvent(event, viewer, roomPart(viewer));
}

/** Put together by appending alone, which copies nothing until the whole answer is written. */
export function eventsText(events: readonly ShownEvent[], viewer: Viewer): string {
  const room = roomPart(viewer);
  return `[${concatenated(events.map((event) => writeEvent(event, viewer, room)))}]`;
}

/** What is said of the room where the answer does not. */
function roomPart({ roomId }: Viewer): string {
  return roomId === undefined ? '' : `,"room_id":${JSON.stringify(roomId)}`;
}

function writeEvent(event: ShownEvent, viewer: Viewer, room: string): string {
  const { text, place } = event;
  let unsigned = `"age":${Math.max(0, viewer.now - text.originServerTs)}`;
  if (event.redaction !== undefined) {
    unsigned += `,"redacted_because":${open(readable(event.redaction, event, viewer))}${room}}`;
  }
  if (event.replaced !== undefined) unsigned += `,${replacedText(event, event.replaced, viewer)}`;
  const { transaction } = text;
  if (transaction !== undefined && isRequestOf(transaction, viewer)) {
    unsigned += `,"transaction_id":${JSON.stringify(transaction.txnId)}`;
  }
  const membership = place && viewer.membershipAt?.(place);
  if (membership !== undefined) {
    unsigned += `,"membership":"${membership}","io.element.msc4115.membership":"${membership}"`;
  }
  const relations = viewer.relations?.get(text.eventNid);
  if (relations !== undefined) unsigned += `,"m.relations":${relations}`;
  const whole = `${open(readable(text, event, viewer))}${room},"unsigned":{${unsigned}}}`;
  return viewer.fields === undefined ? whole : withFields(whole, viewer.fields);
}

function withFields(json: string, fields: EventFields): string {
  const codec = jsonCodec(json);
  return codec.stringify(applyEventFields(codec.parse(json) as JsonObject, fields));
}

/** The text of an event, or of one that it shows, as the viewer may read it. */
function readable(text: EventText, { place }: ShownEvent, { raw, erased, isState }: Viewer): string {
  const json = raw?.get(text.eventId) ?? text.json;
  const isOfRoom = isState && text.stateKey !== undefined && text.type !== 'm.room.member';
  const isErased = !isOfRoom && isErasedFor(text, place, erased);
  return isErased ? redactEventJson(json, erased!.rules) : json;
}

/** Whether an event, wherever it stands, is shown redacted because its sender was erased. */
export function isErasedFor(
  { sender }: EventText,
  place: EventPlace | undefined,
  erased: ErasedSenders | undefined,
): boolean {
  return erased?.users.has(sender) === true && !(place !== undefined && erased.wasThere(place));
}

/** An object's text that more is to be appended to. */
function open(json: string): string {
  return json.slice(0, -1);
}

/** What a state event replaced: all of it only for who may see the event that did. */
function replacedText(event: ShownEvent, replaced: EventText, { maySee, erased }: Viewer): string {
  const name = `"replaces_state":${JSON.stringify(replaced.eventId)}`;
  if (maySee !== undefined && !(hasPlace(event) && maySee(event))) return name;
  // Where that stood is not known: the viewer may have come since.
  const isErased = isErasedFor(replaced, undefined, erased);
  const content = isErased ? redactedContent(replaced, erased!.rules) : contentText(replaced);
  return `${name},"prev_content":${content},"prev_sender":${JSON.stringify(replaced.sender)}`;
}

function hasPlace(event: ShownEvent): event is TimelineEvent {
  return event.place !== undefined;
}

/** An event as filters look at it; its content is parsed only if one of them asks. */
class Filterable {
  readonly type: string;
  readonly sender: string;
  readonly #text: EventText;

  constructor(text: EventText) {
    this.type = text.type;
    this.sender = text.sender;
    this.#text = text;
  }

  get content(): unknown {
    return JSON.parse(contentText(this.#text));
  }
}

export function filterable({ text }: ShownEvent): FilterableEvent {
  return new Filterable(text);
}
