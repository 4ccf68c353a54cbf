import { roomVersionRules, type StateMap } from '../../src/index.js';
import { numbersByVersion } from '../auth/rule-table.js';
import { Room, type Sketches } from './scenario.js';

/** A graph of events, and the state that it comes to. */
export interface Scenario {
  readonly title: string;
  readonly events: Sketches;
  readonly edges: readonly string[];
  /** By version range, the names of the events that the end state has and the state at START had not. */
  readonly expected: Readonly<Record<string, string>>;
  /** Version 1 may come to another state when it resolves the forks one after the other: one of the faults it is known for. */
  readonly dependsOnTheWay?: true;
}

/** Every event that nothing follows. */
function tips(room: Room): string[] {
  const followed = new Set(room.names.flatMap((name) => previousNames(room, name)));
  return room.names.filter((name) => !followed.has(room.id(name)));
}

function previousNames(room: Room, name: string): string[] {
  const { prev_events: previous } = room.event(room.id(name)).pdu;
  return previous.map((each) => (typeof each === 'string' ? each : each[0]));
}

/** What differs between a state and the one at START, as names. */
function changes(room: Room, state: StateMap<string>): string[] {
  const start = room.stateAfter('START');
  const changed = room.names.filter((name) => {
    const { state_key: stateKey } = room.event(room.id(name)).pdu;
    if (stateKey === undefined) return false;
    const tuple = room.tupleOf(name);
    return state.get(tuple) === room.id(name) && start.get(tuple) !== room.id(name);
  });
  const lost = [...start.keys()].filter((tuple) => !state.has(tuple)).map((tuple) => `no ${tuple}`);
  return [...changed, ...lost].sort();
}

export function permutations<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, index) => permutations(items.toSpliced(index, 1)).map((rest) => [item, ...rest]));
}

/** The same entries, put in the other way round. */
function reversed(state: StateMap<string>): StateMap<string> {
  return new Map([...state].reverse());
}

/** All ways in which a server may come to the end state. */
function endStates(room: Room, dependsOnTheWay: boolean): Record<string, StateMap<string>> {
  const ends = tips(room).map((name) => room.stateAfter(name));
  const ways: Record<string, StateMap<string>> = { 'all at once': room.resolve(...ends) };
  for (const [index, order] of permutations(ends).entries()) {
    ways[`all at once in order ${index}`] = room.resolve(...order.map(reversed));
    ways[`all twice in order ${index}`] = room.resolve(...order, ...order.map(reversed));
  }
  if (dependsOnTheWay) return ways;
  for (const [index, order] of permutations(ends).entries()) {
    ways[`one after the other in order ${index}`] = order.reduce((state, next) => room.resolve(state, next));
  }
  const each = room.names.slice(room.names.indexOf('START')).map((name) => room.stateAfter(name));
  ways['event by event'] = each.reduce((state, next) => room.resolve(state, next));
  return ways;
}

export function runScenarios(scenarios: readonly Scenario[]): void {
  describe.each(scenarios.map((scenario) => [scenario.title, scenario] as const))('%s', (_title, scenario) => {
    for (const [range, names] of Object.entries(scenario.expected)) {
      for (const version of numbersByVersion(range).keys()) {
        it(`comes to ${names || 'nothing new'} in version ${version}, whatever the way`, () => {
          const room = new Room(roomVersionRules(version)!, scenario.events, scenario.edges);
          const expected = names
            .split(' ')
            .filter((name) => name !== '')
            .sort();
          for (const [way, end] of Object.entries(endStates(room, scenario.dependsOnTheWay === true))) {
            expect([way, changes(room, end)]).toEqual([way, expected]);
          }
        });
      }
    }
  });
}
