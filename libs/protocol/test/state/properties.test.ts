import fc from 'fast-check';
import { type RoomEvent, resolveState, roomVersionRules, type StateMap, stateTuple } from '../../src/index.js';
import { anyNodes, anyState } from './any-graph.js';
import { graphOf } from './graph.js';
import { randomRoom, roomAndStates } from './random-room.js';
import { Reference } from './reference.js';

/** Versions 3 to 10 resolve state as 2 and 11 do. */
const VERSIONS = ['1', '2', '11', '12'];

const STEPS = { numRuns: 300 };

const shuffledMap = (state: StateMap<string>) =>
  fc.shuffledSubarray([...state], { minLength: state.size, maxLength: state.size }).map((entries) => new Map(entries));

function asObject(state: StateMap<string>): Record<string, string> {
  return Object.fromEntries([...state].sort());
}

describe.each(VERSIONS)('resolution in version %s', (version) => {
  const rules = roomVersionRules(version)!;

  it('depends neither on the order of the states nor of their entries, nor on how often a state is given', () => {
    const property = fc.property(
      roomAndStates(version).chain(([room, states]) =>
        fc.tuple(
          fc.constant(room),
          fc.constant(states),
          fc.shuffledSubarray([...states, ...states], { minLength: states.length * 2 }),
          fc.tuple(...states.map(shuffledMap)),
        ),
      ),
      ([room, states, twice, shuffled]) => {
        const outcome = asObject(room.resolve(...states));
        expect(asObject(room.resolve(...twice))).toEqual(outcome);
        expect(asObject(room.resolve(...shuffled.reverse()))).toEqual(outcome);
      },
    );
    fc.assert(property, STEPS);
  });

  it('keeps what all states agree on and invents nothing', () => {
    const property = fc.property(roomAndStates(version), ([room, states]) => {
      const outcome = room.resolve(...states);
      for (const [tuple, eventId] of states[0]!) {
        if (states.every((state) => state.get(tuple) === eventId)) expect(outcome.get(tuple)).toBe(eventId);
      }
      for (const [tuple, eventId] of outcome) expect(tupleOf(room.event(eventId)!)).toBe(tuple);
    });
    fc.assert(property, STEPS);
  });

  it('leaves a single state as it is', () => {
    const property = fc.property(randomRoom(version), (room) => {
      const state = room.stateAfter(room.names.at(-1)!);
      expect(asObject(room.resolve(state, new Map(state)))).toEqual(asObject(state));
    });
    fc.assert(property, { numRuns: 50 });
  });

  it('throws for no graph of any shape', () => {
    fc.assert(
      fc.property(anyNodes, fc.array(anyState, { maxLength: 4 }), (nodes, states) => {
        const lookup = graphOf(nodes, '!a');
        expect(asObject(resolveState(states, lookup, rules))).toEqual(
          asObject(resolveState(states.toReversed(), lookup, rules)),
        );
      }),
      STEPS,
    );
  });
});

describe.each(VERSIONS.slice(1))('resolution in version %s', (version) => {
  it('is what the specification says, sentence by sentence', () => {
    const property = fc.property(roomAndStates(version), ([room, states]) => {
      const reference = new Reference(room, room.rules).resolve(states);
      expect(asObject(room.resolve(...states))).toEqual(asObject(reference));
    });
    fc.assert(property, { numRuns: 500 });
  });
});

function tupleOf({ pdu }: RoomEvent): string {
  return stateTuple(pdu.type, pdu.state_key!);
}
