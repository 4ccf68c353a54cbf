import type { RoomEvent } from '../events/pdu.js';
import { NodeSet } from './node-set.js';

/**
 * What one resolution knows of the events of a room and of those that authorise them. Each event gets a small integer, so
 * that walking chains a hundred thousand deep costs little.
 */
export class EventGraph<Id> {
  private readonly nodes = new Map<Id, number>();
  private readonly ids: Id[] = [];
  /** Null stands for an event that was asked for and is not known. */
  private readonly events: (RoomEvent | null | undefined)[] = [];
  private readonly edges: (readonly number[] | undefined)[] = [];
  private readonly creates = new Map<string, RoomEvent | undefined>();

  /** Whether nothing needs to be asked for, as the graph finds everything itself. */
  readonly knowsAll: boolean = false;

  node(id: Id): number {
    let node = this.nodes.get(id);
    if (node === undefined) {
      node = this.ids.length;
      this.nodes.set(id, node);
      this.ids.push(id);
      this.events.push(undefined);
      this.edges.push(undefined);
    }
    return node;
  }

  id(node: number): Id {
    return this.ids[node]!;
  }

  event(node: number): RoomEvent | undefined {
    return this.events[node] ?? undefined;
  }

  knowsEvent(node: number): boolean {
    return this.events[node] !== undefined;
  }

  eventOf(id: Id): RoomEvent | undefined {
    return this.event(this.node(id));
  }

  /** The m.room.create event that a room id of version 12 stands for. */
  create(roomId: string): RoomEvent | undefined {
    return this.creates.get(roomId);
  }

  knowsCreate(roomId: string): boolean {
    return this.creates.has(roomId);
  }

  /** The events that authorise an event; to be asked for before. */
  authEvents(node: number): readonly number[] {
    return this.edges[node]!;
  }

  knowsAuthEvents(node: number): boolean {
    return this.edges[node] !== undefined;
  }

  /** The auth event of an event with this type and state key. */
  authEvent(node: number, type: string, stateKey: string): number | undefined {
    return this.authEvents(node).find((candidate) => {
      const pdu = this.event(candidate)?.pdu;
      return pdu?.type === type && pdu.state_key === stateKey;
    });
  }

  learnEvent(id: Id, event: RoomEvent | undefined): void {
    this.events[this.node(id)] = event ?? null;
  }

  learnAuthEvents(id: Id, authEvents: readonly Id[]): void {
    const node = this.node(id);
    this.edges[node] = authEvents.map((each) => this.node(each));
  }

  learnCreate(roomId: string, event: RoomEvent | undefined): void {
    this.creates.set(roomId, event);
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
