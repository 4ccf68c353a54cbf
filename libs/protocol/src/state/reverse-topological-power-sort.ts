import TinyQueue from 'tinyqueue';
import type { AuthState } from '../auth/auth-state.js';
import { powerLevelsOf } from '../auth/power-levels.js';
import type { RoomVersionRules } from '../rooms/room-version.js';
import { authStateOf } from './auth-state-of.js';
import type { EventGraph } from './event-graph.js';
import { compareRanked, type Ranked } from './order.js';

/**
 * Orders events so that each comes after those that authorise it and, where that leaves a choice, so that the sender
 * with the greatest power level goes first, then the earliest event, then the smallest id (Kahn's algorithm).
 *
 * @see https://spec.matrix.org/v1.19/rooms/v12/#definitions
 */
export function reverseTopologicalPowerSort<Id>(
  ids: Iterable<Id>,
  graph: EventGraph<Id>,
  rules: RoomVersionRules,
): Id[] {
  const ranked = rankByPower(ids, graph, rules);
  const { waitingFor, dependants } = edgesWithin(ranked, graph);
  const ready = new TinyQueue<Ranked>([], compareRanked);
  for (const [node, event] of ranked) if (waitingFor.get(node) === 0) ready.push(event);
  const sorted: Id[] = [];
  for (let next = ready.pop(); next !== undefined; next = ready.pop()) {
    sorted.push(graph.id(next.node));
    for (const dependant of dependants.get(next.node) ?? []) {
      const left = waitingFor.get(dependant)! - 1;
      waitingFor.set(dependant, left);
      if (left === 0) ready.push(ranked.get(dependant)!);
    }
  }
  return sorted;
}

function rankByPower<Id>(
  ids: Iterable<Id>,
  graph: EventGraph<Id>,
  rules: RoomVersionRules,
): ReadonlyMap<number, Ranked> {
  const ranked = new Map<number, Ranked>();
  for (const id of ids) {
    const node = graph.node(id);
    const event = graph.event(node);
    if (event === undefined) continue;
    const state: AuthState = authStateOf(node, graph, rules);
    ranked.set(node, { node, event, rank: -powerLevelsOf(state, rules).forUser(event.pdu.sender) });
  }
  return ranked;
}

interface Edges {
  readonly waitingFor: Map<number, number>;
  readonly dependants: ReadonlyMap<number, readonly number[]>;
}

function edgesWithin<Id>(ranked: ReadonlyMap<number, Ranked>, graph: EventGraph<Id>): Edges {
  const waitingFor = new Map<number, number>();
  const dependants = new Map<number, number[]>();
  for (const node of ranked.keys()) {
    const parents = new Set(graph.authEvents(node).filter((parent) => ranked.has(parent)));
    waitingFor.set(node, parents.size);
    for (const parent of parents) {
      const known = dependants.get(parent);
      if (known === undefined) dependants.set(parent, [node]);
      else known.push(node);
    }
  }
  return { waitingFor, dependants };
}
