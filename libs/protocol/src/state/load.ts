import type { StateTuple } from '../rooms/state-map.js';
import { agreedOn, type Conflicts } from './conflicts.js';
import type { EventGraph } from './event-graph.js';
import type { NodeSet } from './node-set.js';
import { ask, type Questions } from './resolution-answers.js';

/** Asks what authorises these events, unless the graph knows. */
function* loadAuthEvents<Id>(nodes: Iterable<number>, graph: EventGraph<Id>): Questions<Id, void> {
  if (graph.knowsAll) return;
  const ids: Id[] = [];
  for (const node of nodes) if (!graph.knowsAuthEvents(node)) ids.push(graph.id(node));
  if (ids.length === 0) return;
  const answer = yield* ask<Id, 'authEvents'>('authEvents', ids);
  for (const id of ids) graph.learnAuthEvents(id, []);
  for (const [id, authEvents] of answer) graph.learnAuthEvents(id, authEvents);
}

/** Asks for these events, unless the graph knows them. */
export function* loadEvents<Id>(nodes: Iterable<number>, graph: EventGraph<Id>): Questions<Id, void> {
  if (graph.knowsAll) return;
  const ids: Id[] = [];
  for (const node of nodes) if (!graph.knowsEvent(node)) ids.push(graph.id(node));
  if (ids.length === 0) return;
  const answer = yield* ask<Id, 'events'>('events', ids);
  for (const id of ids) graph.learnEvent(id, undefined);
  for (const [id, event] of answer) graph.learnEvent(id, event);
}

/** Asks for events together with those that authorise them. */
export function* loadWithAuthEvents<Id>(nodes: readonly number[], graph: EventGraph<Id>): Questions<Id, void> {
  if (graph.knowsAll) return;
  yield* loadAuthEvents(nodes, graph);
  yield* loadEvents(new Set([...nodes, ...nodes.flatMap((node) => graph.authEvents(node))]), graph);
}

/** Asks for the m.room.create events that the room ids of events stand for: of one room, they all have one. */
export function* loadCreate<Id>(nodes: Iterable<number>, graph: EventGraph<Id>): Questions<Id, void> {
  for (const node of nodes) {
    const event = graph.event(node);
    if (event === undefined || graph.knowsCreate(event.roomId)) continue;
    graph.learnCreate(event.roomId, yield* ask<Id, 'create'>('create', event.roomId));
  }
}

/** The events that authorise those of a level and were not seen before. */
export function* nextLevel<Id>(
  level: readonly number[],
  seen: NodeSet,
  graph: EventGraph<Id>,
): Questions<Id, number[]> {
  yield* loadAuthEvents(level, graph);
  return level.flatMap((node) => graph.authEvents(node)).filter((node) => seen.add(node));
}

/** What all state sets agree on for these entries. */
export function* loadShared<Id>(
  tuples: Iterable<StateTuple>,
  conflicts: Conflicts<Id>,
): Questions<Id, Map<StateTuple, Id>> {
  const shared = new Map<StateTuple, Id>();
  const add = (tuple: StateTuple, id: Id | undefined) => id !== undefined && shared.set(tuple, id);
  const unknown: StateTuple[] = [];
  for (const tuple of tuples) {
    const candidates = conflicts.get(tuple);
    if (candidates === undefined) unknown.push(tuple);
    else add(tuple, agreedOn(candidates));
  }
  if (unknown.length === 0) return shared;
  const answer = yield* ask<Id, 'shared'>('shared', unknown);
  for (const tuple of unknown) add(tuple, answer.get(tuple));
  return shared;
}
