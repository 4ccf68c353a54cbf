import type { StateMap } from '../rooms/state-map.js';
import type { AuthGraph } from './auth-graph.js';
import { NodeSet } from './node-set.js';

/**
 * The events in the auth chains of some of the state sets but not of all. What all sets share has its chain in all of
 * them, so the walk of each set's own events ends there.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v12/#definitions
 */
export function authDifference(stateSets: readonly StateMap<string>[], graph: AuthGraph): Set<string> {
  const inEveryChain = new NodeSet();
  graph.walk(authEventsOf(sharedEvents(stateSets), graph), inEveryChain);
  const chains = new Map<number, number>();
  for (const stateSet of stateSets) {
    const roots = authEventsOf(stateSet.values(), graph);
    for (const node of graph.walk(roots, inEveryChain.copy())) chains.set(node, (chains.get(node) ?? 0) + 1);
  }
  const difference = new Set<string>();
  for (const [node, count] of chains) if (count < stateSets.length) difference.add(graph.id(node));
  return difference;
}

function sharedEvents(stateSets: readonly StateMap<string>[]): string[] {
  const [first, ...others] = stateSets;
  const shared: string[] = [];
  for (const [tuple, eventId] of first ?? []) {
    if (others.every((other) => other.get(tuple) === eventId)) shared.push(eventId);
  }
  return shared;
}

function authEventsOf(eventIds: Iterable<string>, graph: AuthGraph): number[] {
  const nodes: number[] = [];
  for (const eventId of eventIds) nodes.push(...graph.authEvents(graph.node(eventId)));
  return nodes;
}
