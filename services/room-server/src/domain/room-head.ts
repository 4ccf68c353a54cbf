import {
  type JsonObject,
  type RoomEvent,
  type RoomVersionRules,
  redactContent,
  type StateTuple,
  stateTuple,
} from '@ganglion/protocol';

/** One entry of a room's current state. The event itself is in memory only once somebody needed it. */
export interface StateEntry {
  readonly nid: number;
  readonly eventId: string;
  /** Of m.room.member events. */
  readonly membership?: string;
  /** The event is kept as it was signed, to authorise by, but must not be shown or taken over any more. */
  redacted: boolean;
  event?: RoomEvent;
}

export interface Extremity {
  readonly nid: number;
  readonly eventId: string;
  readonly depth: number;
  /** Of rooms in which events refer to others by their hashes. */
  event?: RoomEvent;
}

/**
 * A room as of one version: what the next event is built on. Events that wait for their commit are applied at once, so that
 * several can go into one commit; when that commit fails the head is thrown away and loaded anew.
 */
export class RoomHead {
  readonly state = new Map<StateTuple, StateEntry>();
  extremities: readonly Extremity[] = [];
  /** The room_seq of the last event, committed or about to be. */
  version = 0;
  stateNid = 0;
  /** How many deltas stand between the current state and a full snapshot. */
  chainLength = 0;

  constructor(
    readonly nid: number,
    /** Set once more for a new room of version 12, whose id its create event decides. */
    public roomId: string,
    readonly rules: RoomVersionRules,
  ) {}

  entry(type: string, stateKey: string): StateEntry | undefined {
    return this.state.get(stateTuple(type, stateKey));
  }

  /** The loaded event of an entry; undefined also when it was not loaded. */
  event(type: string, stateKey: string): RoomEvent | undefined {
    return this.entry(type, stateKey)?.event;
  }

  /** The content of an entry as it may be shown, when its event is loaded. */
  shownContent(type: string, stateKey: string): JsonObject | undefined {
    const { event, redacted } = this.entry(type, stateKey) ?? {};
    return redacted && event !== undefined ? redactContent(type, event.pdu.content, this.rules) : event?.pdu.content;
  }

  /** The membership of a user; `leave` for whoever was never there. */
  membership(userId: string): string {
    return this.entry('m.room.member', userId)?.membership ?? 'leave';
  }
}
