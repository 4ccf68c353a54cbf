import type { AuthState } from '../auth/auth-state.js';
import type { RoomEvent } from '../events/pdu.js';
import { createEventIdOf } from '../identifiers/room-id.js';
import type { RoomVersionRules } from '../rooms/room-version.js';
import type { AuthGraph } from './auth-graph.js';

/**
 * The state that an event claims for itself: its auth events, but for those that were rejected, and the m.room.create
 * event, which in version 12 only the room id names.
 */
export function authStateOf(node: number, graph: AuthGraph, rules: RoomVersionRules): AuthState {
  return (type, stateKey) => {
    if (rules.roomIdIsCreateHash && type === 'm.room.create') return createEventOf(graph.event(node), graph);
    const authEvent = graph.authEvent(node, type, stateKey);
    const event = authEvent === undefined ? undefined : graph.event(authEvent);
    return event?.rejected === false ? event : undefined;
  };
}

function createEventOf(event: RoomEvent | undefined, graph: AuthGraph): RoomEvent | undefined {
  return event && graph.eventOf(createEventIdOf(event.roomId));
}
