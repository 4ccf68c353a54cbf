import type { GraphNode, StoredBody } from '../graph/event-graph.js';

/** What the graph is read from. Events that are not there are left out of the answers. */
export interface GraphRows {
  nodes(roomNid: number, nids: readonly number[]): Promise<readonly GraphNode[]>;
  find(roomNid: number, eventIds: readonly string[]): Promise<readonly GraphNode[]>;
  bodies(roomNid: number, nids: readonly number[]): Promise<readonly StoredBody[]>;
  /** State events that one authorises, the latest numbers first, below a number. */
  authorisedBy(roomNid: number, authNid: number, below: number, limit: number): Promise<readonly number[]>;
}
