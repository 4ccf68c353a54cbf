import { MatrixError } from '@ganglion/contracts';
import type { RoomSummary } from '@ganglion/contracts/room';
import { compareCodePoints, isJsonObject, type JsonObject } from '@ganglion/protocol';
import type { Owners } from './ports.js';
import { summaryBody } from './room-summaries.js';
import { RoomsElsewhere } from './rooms-elsewhere.js';

export interface HierarchyRequest {
  readonly roomId: string;
  readonly userId: string;
  readonly suggestedOnly: boolean;
  /** How many steps down from the space; undefined for all. */
  readonly maxDepth: number | undefined;
  readonly limit: number;
  readonly from: string | undefined;
}

/** A child of a space that has not been visited yet. */
interface Step {
  readonly roomId: string;
  readonly depth: number;
}

/** Rooms that are asked for at once, and that one walk may come to. */
const AT_ONCE = 100;
const MOST_ROOMS = 5_000;
const MAX_ORDER = 50;

/**
 * The rooms of a space that may be shown to a user, depth first, each of them once.
 *
 * A page is a stretch of the walk from its beginning, so that any replica can give the next one.
 *
 * @throws MatrixError M_FORBIDDEN when the space must not be shown to them, M_INVALID_PARAM for a token of another walk
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidhierarchy
 */
export async function spaceHierarchy(owners: Owners, request: HierarchyRequest) {
  const { suggestedOnly, maxDepth, limit } = request;
  const walk = `${suggestedOnly ? 's' : 'a'}${maxDepth ?? ''}`;
  const first = request.from === undefined ? 0 : parseToken(request.from, walk);
  const rooms: JsonObject[] = [];
  let index = 0;
  for await (const room of walkSpace(owners, request)) {
    if (rooms.length === limit) return { rooms, next_batch: `h${index}.${walk}` };
    if (index++ >= first) rooms.push(room);
  }
  return { rooms };
}

async function* walkSpace(owners: Owners, request: HierarchyRequest): AsyncGenerator<JsonObject> {
  const { roomId, userId, suggestedOnly, maxDepth = Infinity } = request;
  const known = new Map<string, RoomSummary | undefined>();
  const elsewhere = new RoomsElsewhere(owners, userId);
  await learn(owners, elsewhere, userId, [roomId], known);
  if (known.get(roomId) === undefined) {
    throw new MatrixError(403, 'M_FORBIDDEN', 'There is no such space that may be shown to you');
  }
  const seen = new Set<string>();
  const ahead: Step[] = [{ roomId, depth: 0 }];
  for (let step = ahead.pop(); step !== undefined && seen.size < MOST_ROOMS; step = ahead.pop()) {
    if (seen.has(step.roomId)) continue;
    seen.add(step.roomId);
    if (!known.has(step.roomId)) await learn(owners, elsewhere, userId, next(step, ahead, known), known);
    const room = known.get(step.roomId);
    if (room === undefined) continue;
    const children = childrenOf(room, suggestedOnly);
    elsewhere.note(children);
    yield { ...summaryBody(room), children_state: children };
    if (step.depth >= maxDepth) continue;
    for (const child of children.toReversed()) ahead.push({ roomId: String(child.state_key), depth: step.depth + 1 });
  }
}

/** What comes next, as much of it as is asked for at once. */
function next(step: Step, ahead: readonly Step[], known: ReadonlyMap<string, unknown>): string[] {
  const others = ahead.slice(-AT_ONCE).map(({ roomId }) => roomId);
  return [...new Set([step.roomId, ...others.filter((roomId) => !known.has(roomId))])].slice(0, AT_ONCE);
}

async function learn(
  { roomSummaries }: Owners,
  elsewhere: RoomsElsewhere,
  userId: string,
  roomIds: readonly string[],
  known: Map<string, RoomSummary | undefined>,
): Promise<void> {
  const { summaries } = await roomSummaries.getRoomSummaries({ roomIds: [...roomIds], userId });
  for (const roomId of roomIds) known.set(roomId, undefined);
  for (const summary of summaries) known.set(summary.roomId, summary);
  const others = roomIds.filter((roomId) => known.get(roomId) === undefined);
  for (const summary of await elsewhere.find(others)) known.set(summary.roomId, summary);
}

/** @see https://spec.matrix.org/v1.19/client-server-api/#ordering-of-children-within-a-space */
function childrenOf({ childrenStateJson }: RoomSummary, suggestedOnly: boolean): JsonObject[] {
  const children = (JSON.parse(childrenStateJson) as JsonObject[]).filter(
    ({ content }) => !suggestedOnly || (isJsonObject(content) && content.suggested === true),
  );
  return children.sort(
    (one, other) =>
      compareOrders(orderOf(one), orderOf(other)) ||
      Number(one.origin_server_ts) - Number(other.origin_server_ts) ||
      compareCodePoints(String(one.state_key), String(other.state_key)),
  );
}

/** What has an order comes before what has none. */
function compareOrders(one: string | undefined, other: string | undefined): number {
  if (one === undefined || other === undefined) return Number(one === undefined) - Number(other === undefined);
  return compareCodePoints(one, other);
}

function orderOf({ content }: JsonObject): string | undefined {
  const order = isJsonObject(content) ? content.order : undefined;
  return typeof order === 'string' && order.length <= MAX_ORDER && /^[\x20-\x7e]+$/.test(order) ? order : undefined;
}

function parseToken(token: string, walk: string): number {
  const [, index, of] = /^h(\d{1,9})\.(\w+)$/.exec(token) ?? [];
  if (index === undefined || of !== walk) {
    throw new MatrixError(400, 'M_INVALID_PARAM', 'from is not a token of an earlier answer to the same question');
  }
  return Number(index);
}
