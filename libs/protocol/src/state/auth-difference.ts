import type { StateMap } from '../rooms/state-map.js';
import type { AuthGraph } from './auth-graph.js';
import { NodeSet } from './node-set.js';

/**
 * The events in the auth chains of some of the state sets but not of all. The chain of a state set is taken to hold the
 * set itself, as all implementations in use do: of the state's own events only conflicted ones are in the difference.
 *
 * What all sets share has its chain in all of theirs, so the walk through each set's own chain ends there.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v12/#definitions
 */
export function authDifference(stateSets: readonly StateMap<string>[], graph: AuthGraph): Set<string> {
  const inEveryChain = new NodeSet();
  graph.walk(nodesOf(sharedEvents(stateSets), graph), inEveryChain);
  const chains = new Map<number, number>();
  for (const stateSet of stateSets) {
    const own = graph.walk(nodesOf(stateSet.values(), graph), inEveryChain.copy());
    for (const node of own) chains.set(node, (chains.get(node) ?? 0) + 1);
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

function nodesOf(eventIds: Iterable<string>, graph: AuthGraph): number[] {
  return Array.from(eventIds, (eventId) => graph.node(eventId));
}
