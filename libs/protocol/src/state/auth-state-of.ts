import type { AuthState } from '../auth/auth-state.js';
import type { RoomVersionRules } from '../rooms/room-version.js';
import type { EventGraph } from './event-graph.js';

/**
 * The state that an event claims for itself: its auth events, but for those that were rejected, and the m.room.create
 * event, which in version 12 only the room id names.
 */
export function authStateOf<Id>(node: number, graph: EventGraph<Id>, rules: RoomVersionRules): AuthState {
  return (type, stateKey) => {
    if (rules.roomIdIsCreateHash && type === 'm.room.create') {
      const claiming = graph.event(node);
      return claiming && graph.create(claiming.roomId);
    }
    const authEvent = graph.authEvent(node, type, stateKey);
    const event = authEvent === undefined ? undefined : graph.event(authEvent);
    return event?.rejected === false ? event : undefined;
  };
}
