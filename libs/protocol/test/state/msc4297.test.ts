import { AuthGraph, conflictedEvents, resolveState, roomVersionRules, splitState } from '../../src/index.js';
import { authDifferenceOf, conflictedSubgraphOf } from './graph.js';
import { permutations } from './run-scenario.js';
import {
  ALICE,
  BOB,
  CHARLIE,
  ELLA,
  joinRule,
  joins,
  leaves,
  power,
  Room,
  type Sketches,
  state,
  topic,
  ZARA,
} from './scenario.js';

/** The events that two states of a room resolve to, by version, in either order and each given twice. */
function resolved(version: string, events: Sketches, one: string, other: string): string[] {
  const room = new Room(roomVersionRules(version)!, events, [Object.keys(events).join(' > ')], {}, '');
  const states = [one, other].map((names) => room.stateWith(names.split(' ')));
  const [outcome, ...others] = permutations([...states, ...states]).map((each) => namesIn(room, room.resolve(...each)));
  for (const same of others) expect(same).toEqual(outcome);
  return outcome!;
}

function namesIn(room: Room, resolvedState: ReturnType<Room['resolve']>): string[] {
  return room.names.filter((name) => [...resolvedState.values()].includes(room.id(name)));
}

const MADE: Sketches = {
  CREATE: state(ALICE, 'm.room.create', { creator: ALICE }),
  MA: joins(ALICE),
  P1: power(ALICE, { [ALICE]: 100 }),
  OPEN: joinRule(ALICE, 'public'),
  MB: joins(BOB),
  MC: joins(CHARLIE),
};

const V2 = ['2', '6', '11'];

describe('join rules whose sender left before anybody disputed them', () => {
  const events: Sketches = {
    ...MADE,
    CLOSED: joinRule(ALICE, 'invite'),
    LA: leaves(ALICE),
    MB2: joins(BOB),
    MC2: joins(CHARLIE),
  };
  const right = 'CREATE LA P1 CLOSED MB2 MC';
  const stale = 'CREATE LA P1 OPEN MB MC2';

  it.each(V2)('are lost in version %s: Alice, who set them, is not in the state to begin with', (version) => {
    expect(resolved(version, events, right, stale)).toEqual(['CREATE', 'P1', 'LA', 'MB2', 'MC2']);
  });

  it('are found from an empty state in version 12', () => {
    expect(resolved('12', events, right, stale)).toEqual(['CREATE', 'P1', 'CLOSED', 'LA', 'MB2', 'MC2']);
  });

  it('are found in version 12 when an admin stays who is not disputed either', () => {
    const withAdmin = { ...events, P1: power(ALICE, { [BOB]: 100 }) };
    const outcome = resolved('12', withAdmin, 'CREATE LA MB P1 CLOSED', 'CREATE LA MB P1 OPEN');
    expect(outcome).toEqual(['CREATE', 'P1', 'MB', 'CLOSED', 'LA']);
  });
});

describe('power levels on the way from one disputed event to another', () => {
  const events: Sketches = {
    ...MADE,
    P2: power(ALICE, { [ALICE]: 100, [BOB]: 50 }),
    P3: power(BOB, { [ALICE]: 100, [BOB]: 50, [CHARLIE]: 50 }),
    MZ: joins(ZARA),
    ME: joins(ELLA),
    ME2: joins(ELLA),
  };
  const stale = 'CREATE MA P1 OPEN MB MC ME2';
  const right = 'CREATE MA OPEN MB MC P3 MZ';

  it.each(V2)('fall back to the first in version %s, for nobody asks after those between', (version) => {
    expect(resolved(version, events, stale, right)).toEqual(['CREATE', 'MA', 'P1', 'OPEN', 'MB', 'MC', 'MZ', 'ME2']);
  });

  it('are asked after in version 12', () => {
    expect(resolved('12', events, stale, right)).toEqual(['CREATE', 'MA', 'OPEN', 'MB', 'MC', 'P3', 'MZ', 'ME2']);
  });

  it('send an event that cites the first levels back to their time in version 12', () => {
    const citing = { ...events, ME2: joins(ELLA, { auth: ['P1', 'OPEN', 'ME'] }) };
    expect(resolved('12', citing, stale, right)).toEqual(['CREATE', 'MA', 'OPEN', 'MB', 'MC', 'P3', 'MZ', 'ME']);
  });

  it('are the conflicted state subgraph, which stops short of m.room.create', () => {
    const room = new Room(roomVersionRules('12')!, events, [Object.keys(events).join(' > ')], {}, '');
    const states = [stale, right].map((names) => room.stateWith(names.split(' ')));
    const graph = new AuthGraph(room);
    const conflicted = conflictedEvents(splitState(states).conflicts);
    const ids = (names: string) => new Set(names.split(' ').map((name) => room.id(name)));
    expect(conflicted).toEqual(ids('P1 P3 MZ ME2'));
    expect(conflictedSubgraphOf(conflicted, graph)).toEqual(ids('P1 OPEN MB P2 P3 MZ ME ME2'));
    expect(authDifferenceOf(states, graph)).toEqual(ids('MZ ME ME2'));
  });
});

