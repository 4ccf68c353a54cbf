import { authEventIds, type RoomEvent } from '../events/pdu.js';
import { NodeSet } from './node-set.js';

/** Where events come from. What is not known is left out of the resolution; throw instead to stop it. */
export interface EventLookup {
  event(eventId: string): RoomEvent | undefined;
}

/**
 * The graph of events and the events that authorise them, as far as one resolution looks at it. Each event gets a small
 * integer and is looked up once, so that walking chains a hundred thousand deep costs little.
 */
export class AuthGraph {
  private readonly nodes = new Map<string, number>();
  private readonly ids: string[] = [];
  private readonly events: (RoomEvent | undefined)[] = [];
  private readonly edges: (readonly number[] | undefined)[] = [];

  constructor(private readonly lookup: EventLookup) {}

  node(eventId: string): number {
    let node = this.nodes.get(eventId);
    if (node === undefined) {
      node = this.ids.length;
      this.nodes.set(eventId, node);
      this.ids.push(eventId);
      this.events.push(this.lookup.event(eventId));
      this.edges.push(undefined);
    }
    return node;
  }

  id(node: number): string {
    return this.ids[node]!;
  }

  event(node: number): RoomEvent | undefined {
    return this.events[node];
  }

  eventOf(eventId: string): RoomEvent | undefined {
    return this.events[this.node(eventId)];
  }

  /** The events that authorise an event. */
  authEvents(node: number): readonly number[] {
    let edges = this.edges[node];
    if (edges === undefined) {
      const event = this.events[node];
      edges = event === undefined ? [] : authEventIds(event.pdu).map((id) => this.node(id));
      this.edges[node] = edges;
    }
    return edges;
  }

  /** The auth event of an event with this type and state key. */
  authEvent(node: number, type: string, stateKey: string): number | undefined {
    return this.authEvents(node).find((candidate) => {
      const pdu = this.events[candidate]?.pdu;
      return pdu?.type === type && pdu.state_key === stateKey;
    });
  }

  /**
   * The given events and all that can be reached from them through `auth_events`, except for what is in the set, to which
   * everything found is added.
   */
  walk(from: Iterable<number>, visited: NodeSet = new NodeSet()): number[] {
    const found: number[] = [];
    for (const node of from) if (visited.add(node)) found.push(node);
    for (let next = 0; next < found.length; next++) {
      for (const parent of this.authEvents(found[next]!)) if (visited.add(parent)) found.push(parent);
    }
    return found;
  }
}
