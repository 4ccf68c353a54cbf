import {
  authEventIds,
  authTypesForEvent,
  checkAuth,
  checkAuthEvents,
  eventIdOf,
  hasValidContentHash,
  type Pdu,
  parsePdu,
  prevEventIds,
  type RoomEvent,
  type RoomVersionRules,
  referenceHash,
  type SigningKey,
  stateTuple,
  verifyEventSignatures,
} from '@ganglion/protocol';
import type { StoredEvent } from './room.js';

/**
 * Replays a room that grew in one line and checks of every event that it is what another server would accept, and that it is
 * built on just what came before. Returns the state that the room must have.
 */
export function audit(
  events: readonly StoredEvent[],
  rules: RoomVersionRules,
  keys: ReadonlyMap<string, SigningKey>,
): Map<string, RoomEvent> {
  const state = new Map<string, RoomEvent>();
  const nids = new Map(events.map(({ nid, eventId }) => [eventId, nid]));
  const hashes = new Map(
    rules.eventIdFormat === 'in-event' ? events.map((each) => [each.eventId, referenceHash(each.pdu, rules)]) : [],
  );
  const roomId = rules.roomIdIsCreateHash ? `!${events[0]?.eventId.slice(1)}` : (events[0]?.pdu.room_id ?? '');
  for (const [index, stored] of events.entries()) {
    const event = { eventId: stored.eventId, roomId, pdu: stored.pdu, rejected: false };
    const previous = events[index - 1];
    expect(stored.seq).toBe(index + 1);
    checkProof(event, rules, keys);
    expect(prevEventIds(stored.pdu)).toEqual(previous === undefined ? [] : [previous.eventId]);
    expect(stored.prevNids).toEqual(previous === undefined ? [] : [previous.nid]);
    expect(stored.pdu.depth).toBe(index + 1);
    expect([...stored.pdu.prev_events, ...stored.pdu.auth_events]).toEqual(references(stored.pdu, hashes));
    checkAuthorisation(event, state, rules);
    expect(stored.authNids).toEqual(authEventIds(stored.pdu).map((id) => nids.get(id)));
    if (stored.pdu.state_key !== undefined) state.set(stateTuple(stored.pdu.type, stored.pdu.state_key), event);
  }
  return state;
}

/** In the first two versions events are referred to by their hashes, too. */
function references(pdu: Pdu, hashes: ReadonlyMap<string, string>): Pdu['prev_events'] {
  const ids = [...prevEventIds(pdu), ...authEventIds(pdu)];
  return ids.map((id) => (hashes.size === 0 ? id : [id, { sha256: hashes.get(id)! }]));
}

function checkProof(
  { eventId, roomId, pdu }: RoomEvent,
  rules: RoomVersionRules,
  keys: ReadonlyMap<string, SigningKey>,
) {
  expect(() => parsePdu(pdu, rules)).not.toThrow();
  expect(eventIdOf(pdu, rules)).toBe(eventId);
  expect(hasValidContentHash(pdu, rules)).toBe(true);
  const verdict = verifyEventSignatures(pdu, rules, (name) => {
    const key = keys.get(name);
    return key && { publicKey: key.publicKey, validUntilTs: Number.MAX_SAFE_INTEGER };
  });
  expect(verdict).toEqual({ signed: true });
  expect(pdu.room_id).toBe(rules.roomIdIsCreateHash && pdu.type === 'm.room.create' ? undefined : roomId);
}

function checkAuthorisation(event: RoomEvent, state: ReadonlyMap<string, RoomEvent>, rules: RoomVersionRules): void {
  const at = (type: string, stateKey: string) => state.get(stateTuple(type, stateKey));
  const selected = authTypesForEvent(event.pdu, rules).flatMap(([type, stateKey]) => at(type, stateKey) ?? []);
  expect(authEventIds(event.pdu)).toEqual(selected.map(({ eventId }) => eventId));
  expect(checkAuth(event, at, rules)).toEqual({ allowed: true });
  const create = at('m.room.create', '');
  expect(checkAuthEvents(event, selected, rules, { create })).toEqual({ allowed: true });
}
