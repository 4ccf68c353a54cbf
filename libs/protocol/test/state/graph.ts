import {
  type AuthGraph,
  answerAtOnce,
  answerFrom,
  authDifference,
  conflictedSubgraph,
  type EventLookup,
  mainlineSort,
  type Pdu,
  type RoomEvent,
  type StateMap,
  splitState,
  stateTuple,
} from '../../src/index.js';

export interface Node {
  readonly auth?: readonly string[];
  readonly sender?: string;
  readonly type?: string;
  readonly state_key?: string | null;
  readonly content?: Pdu['content'];
  readonly ts?: number;
  readonly rejected?: boolean;
}

/** Events of no meaning but their edges: id → ids of auth events, or more where it matters. */
export function graphOf(nodes: Readonly<Record<string, readonly string[] | Node>>, roomId = '!r:a'): EventLookup {
  const events = new Map<string, RoomEvent>();
  for (const [eventId, given] of Object.entries(nodes)) {
    const node: Node = Array.isArray(given) ? { auth: given } : (given as Node);
    const { sender = '@a:a', type = 'x', state_key = '', content = {}, ts = 0, rejected = false, auth = [] } = node;
    const pdu: Pdu = {
      type,
      sender,
      ...(state_key === null ? {} : { state_key }),
      room_id: roomId,
      content,
      depth: 1,
      origin_server_ts: ts,
      prev_events: ['x'],
      auth_events: auth,
      hashes: { sha256: '' },
      signatures: {},
    };
    events.set(eventId, { eventId, roomId, pdu, rejected });
  }
  return { event: (eventId) => events.get(eventId) };
}

/** A state with an entry of its own kind for each of the ids; "key=id" names the entry. */
export function stateSet(ids: string): StateMap<string> {
  return new Map(
    ids
      .split(' ')
      .filter((entry) => entry !== '')
      .map((entry) => {
        const [key, id = key] = entry.split('=');
        return [stateTuple('x', key!), id!];
      }),
  );
}

export function authDifferenceOf(stateSets: readonly StateMap<string>[], graph: AuthGraph): Set<string> {
  const { unconflicted, conflicts } = splitState(stateSets);
  return answerAtOnce(authDifference(conflicts, graph), answerFrom(graph, unconflicted));
}

export function conflictedSubgraphOf(conflicted: Iterable<string>, graph: AuthGraph): Set<string> {
  return answerAtOnce(conflictedSubgraph(new Set(conflicted), graph), answerFrom(graph, new Map()));
}

export function mainlineSortOf(eventIds: Iterable<string>, head: string | undefined, graph: AuthGraph): string[] {
  return answerAtOnce(mainlineSort(eventIds, head, graph), answerFrom(graph, new Map()));
}
