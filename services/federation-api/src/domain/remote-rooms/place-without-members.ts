import { MatrixError } from '@ganglion/contracts';
import { PduFate, type PduOutcome, type RoomIntake } from '@ganglion/contracts/room';
import { isValidServerName, type JsonValue, type RoomVersionRules } from '@ganglion/protocol';
import { RoomStates } from '../incoming/room-states.js';
import type { PduVerifier, VerifiedPdu } from '../pdus/pdu-verifier.js';
import type { RemoteEvents } from '../ports/incoming.js';
import type { Handshake, PartialJoins } from '../ports/remote-rooms.js';
import type { GivenRoom } from './given-room.js';
import type { JoinCompletion } from './join-completion.js';

export interface PlacingDependencies {
  readonly intake: RoomIntake;
  readonly pdus: PduVerifier;
  readonly remote: RemoteEvents;
  readonly joins: PartialJoins;
  readonly completion: Pick<JoinCompletion, 'begin'>;
  /** Of this replica: a UUID. */
  readonly holder: string;
}

/** A room that a server has let us into without telling of most members. */
export interface JoinedPartially {
  readonly handshake: Handshake;
  readonly rules: RoomVersionRules;
  readonly join: VerifiedPdu;
  readonly given: GivenRoom;
  /** The servers with users in the room, as the server says. */
  readonly servers: JsonValue | undefined;
}

/** A room of so many entries is better known at once than twice. */
const SMALL = 500;
/** Whoever joins waits. */
const LOOK_MS = 2_000;
/** No room that could be kept has users of more. */
const MOST_SERVERS = 10_000;

/**
 * Gives our join its place where members were left out: at once where there are many, and they are asked for afterwards; with the
 * whole state where that is small, or where we have a state of the room already.
 *
 * @throws MatrixError M_UNKNOWN with 502
 */
export async function placeWithoutMembers(deps: PlacingDependencies, joined: JoinedPartially): Promise<void> {
  const { handshake, rules, join, given, servers } = joined;
  const { server, as, roomId } = handshake;
  const asked = { server, as, roomId };
  const state = await deps.remote
    .stateIds({ ...asked, deadline: Date.now() + LOOK_MS }, join.eventId)
    .catch(() => null);
  const isSmall = state !== null && state.state.length <= SMALL;
  if (!isSmall) {
    const serverNames = [...new Set([server, ...namesIn(servers)])];
    const left = { roomId, eventId: join.eventId, as, servers: serverNames };
    // Before it begins: whoever dies in the middle leaves it to others.
    await deps.joins.add(left, deps.holder);
    const { outcomes } = await deps.intake.placeWithState({
      ...{ roomId, pduJson: join.json, backfill: false, stateEventIds: [...given.stateEventIds] },
      partial: { serverNames },
    });
    // The room has a state by now: somebody else of ours has come there.
    const isKnown = outcomes[0]?.fate === PduFate.WAITING && outcomes[0].missingEventIds.length === 0;
    if (!isKnown) {
      checkAccepted(outcomes[0]);
      void deps.completion.begin({ ...left, failures: 0 });
      return;
    }
    await deps.joins.end(roomId, join.eventId);
  }
  const isPlaced = await new RoomStates(deps, asked, rules).place(join).catch(() => false);
  if (!isPlaced) throw unusable(`${server} has let us into the room and not told who is in it`);
}

function namesIn(servers: JsonValue | undefined): string[] {
  if (!Array.isArray(servers)) return [];
  return servers.slice(0, MOST_SERVERS).filter((name): name is string => isValidServerName(name));
}

/** @throws MatrixError M_UNKNOWN with 502 for an event that has no place in the room */
export function checkAccepted(outcome: PduOutcome | undefined): void {
  if (outcome?.fate === PduFate.ACCEPTED) return;
  const reason = outcome?.reason || 'something is missing in what the other server has given';
  throw unusable(`The event has no place in the room: ${reason}`);
}

export function unusable(message: string): MatrixError {
  return new MatrixError(502, 'M_UNKNOWN', message);
}
