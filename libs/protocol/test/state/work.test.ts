import { AuthGraph, type EventLookup, type RoomEvent } from '../../src/index.js';
import { authDifferenceOf, graphOf, mainlineSortOf, type Node, stateSet } from './graph.js';

/** Counts how often somebody goes on from an event to those that authorise it. */
class CountingGraph extends AuthGraph {
  steps = 0;

  override authEvents(node: number): readonly number[] {
    this.steps += 1;
    return super.authEvents(node);
  }
}

const LENGTH = 1000;

function chain(name: string, type: string, from: readonly string[] = []): Record<string, Node> {
  const nodes: Record<string, Node> = {};
  for (let link = 0; link < LENGTH; link++) {
    nodes[`${name}${link}`] = { type, auth: link === 0 ? from : [`${name}${link - 1}`] };
  }
  return nodes;
}

describe('resolution, however many events there are,', () => {
  it('walks the chain of what all states share once', () => {
    const graph = new CountingGraph(graphOf({ ...chain('e', 'x'), ...ownEvents(20) }));
    const states = Array.from({ length: 20 }, (_, index) => stateSet(`shared=e${LENGTH - 1} own=own${index}`));

    expect(authDifferenceOf(states, graph).size).toBe(20);
    expect(graph.steps).toBeLessThan(LENGTH + 50);
  });

  it('walks no stretch to the mainline twice', () => {
    const line = chain('main', 'm.room.power_levels');
    const aside = chain('side', 'm.room.power_levels', ['main0']);
    const graph = new CountingGraph(graphOf({ ...line, ...aside }));
    const sorted = mainlineSortOf(Object.keys(aside), `main${LENGTH - 1}`, graph);

    expect(sorted).toHaveLength(LENGTH);
    expect(graph.steps).toBeLessThan(4 * LENGTH);
  });

  it('reads once what authorises an event', () => {
    let reads = 0;
    const lookup = graphOf(chain('e', 'x'));
    const counting: EventLookup = { event: (eventId) => countReads(lookup.event(eventId), () => reads++) };
    const graph = new AuthGraph(counting);
    for (let time = 0; time < 3; time++) graph.walk([graph.node(`e${LENGTH - 1}`)]);

    expect(reads).toBe(LENGTH);
  });
});

function ownEvents(count: number): Record<string, Node> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`own${index}`, { auth: ['e0'] }]));
}

function countReads(event: RoomEvent | undefined, onRead: () => void): RoomEvent | undefined {
  if (event === undefined) return undefined;
  const pdu = {
    ...event.pdu,
    get auth_events() {
      onRead();
      return event.pdu.auth_events;
    },
  };
  return { ...event, pdu };
}
