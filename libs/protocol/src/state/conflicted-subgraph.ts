import type { AuthGraph } from './auth-graph.js';
import { NodeSet } from './node-set.js';

/**
 * All events on a path of `auth_events` from one event of the conflicted state set to another, both ends included: what
 * is reached from a conflicted event and itself reaches one.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v12/#definitions
 */
export function conflictedSubgraph(conflicted: Iterable<string>, graph: AuthGraph): Set<string> {
  const ends = [...conflicted].map((eventId) => graph.node(eventId));
  const dependants = dependantsWithin(graph.walk(ends), graph);
  const subgraph = new NodeSet();
  const found: number[] = [];
  const visit = (node: number) => {
    if (subgraph.add(node)) found.push(node);
  };
  ends.forEach(visit);
  for (let next = 0; next < found.length; next++) dependants[found[next]!]?.forEach(visit);
  return new Set(found.map((node) => graph.id(node)));
}

/** The edges of a part of the graph, turned round: which events of it each event authorises. */
function dependantsWithin(nodes: readonly number[], graph: AuthGraph): (number[] | undefined)[] {
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
