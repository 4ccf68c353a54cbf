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
  const chain = new NodeSet();
  let isWalked = false;
  return {
    authEvents: (ids) => new Map(ids.map((id) => [id, graph.authEvents(graph.node(id)).map((each) => graph.id(each))])),
    inEveryChain: (ids) => {
      if (!isWalked)
        graph.walk(
          Array.from(unconflicted.values(), (id) => graph.node(id)),
          chain,
        );
      isWalked = true;
      return new Set(ids.filter((id) => chain.has(graph.node(id))));
    },
    leadingTo: (_conflicted, ids) => new Set(ids),
    events: (ids) => {
      const events = new Map();
      for (const id of ids) {
        const event = graph.eventOf(id);
        if (event !== undefined) events.set(id, event);
      }
      return events;
    },
    shared: () => unconflicted,
    create: (roomId) => graph.create(roomId),
  };
}
