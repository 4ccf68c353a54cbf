import { authTypesForEvent } from '../auth/auth-types.js';
import type { RoomEvent } from '../events/pdu.js';
import type { RoomVersionRules } from '../rooms/room-version.js';
import { type StateTuple, stateTuple } from '../rooms/state-map.js';

/** The entries of a state that decide whether some events are allowed in it: all that `checkAuth` looks at. */
export function authTuples(events: Iterable<RoomEvent>, rules: RoomVersionRules): Set<StateTuple> {
  const tuples = new Set<StateTuple>();
  for (const { pdu } of events) {
    for (const [type, stateKey] of authTypesForEvent(pdu, rules)) tuples.add(stateTuple(type, stateKey));
  }
  return tuples;
}
