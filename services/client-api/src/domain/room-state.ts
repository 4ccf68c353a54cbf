import { MatrixError } from '@ganglion/contracts';
import type { EventWithId } from '@ganglion/contracts/room';
import {
  type ClientEvent,
  clientEvent,
  exactJson,
  type JsonCodec,
  type JsonObject,
  jsonCodec,
  type Pdu,
  type RoomVersionRules,
  roomVersionRules,
} from '@ganglion/protocol';
import type { Owners } from './ports.js';
import { hasForgotten } from './room-traces.js';

export interface StateQuery {
  readonly roomId: string;
  readonly userId: string;
  readonly type?: string;
  readonly stateKey?: string;
}

/** The state events that a user may see, in the format for clients. @throws MatrixError M_FORBIDDEN */
export async function readState(owners: Owners, query: StateQuery): Promise<ClientEvent[]> {
  return (await read(owners, query)).events;
}

/** The same as JSON text: numbers are as the events have them. @throws MatrixError M_FORBIDDEN */
export async function readStateText(owners: Owners, query: StateQuery): Promise<string> {
  const { events, json } = await read(owners, query);
  return json.stringify(events);
}

async function read(owners: Owners, query: StateQuery): Promise<{ events: ClientEvent[]; json: JsonCodec }> {
  const { roomId } = query;
  const { events, roomVersion } = await readPdus(owners, query);
  const rules = roomVersionRules(roomVersion);
  if (rules === undefined) throw new Error(`room ${roomId} has the unknown version ${roomVersion}`);
  const json = rules.strictCanonicalJson ? JSON : exactJson;
  return { events: events.map((event) => toClientEvent(roomId, event, rules)), json };
}

/**
 * The same as PDUs in the order in which they came, read in pages: no message has to hold a room of a hundred thousand members.
 *
 * @throws MatrixError M_FORBIDDEN, also for who has forgotten the room
 */
export async function readPdus({ roomReads, roomTraces }: Owners, query: StateQuery) {
  const { roomId, userId, type, stateKey } = query;
  const events: EventWithId[] = [];
  let afterKey = stateKey === undefined ? 0 : undefined;
  for (;;) {
    const page = await roomReads.getState({ roomId, userId, type, stateKey, afterKey });
    if (page.departed && (await hasForgotten(roomTraces, roomId, userId))) {
      throw new MatrixError(403, 'M_FORBIDDEN', `${userId} has forgotten the room`);
    }
    events.push(...page.events);
    afterKey = page.nextKey;
    if (afterKey === undefined) {
      return { events: events.sort((one, other) => one.eventNid - other.eventNid), roomVersion: page.roomVersion };
    }
  }
}

function toClientEvent(roomId: string, event: EventWithId, rules: RoomVersionRules): ClientEvent {
  const { eventId, pduJson, redactedBecause } = event;
  const pdu = jsonCodec(pduJson, rules).parse(pduJson) as Pdu;
  const unsigned = {
    age: Math.max(0, Date.now() - pdu.origin_server_ts),
    ...(redactedBecause && {
      redacted_because: toClientEvent(roomId, redactedBecause, rules) as unknown as JsonObject,
    }),
  };
  return clientEvent({ eventId, roomId, pdu, rejected: false }, { rules, unsigned });
}

/** One state event, or what it says, as JSON text. @throws MatrixError M_NOT_FOUND, M_FORBIDDEN */
export async function readStateEventText(
  owners: Owners,
  query: Required<StateQuery>,
  format: 'content' | 'event',
): Promise<string> {
  const { events, json } = await read(owners, query);
  const [event] = events;
  if (event === undefined) throw new MatrixError(404, 'M_NOT_FOUND', `The room has no such ${query.type} event`);
  return json.stringify(format === 'event' ? event : event.content);
}

/** The joined members with what they show of themselves, by user id. */
export async function readJoinedMembers(owners: Owners, roomId: string, userId: string): Promise<JsonObject> {
  const members = await readState(owners, { roomId, userId, type: 'm.room.member' });
  if (!members.some(({ state_key, content }) => state_key === userId && content.membership === 'join')) {
    throw new MatrixError(403, 'M_FORBIDDEN', `${userId} is not in the room`);
  }
  const joined = members.filter(({ content }) => content.membership === 'join');
  return Object.fromEntries(joined.map(({ state_key, content }) => [state_key ?? '', shown(content)]));
}

/** What somebody does not show is null, as every other server has it: clients tell by it what is not there. */
function shown({ displayname, avatar_url }: JsonObject): JsonObject {
  return {
    display_name: typeof displayname === 'string' ? displayname : null,
    avatar_url: typeof avatar_url === 'string' ? avatar_url : null,
  };
}
