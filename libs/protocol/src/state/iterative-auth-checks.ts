import type { AuthOptions } from '../auth/auth-context.js';
import type { AuthState } from '../auth/auth-state.js';
import { checkAuth } from '../auth/check-auth.js';
import type { RoomVersionRules } from '../rooms/room-version.js';
import { type StateMap, type StateTuple, stateTuple } from '../rooms/state-map.js';
import { authStateOf } from './auth-state-of.js';
import type { EventGraph } from './event-graph.js';

/**
 * Applies events to a state one after the other, leaving out those that the authorisation rules refuse there. What the
 * state lacks for a check comes from the event's own auth events.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v12/#definitions
 */
export function iterativeAuthChecks<Id>(
  ids: readonly Id[],
  initial: StateMap<Id>,
  graph: EventGraph<Id>,
  rules: RoomVersionRules,
  options: AuthOptions = {},
): Map<StateTuple, Id> {
  const resolved = new Map(initial);
  for (const id of ids) {
    const node = graph.node(id);
    const event = graph.event(node);
    if (event?.pdu.state_key === undefined) continue;
    const own = authStateOf(node, graph, rules);
    const state: AuthState = (type, stateKey) => {
      const current = resolved.get(stateTuple(type, stateKey));
      return (current === undefined ? undefined : graph.eventOf(current)) ?? own(type, stateKey);
    };
    if (!checkAuth(event, state, rules, options).allowed) continue;
    resolved.set(stateTuple(event.pdu.type, event.pdu.state_key), id);
  }
  return resolved;
}
