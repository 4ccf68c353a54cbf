import { MatrixError } from '@ganglion/contracts';
import { isJsonObject, type JsonObject, type JsonValue, type RoomVersionRules } from '@ganglion/protocol';
import { isVerified, type PduVerifier, type VerifiedPdu } from '../pdus/pdu-verifier.js';

/** What is verified at once. */
const PIECE = 500;
/** No room that could be kept has more. */
const MOST_EVENTS = 1_000_000;
/** Without these nobody can tell who may do what. */
const ESSENTIAL = new Set(['m.room.create', 'm.room.power_levels', 'm.room.join_rules']);

/** A room as a server has given it to us: verified, and whole as far as it goes. */
export interface GivenRoom {
  readonly state: readonly VerifiedPdu[];
  /** All that authorises it, the state included. */
  readonly all: readonly VerifiedPdu[];
}

/**
 * Looks at the answer to our join: each event must be signed and hashed as it must be, or is left out; but a room of which
 * something essential is wrong is none that we join.
 *
 * @throws MatrixError M_UNKNOWN with 502 for what is no room
 * @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2send_joinroomideventid
 */
export async function verifyGivenRoom(
  answer: JsonObject,
  verifier: PduVerifier,
  roomId: string,
  rules: RoomVersionRules,
): Promise<GivenRoom> {
  const state = await verified(listOf(answer, 'state'), verifier, roomId, rules);
  const chain = await verified(listOf(answer, 'auth_chain'), verifier, roomId, rules);
  checkState(state, rules);
  const all = new Map([...chain, ...state].map((pdu) => [pdu.eventId, pdu]));
  return { state, all: [...all.values()] };
}

function listOf(answer: JsonObject, field: string): readonly JsonValue[] {
  const list = answer[field];
  if (!Array.isArray(list) || list.length > MOST_EVENTS) throw noRoom(`${field} is not a list of events`);
  return list;
}

async function verified(
  pdus: readonly JsonValue[],
  verifier: PduVerifier,
  roomId: string,
  rules: RoomVersionRules,
): Promise<VerifiedPdu[]> {
  const good: VerifiedPdu[] = [];
  for (let first = 0; first < pdus.length; first += PIECE) {
    const some = pdus.slice(first, first + PIECE);
    const verdicts = await verifier.verify(some, roomId, rules);
    verdicts.forEach((verdict, index) => {
      if (isVerified(verdict)) good.push(verdict);
      else if (isEssential(some[index])) throw noRoom(`its ${typeOf(some[index])} is not valid: ${verdict.refusal}`);
    });
  }
  return good;
}

function checkState(state: readonly VerifiedPdu[], rules: RoomVersionRules): void {
  const keys = new Set<string>();
  for (const { pdu } of state) {
    if (pdu.state_key === undefined) throw noRoom('its state has an event that is none of state');
    const key = `${pdu.type}\0${pdu.state_key}`;
    if (keys.has(key)) throw noRoom('its state has two events of one kind');
    keys.add(key);
  }
  const create = state.find(({ pdu }) => pdu.type === 'm.room.create' && pdu.state_key === '');
  if (create === undefined) throw noRoom('its state has no m.room.create');
  if ((create.pdu.content.room_version ?? '1') !== rules.id) throw noRoom('it has another version than was said');
}

function isEssential(pdu: JsonValue | undefined): boolean {
  return isJsonObject(pdu) && pdu.state_key === '' && ESSENTIAL.has(typeOf(pdu));
}

function typeOf(pdu: JsonValue | undefined): string {
  return isJsonObject(pdu) && typeof pdu.type === 'string' ? pdu.type : '';
}

function noRoom(why: string): MatrixError {
  return new MatrixError(502, 'M_UNKNOWN', `The other server has given us a room that cannot be believed: ${why}`);
}
