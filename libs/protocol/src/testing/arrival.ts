import { checkAuth } from '../auth/check-auth.js';
import type { RoomEvent } from '../events/pdu.js';
import type { StateMap } from '../rooms/state-map.js';
import { resolveState } from '../state/resolve-state.js';
import type { RoomWriter, WrittenEvent } from './room-writer.js';

/** What becomes of an event at a server that gets a room's events one after the other. */
export interface Arrived {
  /** Whether the room's state, as it was when the event came, refuses an event that is not rejected. */
  readonly softFailed: boolean;
  /** The forward extremities once the event is there: accepted events that no accepted one follows. */
  readonly extremities: readonly string[];
  /** The room's state once the event is there: the resolution of the states after the forward extremities. */
  readonly currentState: StateMap<string>;
}

/**
 * A server that gets the events of a room in the order in which they were written.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#soft-failure
 */
export class Arrival {
  private readonly extremities = new Set<string>();
  private readonly unfollowed = new Map<string, WrittenEvent>();
  private currentState: StateMap<string> = new Map();

  constructor(private readonly room: RoomWriter) {}

  get state(): StateMap<string> {
    return this.currentState;
  }

  get tips(): readonly string[] {
    return [...this.extremities];
  }

  take(written: WrittenEvent): Arrived {
    const event = this.room.event(written.eventId)!;
    const softFailed = !written.rejected && !this.isAllowedNow(event, written);
    if (written.rejected || softFailed) this.unfollowed.set(written.eventId, written);
    else this.accept(written);
    return { softFailed, extremities: this.tips, currentState: this.currentState };
  }

  /** By the room's state, or by what it comes to when the state before the event counts, too. */
  private isAllowedNow(event: RoomEvent, { stateBefore }: WrittenEvent): boolean {
    if (this.extremities.size === 0) return true;
    const { rules } = this.room;
    const isAllowedBy = (state: StateMap<string>) => checkAuth(event, this.room.lookIn(state), rules).allowed;
    if (isAllowedBy(this.currentState)) return true;
    const states = this.tips.map((tip) => this.room.stateAfter([tip]));
    return isAllowedBy(resolveState([...states, stateBefore], this.room, rules));
  }

  /** What is before an accepted event is followed, also where the way to it leads over events that were not accepted. */
  private accept({ eventId, prevs }: WrittenEvent): void {
    const before = new Set(prevs);
    for (const each of before) {
      this.extremities.delete(each);
      for (const further of this.unfollowed.get(each)?.prevs ?? []) before.add(further);
    }
    this.extremities.add(eventId);
    this.currentState = this.room.stateAfter(this.tips);
  }
}
