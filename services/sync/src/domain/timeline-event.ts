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
  /** What never changes of `unsigned`, as the inside of a JSON object; empty when there is nothing. */
  fixedUnsigned: string;
  readonly transaction: EventTransaction | undefined;
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
  if (event.fixedUnsigned !== '') unsigned += `,${event.fixedUnsigned}`;
  const { transaction } = event;
  if (transaction?.userId === viewer.userId && transaction.deviceId === viewer.deviceId) {
    unsigned += `,"transaction_id":${JSON.stringify(transaction.txnId)}`;
  }
  const membership = viewer.membershipAt?.(event);
  if (membership !== undefined) {
    unsigned += `,"membership":"${membership}","io.element.msc4115.membership":"${membership}"`;
  }
  const room = viewer.roomId === undefined ? '' : `,"room_id":${JSON.stringify(viewer.roomId)}`;
  const text = `${(viewer.raw?.get(event.eventId) ?? event.json).slice(0, -1)}${room},"unsigned":{${unsigned}}}`;
  return viewer.fields === undefined ? text : JSON.stringify(applyEventFields(JSON.parse(text), viewer.fields));
}