describe('a member of long standing in a state that was made up', () => {
  const events: Sketches = { ...MADE, T1: topic(ALICE), LB: leaves(BOB), T2: topic(ALICE) };

  it.each([...V2, '12'])('stays as all states have them in version %s', (version) => {
    expect(resolved(version, events, 'CREATE MA P1 OPEN LB T1', 'CREATE MA P1 OPEN LB T2')).toEqual([
      'CREATE',
      'MA',
      'P1',
      'OPEN',
      'LB',
      'T2',
    ]);
  });
});

describe('the ends of state resolution', () => {
  const events: Sketches = { ...MADE, T1: topic(ALICE) };

  it.each(['1', '2', '12'])('are an empty state for none and a state for itself in version %s', (version) => {
    const rules = roomVersionRules(version)!;
    const room = new Room(rules, events, [Object.keys(events).join(' > ')], {}, '');
    const after = room.stateAfter('T1');
    expect(resolveState([], room, rules)).toEqual(new Map());
    expect(room.resolve(after)).toBe(after);
    expect(room.resolve(after, new Map(after))).toEqual(after);
  });

  it.each(['1', '2', '12'])('look at no event where nothing is disputed in version %s', (version) => {
    const rules = roomVersionRules(version)!;
    const room = new Room(rules, events, [Object.keys(events).join(' > ')], {}, '');
    const after = room.stateAfter('T1');
    const blind = { event: (eventId: string) => expect(eventId).toBe('not asked for') as undefined };
    expect(resolveState([after, new Map(after)], blind, rules)).toEqual(after);
  });

  it.each(['1', '2', '12'])('leave out events that are not known in version %s', (version) => {
    const rules = roomVersionRules(version)!;
    const room = new Room(rules, events, [Object.keys(events).join(' > ')], {}, '');
    const after = room.stateAfter('T1');
    const gone = new Map(after).set(room.tupleOf('T1'), 'gone');
    const lenient = { event: (eventId: string) => (eventId === 'gone' ? undefined : room.event(eventId)) };
    for (const states of permutations([after, gone])) expect(resolveState(states, lenient, rules)).toEqual(after);
  });

  it.each(['1', '2', '12'])('leave out an entry of which no event is known in version %s', (version) => {
    const rules = roomVersionRules(version)!;
    const room = new Room(rules, events, [Object.keys(events).join(' > ')], {}, '');
    const before = room.stateAfter('MC');
    const states = ['gone', 'lost'].map((id) => new Map(before).set(room.tupleOf('T1'), id));
    const lenient = {
      event: (eventId: string) =>
        room.names.map((name) => room.id(name)).includes(eventId) ? room.event(eventId) : undefined,
    };
    expect([...resolveState(states, lenient, rules)].sort()).toEqual([...before].sort());
  });

  it.each(['2', '11', '12'])('take an empty state for one that disputes everything in version %s', (version) => {
    const room = new Room(roomVersionRules(version)!, events, [Object.keys(events).join(' > ')], {}, '');
    const after = room.stateAfter('T1');
    expect(room.resolve(after, new Map())).toEqual(after);
  });
});
