import type { EventGraph } from './event-graph.js';
import { nextLevel } from './load.js';
import { NodeSet } from './node-set.js';
import { ask, type Questions } from './resolution-answers.js';

/**
 * All events on a path of `auth_events` from one event of the conflicted state set to another, both ends included: what
 * is reached from a conflicted event and itself reaches one.
 *
 * Read are the events of which `leadingTo` says that they reach one, and those next to them. At the worst that is all of the
 * conflicted events' auth chains: no member of the room but those who authorised one of these, yet all power levels there ever were.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v12/#definitions
 */
export function* conflictedSubgraph<Id>(conflicted: ReadonlySet<Id>, graph: EventGraph<Id>): Questions<Id, Set<Id>> {
  const ends = Array.from(conflicted, (id) => graph.node(id));
  const dependants = dependantsWithin(yield* loadPaths(ends, conflicted, graph), graph);
  const subgraph = new NodeSet();
  const found: number[] = [];
  const visit = (node: number) => {
    if (subgraph.add(node)) found.push(node);
  };
  ends.forEach(visit);
  for (let next = 0; next < found.length; next++) dependants[found[next]!]?.forEach(visit);
  return new Set(found.map((node) => graph.id(node)));
}

/** Loads what lies between conflicted events, and gives back what may lead from one to another. */
function* loadPaths<Id>(
  ends: readonly number[],
  conflicted: ReadonlySet<Id>,
  graph: EventGraph<Id>,
): Questions<Id, number[]> {
  const paths: number[] = [];
  const seen = new NodeSet();
  let level = ends.filter((node) => seen.add(node));
  while (level.length > 0) {
    const ids = level.map((node) => graph.id(node));
    const leading = yield* ask<Id, 'leadingTo'>('leadingTo', conflicted, ids);
    const open = level.filter((node) => leading.has(graph.id(node)));
    for (const node of open) paths.push(node);
    level = yield* nextLevel(open, seen, graph);
  }
  return paths;
}

/** The edges of a part of the graph, turned round: which events of it each event authorises. */
function dependantsWithin<Id>(nodes: readonly number[], graph: EventGraph<Id>): (number[] | undefined)[] {
  const dependants: (number[] | undefined)[] = [];
  for (const node of nodes) {
    for (const parent of graph.authEvents(node)) {
      const known = dependants[parent];
      if (known === undefined) dependants[parent] = [node];
      else known.push(node);
    }
  }
  return dependants;
}
