import type { EventGraph } from './event-graph.js';
import { mainlinePositions } from './mainline-positions.js';
import { compareRanked, type Ranked } from './order.js';
import type { Questions } from './resolution-answers.js';

/**
 * Orders events by how old the power levels are that they were sent under: those under the earliest m.room.power_levels
 * of the mainline first, then by time, then by id.
 *
 * @param ids events that the graph knows, with those that authorise them
 * @param powerLevels the m.room.power_levels event whose mainline it is; without one, time and id alone decide
 * @see https://spec.matrix.org/v1.19/rooms/v12/#definitions
 */
export function* mainlineSort<Id>(
  ids: Iterable<Id>,
  powerLevels: Id | undefined,
  graph: EventGraph<Id>,
): Questions<Id, Id[]> {
  const nodes = Array.from(ids, (id) => graph.node(id)).filter((node) => graph.event(node) !== undefined);
  const positionOf = yield* mainlinePositions(nodes, powerLevels, graph);
  const ranked = nodes.map((node): Ranked => ({ node, event: graph.event(node)!, rank: -positionOf(node) }));
  return ranked.sort(compareRanked).map(({ node }) => graph.id(node));
}
