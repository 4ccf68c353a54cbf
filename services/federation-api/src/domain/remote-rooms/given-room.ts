import { MatrixError } from '@ganglion/contracts';
import { isJsonObject, type JsonObject, type JsonValue, type RoomVersionRules } from '@ganglion/protocol';
import { isVerified, type PduVerifier, type VerifiedPdu } from '../pdus/pdu-verifier.js';

/** What is verified at once. */
const PIECE = 500;
/** One is looked at here while the signatures of the others are checked elsewhere. */
const PIECES_AT_ONCE = 3;
/** No room that could be kept has more. */
const MOST_EVENTS = 1_000_000;
/** Without these nobody can tell who may do what. */
const ESSENTIAL = new Set(['m.room.create', 'm.room.power_levels', 'm.room.join_rules']);

/** A room as a server has given it to us: verified, and kept as far as it goes. */
export interface GivenRoom {
  /** The ids of the events of its state that are kept. */
  readonly stateEventIds: readonly string[];
  /** How many events there are. */
  readonly size: number;
}

/** Keeps events, each after what authorises it. Those that could not be kept yet, as something that authorises them is not there. */
export type KeepEvents = (pdus: readonly VerifiedPdu[]) => Promise<VerifiedPdu[]>;

/**
 * Looks at the answer to our join: each event must be signed and hashed as it must be, or is left out; but a room of which
 * something essential is wrong is none that we join. While some events are kept the next ones are verified.
 *
 * @throws MatrixError M_UNKNOWN with 502 for what is no room
 * @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2send_joinroomideventid
 */
export async function takeGivenRoom(
  answer: JsonObject,
  verifier: PduVerifier,
  roomId: string,
  rules: RoomVersionRules,
  keep: KeepEvents,
): Promise<GivenRoom> {
  const [given, givenChain] = [listOf(answer, 'state'), listOf(answer, 'auth_chain')];
  // Everything is authorised by it, whether it says so or not.
  const chain = [await createOf(given, verifier, roomId, rules)];
  for await (const piece of verified(givenChain, verifier, roomId, rules)) chain.push(...piece);
  const seen = new Set(chain.map(({ eventId }) => eventId));
  const late: VerifiedPdu[] = [];
  const keepMost = (pdus: readonly VerifiedPdu[]) => {
    const kept = keep(pdus).then((left) => void late.push(...left));
    // Nobody waits for it while the next ones are verified.
    kept.catch(() => {});
    return kept;
  };
  let keeping = keepMost([...new Map(chain.map((pdu) => [pdu.eventId, pdu])).values()]);
  const state: VerifiedPdu[] = [];
  try {
    for await (const piece of verified(given, verifier, roomId, rules)) {
      state.push(...piece);
      await keeping;
      keeping = keepMost(piece.filter(({ eventId }) => !seen.has(eventId)));
      for (const { eventId } of piece) seen.add(eventId);
    }
    checkState(state);
  } finally {
    await keeping;
  }
  // What authorises them may have come after them.
  const left = new Set((await keep(late)).map(({ eventId }) => eventId));
  const stateEventIds = state.map(({ eventId }) => eventId).filter((eventId) => !left.has(eventId));
  return { stateEventIds, size: seen.size };
}

function listOf(answer: JsonObject, field: string): readonly JsonValue[] {
  const list = answer[field];
  if (!Array.isArray(list) || list.length > MOST_EVENTS) throw noRoom(`${field} is not a list of events`);
  return list;
}

/** Piece by piece, in their order, with the next ones under way. */
async function* verified(
  pdus: readonly JsonValue[],
  verifier: PduVerifier,
  roomId: string,
  rules: RoomVersionRules,
): AsyncGenerator<VerifiedPdu[], void> {
  const underWay: Promise<VerifiedPdu[]>[] = [];
  for (let first = 0; first < pdus.length || underWay.length > 0; ) {
    for (; first < pdus.length && underWay.length < PIECES_AT_ONCE; first += PIECE) {
      const piece = verifyPiece(pdus.slice(first, first + PIECE), verifier, roomId, rules);
      piece.catch(() => {});
      underWay.push(piece);
    }
    yield await underWay.shift()!;
  }
}

async function verifyPiece(
  pdus: readonly JsonValue[],
  verifier: PduVerifier,
  roomId: string,
  rules: RoomVersionRules,
): Promise<VerifiedPdu[]> {
  const verdicts = await verifier.verify(pdus, roomId, rules);
  return verdicts.flatMap((verdict, index) => {
    if (isVerified(verdict)) return [verdict];
    if (isEssential(pdus[index])) throw noRoom(`its ${typeOf(pdus[index])} is not valid: ${verdict.refusal}`);
    return [];
  });
}

/** Before anything is kept: what has another version is another room. */
async function createOf(
  state: readonly JsonValue[],
  verifier: PduVerifier,
  roomId: string,
  rules: RoomVersionRules,
): Promise<VerifiedPdu> {
  const given = state.filter((event) => isEssential(event) && typeOf(event) === 'm.room.create');
  if (given.length === 0) throw noRoom('its state has no m.room.create');
  const [create] = await verifyPiece(given.slice(0, 1), verifier, roomId, rules);
  if (create === undefined) throw noRoom('its m.room.create is not valid');
  if ((create.pdu.content.room_version ?? '1') !== rules.id) throw noRoom('it has another version than was said');
  return create;
}

function checkState(state: readonly VerifiedPdu[]): void {
  const keys = new Set<string>();
  for (const { pdu } of state) {
    if (pdu.state_key === undefined) throw noRoom('its state has an event that is none of state');
    const key = `${pdu.type}\0${pdu.state_key}`;
    if (keys.has(key)) throw noRoom('its state has two events of one kind');
    keys.add(key);
  }
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
