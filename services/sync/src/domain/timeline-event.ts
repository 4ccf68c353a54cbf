import { applyEventFields, type EventFields, type HistoryVisibility } from '@ganglion/protocol';

/** A change to a room's state that comes with an event. */
export interface StateVersion {
  readonly type: string;
  readonly stateKey: string;
  /** From this position on … */
  readonly position: number;
  /** … the state has this event; undefined when the entry vanished. */
  readonly event: TimelineEvent | undefined;
}

/** An event of a room at its position, as ready-made text: answers are put together from it without parsing. */
export interface TimelineEvent {
  readonly position: number;
  readonly roomNid: number;
  readonly eventId: string;
  readonly type: string;
  readonly stateKey: string | undefined;
  readonly sender: string;
  /** Of m.room.member events. */
  readonly membership: string | undefined;
  /** In force at the event, itself included. */
  readonly visibility: HistoryVisibility;
  /** Where the event itself changed it. */
  readonly previousVisibility: HistoryVisibility | undefined;
  /** Milliseconds since the epoch. */
  readonly originServerTs: number;
  /** The event as clients get it, without room_id and unsigned. Replaced when the event is redacted. */
  json: string;
  /** What `unsigned` shows of other events, as the inside of a JSON object; replaced when one of those is redacted. */
  fixedUnsigned: string;
  /** The event whose content that is, of a state event that is being appended. */
  readonly replacesState?: string | undefined;
  readonly transaction: EventTransaction | undefined;
  /** Where its appending stands in the trace of the request that made it, while that is recorded. */
  readonly traceparent?: string | undefined;
}

/** Whose request made the event. */
export interface EventTransaction {
  readonly userId: string;
  readonly deviceId: string;
  readonly txnId: string;
}

/** Who an event is shown to. */
export interface Viewer {
  readonly userId: string;
  readonly deviceId: string;
  /** Milliseconds since the epoch, for `age`. */
  readonly now: number;
  /** The viewer's membership at an event, when known. @see MSC4115 */
  readonly membershipAt?: ((event: TimelineEvent) => string) | undefined;
  /** Whether the viewer may know what an event replaced; they may when it is not set. */
  readonly maySee?: ((event: TimelineEvent) => boolean) | undefined;
  /** Set where the answer does not say which room the event is of. */
  readonly roomId?: string | undefined;
  /** Texts in another format, by event id. */
  readonly raw?: ReadonlyMap<string, string> | undefined;
  /** What to show of each event; all of it when undefined. */
  readonly fields?: EventFields | undefined;
}

/** The event as one client gets it: the ready text with what depends on the viewer appended. */
export function eventText(event: TimelineEvent, viewer: Viewer): string {
  let unsigned = `"age":${Math.max(0, viewer.now - event.originServerTs)}`;
  const fixed = fixedUnsignedFor(event, viewer);
  if (fixed !== '') unsigned += `,${fixed}`;
  const { transaction } = event;
  if (transaction?.userId === viewer.userId && transaction.deviceId === viewer.deviceId) {
    unsigned += `,"transaction_id":${JSON.stringify(transaction.txnId)}`;
  }
  const membership = viewer.membershipAt?.(event);
  if (membership !== undefined) {
    unsigned += `,"membership":"${membership}","io.element.msc4115.membership":"${membership}"`;
  }
  const room = viewer.roomId === undefined ? '' : `,${roomIdText(viewer.roomId)}`;
  const text = `${(viewer.raw?.get(event.eventId) ?? event.json).slice(0, -1)}${room},"unsigned":{${unsigned}}}`;
  return viewer.fields === undefined ? text : JSON.stringify(applyEventFields(JSON.parse(text), viewer.fields));
}

const REDACTED = '"redacted_because":{';

/** What the viewer may know of other events, and of which room a redaction is where that is not said elsewhere. */
function fixedUnsignedFor(event: TimelineEvent, { maySee, roomId }: Viewer): string {
  const { fixedUnsigned } = event;
  const hides = maySee !== undefined && fixedUnsigned.includes('"prev_content":') && !maySee(event);
  const text = hides ? withoutPrevious(fixedUnsigned) : fixedUnsigned;
  if (roomId === undefined || !text.startsWith(REDACTED)) return text;
  return `${REDACTED}${roomIdText(roomId)},${text.slice(REDACTED.length)}`;
}

function withoutPrevious(fixedUnsigned: string): string {
  const { prev_content: _, prev_sender: __, ...shown } = JSON.parse(`{${fixedUnsigned}}`);
  return JSON.stringify(shown).slice(1, -1);
}

function roomIdText(roomId: string): string {
  return `"room_id":${JSON.stringify(roomId)}`;
}

/** An event as filters look at it; its content is parsed only if one of them asks. */
export function filterable(event: TimelineEvent) {
  return {
    type: event.type,
    sender: event.sender,
    get content(): unknown {
      return JSON.parse(event.json).content;
    },
  };
}
