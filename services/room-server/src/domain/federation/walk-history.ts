import type { GraphNode } from '../graph/event-graph.js';
import type { FederationRows } from '../ports/federation-rows.js';

export interface Walk {
  /** Where it begins. */
  readonly from: readonly GraphNode[];
  /** Events at which it turns back. */
  readonly until: ReadonlySet<string>;
  /** Below this depth it turns back. */
  readonly minDepth: number;
  /** Of the events to find. */
  readonly limit: number;
}

/** Servers may be given what was accepted, and what only the present state of the room has refused. */
const GIVEN: ReadonlySet<string> = new Set(['accepted', 'soft-failed']);

/**
 * The latest events of a room's history from some of them on backwards, these included: the deepest first. What was rejected
 * is stepped over.
 */
export async function walkHistory(
  rows: FederationRows,
  roomNid: number,
  { from, until, minDepth, limit }: Walk,
): Promise<GraphNode[]> {
  const known = new Map(from.map((node) => [node.nid, node]));
  const open = new Set(known.keys());
  const seen = new Set(open);
  const found: GraphNode[] = [];
  // Steps over what is not given are counted, too: there might be very much of it.
  for (let steps = 0; open.size > 0 && found.length < limit && steps < 4 * limit + 100; steps++) {
    const missing = [...open].filter((nid) => !known.has(nid));
    if (missing.length > 0) {
      for (const node of await rows.around(roomNid, missing, limit)) known.set(node.nid, node);
      for (const nid of missing) if (!known.has(nid)) open.delete(nid);
      if (open.size === 0) break;
    }
    const next = deepest([...open].map((nid) => known.get(nid)!));
    open.delete(next.nid);
    if (until.has(next.eventId) || next.depth < minDepth) continue;
    if (GIVEN.has(next.status)) found.push(next);
    for (const nid of next.prevNids) {
      if (seen.has(nid)) continue;
      seen.add(nid);
      open.add(nid);
    }
  }
  return found;
}

function deepest(nodes: readonly GraphNode[]): GraphNode {
  return nodes.reduce((one, other) => (isDeeper(other, one) ? other : one));
}

function isDeeper(one: GraphNode, other: GraphNode): boolean {
  return one.depth === other.depth ? one.nid > other.nid : one.depth > other.depth;
}
