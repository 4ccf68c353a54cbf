import { authEventIds, type RoomEvent } from '../events/pdu.js';
import { createEventIdOf } from '../identifiers/room-id.js';
import { EventGraph } from './event-graph.js';

/** Where events come from. What is not known is left out of the resolution; throw instead to stop it. */
export interface EventLookup {
  event(eventId: string): RoomEvent | undefined;
}

/** The graph of events that can all be looked up at once. Each is looked up when it is needed, and only once. */
export class AuthGraph extends EventGraph<string> {
  override readonly knowsAll = true;

  constructor(private readonly lookup: EventLookup) {
    super();
  }

  override event(node: number): RoomEvent | undefined {
    if (!this.knowsEvent(node)) this.learnEvent(this.id(node), this.lookup.event(this.id(node)));
    return super.event(node);
  }

  override authEvents(node: number): readonly number[] {
    if (!this.knowsAuthEvents(node)) {
      const event = this.event(node);
      this.learnAuthEvents(this.id(node), event === undefined ? [] : authEventIds(event.pdu));
    }
    return super.authEvents(node);
  }

  override create(roomId: string): RoomEvent | undefined {
    return this.eventOf(createEventIdOf(roomId));
  }
}
