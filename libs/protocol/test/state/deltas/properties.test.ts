import fc from 'fast-check';
import {
  AuthGraph,
  answerAtOnce,
  type Conflicts,
  type EventLookup,
  type RoomVersionId,
  ready,
  resolveConflicts,
  resolveState,
  roomVersionRules,
  type StateMap,
  type StateTuple,
} from '../../../src/index.js';
import { randomRoom as madeUpRoom } from '../../../src/testing/index.js';
import { anyNodes, anyState } from '../any-graph.js';
import { graphOf } from '../graph.js';
import { NumberedAnswers, type Talk } from '../numbered-answers.js';
import { randomRoom, roomAndStates } from '../random-room.js';

const VERSIONS: readonly RoomVersionId[] = ['1', '2', '6', '11', '12'];
const TALKS: readonly Talk[] = ['sparse', 'full'];
type Entry = readonly [StateTuple, readonly (number | undefined)[]];

const STEPS = { numRuns: 150 };

beforeAll(ready);

function asObject(state: StateMap<string>): Record<string, string> {
  return Object.fromEntries([...state].sort());
}

describe.each(VERSIONS)('resolution of what is in conflict, in version %s,', (version) => {
  const rules = roomVersionRules(version)!;

  /** What the changes make of each of the states, when the conflicts are told in some order. */
  function resolved(
    states: readonly StateMap<string>[],
    lookup: EventLookup,
    talk: Talk,
    inOrder = (conflicts: Entry[]) => conflicts,
  ): Record<string, string>[] {
    const answers = new NumberedAnswers(new AuthGraph(lookup), states, talk);
    const conflicts: Conflicts<number> = new Map(inOrder([...answers.conflicts]));
    const { changes } = answerAtOnce(resolveConflicts(conflicts, rules), answers);
    return states.map((_state, index) => asObject(answers.changed(index, changes[index] ?? new Map())));
  }

  it('is that of the whole states, whatever is told', () => {
    const property = fc.property(roomAndStates(version), fc.constantFrom(...TALKS), ([room, states], talk) => {
      const expected = asObject(room.resolve(...states));
      for (const state of resolved(states, room, talk)) expect(state).toEqual(expected);
      for (const state of resolved(states, room, talk, (conflicts) => conflicts.reverse()))
        expect(state).toEqual(expected);
    });
    fc.assert(property, STEPS);
  });

  it('is that of the whole states, one after the other, in any order', () => {
    const property = fc.property(roomAndStates(version), ([room, [first, ...others]]) => {
      const whole = others.reduce((state, other) => room.resolve(state, other), first!);
      const deltas = others.reduce((state, other) => asMap(resolved([state, other], room, 'sparse')[0]!), first!);
      expect(asObject(deltas)).toEqual(asObject(whole));
    });
    fc.assert(property, STEPS);
  });

  it('is that of the whole states in a graph of any shape', () => {
    const property = fc.property(
      anyNodes,
      fc.array(anyState, { maxLength: 4 }),
      fc.constantFrom(...TALKS),
      (nodes, states, talk) => {
        const lookup = graphOf(nodes, '!a');
        const expected = asObject(resolveState(states, lookup, rules));
        for (const state of resolved(states, lookup, talk)) expect(state).toEqual(expected);
      },
    );
    fc.assert(property, { numRuns: 400 });
  });

  it('is that of the whole states in rooms of real events', () => {
    const property = fc.property(fc.nat(), fc.constantFrom(...TALKS), (seed, talk) => {
      const { events, roomId } = madeUpRoom({ seed, version, length: 40 });
      const byId = new Map(events.map(({ eventId, pdu, rejected }) => [eventId, { eventId, roomId, pdu, rejected }]));
      const after = new Map(events.map(({ eventId, stateAfter }) => [eventId, stateAfter]));
      for (const { prevs, stateBefore } of events) {
        const states = prevs.map((eventId) => after.get(eventId)!);
        const lookup = { event: (eventId: string) => byId.get(eventId) };
        for (const state of resolved(states, lookup, talk)) expect(state).toEqual(asObject(stateBefore));
      }
    });
    fc.assert(property, { numRuns: 15 });
  });

  it('may be told of entries in which the states do not differ', () => {
    const property = fc.property(roomAndStates(version), ([room, states]) => {
      const answers = new NumberedAnswers(new AuthGraph(room), states);
      const more = [...states[0]!].filter(([tuple, id]) => states.every((state) => state.get(tuple) === id));
      const conflicts = new Map(answers.conflicts);
      for (const [tuple, id] of more)
        conflicts.set(
          tuple,
          states.map(() => answers.number(id)),
        );
      const { changes, entries } = answerAtOnce(resolveConflicts<number>(conflicts, rules), answers);
      expect(asObject(answers.changed(0, changes[0] ?? new Map()))).toEqual(asObject(room.resolve(...states)));
      for (const [tuple, id] of more) expect(answers.id(entries.get(tuple)!)).toBe(id);
    });
    fc.assert(property, STEPS);
  });

  it('changes nothing in a state that is the only one', () => {
    const property = fc.property(randomRoom(version), (room) => {
      const state = room.stateAfter(room.names.at(-1)!);
      const answers = new NumberedAnswers(new AuthGraph(room), [state, new Map(state)]);
      const resolution = answerAtOnce(resolveConflicts(answers.conflicts, rules), answers);
      expect(resolution).toEqual({ entries: new Map(), changes: [] });
    });
    fc.assert(property, { numRuns: 50 });
  });
});

function asMap(state: Record<string, string>): StateMap<string> {
  return new Map(Object.entries(state) as [StateTuple, string][]);
}
