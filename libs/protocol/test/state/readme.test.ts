import {
  authEventIds,
  checkAuth,
  checkAuthEvents,
  type RoomEvent,
  resolveState,
  roomVersionRules,
  stateTuple,
} from '../../src/index.js';
import { ALICE, BOB, bans, power, Room, topic } from './scenario.js';

/** The ten lines of the README, for an event of a room as a server receives it. */
function receive(room: Room, { eventId, roomId, pdu }: RoomEvent, forkNames: readonly string[]) {
  const { rules } = room;
  const events = new Map(room.names.map((name) => [room.id(name), room.event(room.id(name))!]));
  const forks = forkNames.map((name) => room.stateAfter(name));

  const event: RoomEvent = { eventId, roomId, pdu, rejected: false };
  const lookup = { event: (id: string) => events.get(id) };
  const before = resolveState(forks, lookup, rules);
  const inState = (type: string, stateKey: string) => events.get(before.get(stateTuple(type, stateKey)) ?? '');
  const authEvents = authEventIds(pdu).map((id) => events.get(id)!);
  const byAuthEvents = checkAuthEvents(event, authEvents, rules, { create: inState('m.room.create', '') });
  const decision = byAuthEvents.allowed ? checkAuth(event, inState, rules) : byAuthEvents;
  const after = new Map(before);
  if (decision.allowed && pdu.state_key !== undefined) after.set(stateTuple(pdu.type, pdu.state_key), eventId);
  return { decision, after };
}

describe('the example of the README', () => {
  const room = (version: string) =>
    new Room(
      roomVersionRules(version)!,
      { PA: power(ALICE, { [ALICE]: 100, [BOB]: 50 }), TB: topic(BOB), MB: bans(ALICE, BOB), TA: topic(ALICE) },
      ['START > PA > TB', 'PA > MB', 'PA > TA'],
    );
  const received = (version: string, name: string, forks: readonly string[]) => {
    const inRoom = room(version);
    const { decision, after } = receive(inRoom, inRoom.event(inRoom.id(name))!, forks);
    return { decision, topic: after.get(stateTuple('m.room.topic', '')) };
  };

  it.each(['1', '6', '11', '12'])('lets in what the rules of version %s allow', (version) => {
    const id = room(version).id('TA');
    expect(received(version, 'TA', ['PA', 'MB'])).toEqual({ decision: { allowed: true }, topic: id });
  });

  it.each([
    ['1', '6'],
    ['6', '5'],
    ['11', '5'],
    ['12', '6'],
  ])('refuses in version %s, by rule %s, what only its auth events allow', (version, rule) => {
    const { decision, topic: resolved } = received(version, 'TB', ['PA', 'MB']);
    expect(decision).toEqual({ allowed: false, rule, reason: `${BOB} is not in the room (membership ban)` });
    expect(resolved).toBeUndefined();
  });
});
