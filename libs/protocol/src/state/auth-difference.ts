import type { Conflicts } from './conflicts.js';
import type { EventGraph } from './event-graph.js';
import { nextLevel } from './load.js';
import { NodeSet } from './node-set.js';
import { ask, type Questions } from './resolution-answers.js';

/**
 * The events in the auth chains of some of the state sets but not of all. The chain of a state set is taken to hold the
 * set itself, as all implementations in use do: of the state's own events only conflicted ones are in the difference.
 *
 * What is in every chain has its own chain in all of them too, so no walk goes on there: what is read is the difference and
 * the events next to it.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v12/#definitions
 */
export function* authDifference<Id>(conflicts: Conflicts<Id>, graph: EventGraph<Id>): Questions<Id, Set<Id>> {
  const stateSets = nodesBySet(conflicts, graph);
  const inEveryChain = yield* loadChains(stateSets.flat(), graph);
  const chains = new Map<number, number>();
  for (const nodes of stateSets) {
    for (const node of graph.walk(nodes, inEveryChain.copy())) chains.set(node, (chains.get(node) ?? 0) + 1);
  }
  const difference = new Set<Id>();
  for (const [node, count] of chains) if (count < stateSets.length) difference.add(graph.id(node));
  return difference;
}

/** What each state set has of the entries in conflict. */
function nodesBySet<Id>(conflicts: Conflicts<Id>, graph: EventGraph<Id>): number[][] {
  const [first] = conflicts.values();
  const stateSets: number[][] = Array.from(first ?? [], () => []);
  for (const candidates of conflicts.values()) {
    for (const [index, id] of candidates.entries()) if (id !== undefined) stateSets[index]!.push(graph.node(id));
  }
  return stateSets;
}

/** Loads the auth chains of events up to what is in every chain, which it gives back. */
function* loadChains<Id>(from: readonly number[], graph: EventGraph<Id>): Questions<Id, NodeSet> {
  const inEveryChain = new NodeSet();
  const seen = new NodeSet();
  let level = from.filter((node) => seen.add(node));
  while (level.length > 0) {
    const answer = yield* ask<Id, 'inEveryChain'>(
      'inEveryChain',
      level.map((node) => graph.id(node)),
    );
    const open: number[] = [];
    for (const node of level) {
      if (answer.has(graph.id(node))) inEveryChain.add(node);
      else open.push(node);
    }
    level = yield* nextLevel(open, seen, graph);
  }
  return inEveryChain;
}
