import type { RoomEvent } from '../events/pdu.js';
import type { StateMap } from '../rooms/state-map.js';
import type { AuthGraph } from './auth-graph.js';
import { NodeSet } from './node-set.js';
import type { ResolutionAnswers } from './resolution-answers.js';

/**
 * Answers the questions of a resolution from events that can all be looked up at once.
 *
 * @param graph the events by their ids
 * @param unconflicted what all state sets agree on: see `splitState`
 */
export function answerFrom(graph: AuthGraph, unconflicted: StateMap<string>): ResolutionAnswers<string> {
  let sharedChain: NodeSet | undefined;
  return {
    authEvents: (ids) => new Map(ids.map((id) => [id, authEventsOf(id, graph)])),
    inEveryChain: (ids) => {
      sharedChain ??= chainOf(unconflicted.values(), graph);
      return new Set(ids.filter((id) => sharedChain?.has(graph.node(id))));
    },
    leadingTo: (_conflicted, ids) => new Set(ids),
    events: (ids) => known(ids, graph),
    shared: () => unconflicted,
    create: (roomId) => graph.create(roomId),
  };
}

function authEventsOf(id: string, graph: AuthGraph): string[] {
  return graph.authEvents(graph.node(id)).map((node) => graph.id(node));
}

function chainOf(ids: Iterable<string>, graph: AuthGraph): NodeSet {
  const chain = new NodeSet();
  graph.walk(
    Array.from(ids, (id) => graph.node(id)),
    chain,
  );
  return chain;
}

function known(ids: readonly string[], graph: AuthGraph): Map<string, RoomEvent> {
  const events = new Map<string, RoomEvent>();
  for (const id of ids) {
    const event = graph.eventOf(id);
    if (event !== undefined) events.set(id, event);
  }
  return events;
}
