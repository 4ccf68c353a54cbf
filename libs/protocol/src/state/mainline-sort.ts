import type { AuthGraph } from './auth-graph.js';
import { compareRanked, type Ranked } from './order.js';

/**
 * Orders events by how old the power levels are that they were sent under: those under the earliest m.room.power_levels
 * of the mainline first, then by time, then by id.
 *
 * @param powerLevels the m.room.power_levels event whose mainline it is; without one, time and id alone decide
 * @see https://spec.matrix.org/v1.19/rooms/v12/#definitions
 */
export function mainlineSort(eventIds: Iterable<string>, powerLevels: string | undefined, graph: AuthGraph): string[] {
  const positions = mainlinePositions(powerLevels, graph);
  const ranked: Ranked[] = [];
  for (const eventId of eventIds) {
    const node = graph.node(eventId);
    const event = graph.event(node);
    if (event !== undefined) ranked.push({ node, event, rank: -positionOf(node, positions, graph) });
  }
  return ranked.sort(compareRanked).map(({ event }) => event.eventId);
}

/** The place of m.room.power_levels events in the mainline: 0 is the newest. None has the place undefined. */
type Positions = Map<number | undefined, number>;

function mainlinePositions(powerLevels: string | undefined, graph: AuthGraph): Positions {
  const positions: Positions = new Map();
  let node = powerLevels === undefined ? undefined : graph.node(powerLevels);
  while (node !== undefined && !positions.has(node)) {
    positions.set(node, positions.size);
    node = powerLevelsBefore(node, graph);
  }
  return positions;
}

/**
 * The mainline position of an event: that of the first m.room.power_levels event before it which has one. All that were
 * passed on the way learn it, so that no stretch is walked twice.
 */
function positionOf(node: number, positions: Positions, graph: AuthGraph): number {
  const passed = new Set<number>();
  let before = powerLevelsBefore(node, graph);
  while (before !== undefined && !positions.has(before) && !passed.has(before)) {
    passed.add(before);
    before = powerLevelsBefore(before, graph);
  }
  const position = positions.get(before) ?? Number.POSITIVE_INFINITY;
  for (const each of passed) positions.set(each, position);
  return position;
}

function powerLevelsBefore(node: number, graph: AuthGraph): number | undefined {
  return graph.authEvent(node, 'm.room.power_levels', '');
}
