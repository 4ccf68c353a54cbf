import type { LoggedEvent, RoomEvents } from '@ganglion/contracts/room';
import { roomVersionRules } from '@ganglion/protocol';
import { type EventText, readEvent } from '../event-text.js';

/** Told of an event that no text for clients can be made of. It is left out, and the room goes on without it. */
export type OnUnreadable = (roomId: string, eventId: string, error: unknown) => void;

export interface ReadableEvent {
  readonly logged: LoggedEvent;
  /** Undefined when none can be made. */
  readonly text: EventText | undefined;
  readonly depth: number;
}

/** A run of a room's events with the texts that clients will get. */
export interface ReadableRun {
  readonly roomNid: number;
  readonly roomId: string;
  readonly roomVersion: string;
  readonly events: readonly ReadableEvent[];
}

/** @throws Error when the room is of a version that nobody knows */
export function readRun({ roomNid, roomId, roomVersion, events }: RoomEvents, unreadable: OnUnreadable): ReadableRun {
  const rules = roomVersionRules(roomVersion);
  if (rules === undefined) throw new Error(`unknown room version ${roomVersion}`);
  const read = (logged: LoggedEvent): ReadableEvent => {
    try {
      return { logged, ...readEvent(logged, roomId, rules) };
    } catch (error) {
      unreadable(roomId, logged.eventId, error);
      return { logged, text: undefined, depth: 0 };
    }
  };
  return { roomNid, roomId, roomVersion, events: events.map(read) };
}

/** Whether an event changes more of its room's state than is told with it. */
export function isJump({ logged, text }: ReadableEvent): boolean {
  return logged.hasMoreStateChanges && (text !== undefined || logged.stateOnly === true);
}

/** Cuts runs into pieces, each of which is all events up to a jump, or what is left after the last one. */
export function piecesOf(runs: readonly ReadableRun[]): ReadableRun[][] {
  const pieces: ReadableRun[][] = [];
  let piece: ReadableRun[] = [];
  for (const run of runs) {
    let rest = run.events;
    for (let end = rest.findIndex(isJump) + 1; end > 0; end = rest.findIndex(isJump) + 1) {
      pieces.push([...piece, { ...run, events: rest.slice(0, end) }]);
      piece = [];
      rest = rest.slice(end);
    }
    if (rest.length > 0) piece.push({ ...run, events: rest });
  }
  return [...pieces, piece];
}
