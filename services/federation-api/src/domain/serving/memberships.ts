import { MatrixError } from '@ganglion/contracts';
import type { AcceptMembershipResponse, RoomDescription, RoomFederation, RoomIntake } from '@ganglion/contracts/room';
import {
  domainOf,
  exactJson,
  isJsonObject,
  isValidUserId,
  type JsonObject,
  type RoomVersionRules,
  roomVersionRules,
} from '@ganglion/protocol';
import { isVerified, type PduVerifier, type VerifiedPdu } from '../pdus/pdu-verifier.js';
import type { Recommendations } from '../policy/recommendations.js';
import { checkIsWanted, type InviteRuleReaders } from './invite-rules.js';

export interface MembershipsDependencies extends InviteRuleReaders {
  readonly rooms: RoomFederation;
  readonly intake: Pick<RoomIntake, 'describeRooms'>;
  readonly pdus: PduVerifier;
  readonly recommendations: Recommendations;
}

type Signed = Pick<SignedMembership, 'roomId' | 'eventId' | 'event'>;

/** An event that a server has signed, of what we offered it. */
export interface SignedMembership {
  readonly origin: string;
  /** Which of our names was asked. */
  readonly destination: string;
  readonly roomId: string;
  readonly eventId: string;
  readonly membership: 'join' | 'leave' | 'knock';
  readonly event: JsonObject;
}

export interface SignedInvite {
  readonly origin: string;
  readonly roomId: string;
  readonly eventId: string;
  readonly roomVersion: string;
  readonly event: JsonObject;
  readonly inviteRoomState: readonly unknown[];
}

/**
 * The second halves of how users of other servers join, leave, knock and invite: what is signed comes back, and is looked at as
 * if it had never been offered.
 */
export class Memberships {
  constructor(private readonly deps: MembershipsDependencies) {}

  /** @throws MatrixError M_NOT_FOUND, M_FORBIDDEN, M_INVALID_PARAM */
  async accept(signed: SignedMembership): Promise<AcceptMembershipResponse> {
    const { origin, destination, roomId, eventId, membership } = signed;
    const { roomVersion, policyServer } = await this.#room(roomId, origin);
    const rules = rulesOf(roomVersion);
    const pdu = await this.#verify(signed, rules);
    const [shown = pdu] = await this.deps.recommendations.getAll(destination, [pdu], rules, policyServer);
    return this.deps.rooms.acceptMembership({ serverName: origin, roomId, eventId, membership, pduJson: shown.json });
  }

  /** @returns the PDU as JSON text, signed by us, too */
  async invite(signed: SignedInvite): Promise<string> {
    const { origin, roomId, eventId, roomVersion } = signed;
    const rules = rulesOf(roomVersion);
    const pdu = await this.#verify(signed, rules);
    const inviteRoomState = await this.#stateToShow(signed, rules);
    const { state_key: target, sender } = signed.event;
    if (isValidUserId(target) && isValidUserId(sender)) await checkIsWanted(this.deps, target, sender);
    const { pduJson } = await this.deps.rooms.signInvite({
      ...{ serverName: origin, roomId, eventId, roomVersion, pduJson: pdu.json },
      inviteRoomStateJson: exactJson.stringify(inviteRoomState),
    });
    return pduJson;
  }

  /**
   * What an invite tells of the room is an event of it each, signed by whoever has to have signed it. Where that server is gone, and
   * with it its key, the event is left out: its room must not be closed to others for that. The room's id stands for its m.room.create.
   *
   * @throws MatrixError M_INVALID_PARAM
   * @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2inviteroomideventid
   */
  async #stateToShow({ roomId, inviteRoomState }: SignedInvite, rules: RoomVersionRules): Promise<readonly unknown[]> {
    if (!rules.roomIdIsCreateHash) return inviteRoomState;
    const verdicts = await this.deps.pdus.verify(inviteRoomState, roomId, rules);
    for (const verdict of verdicts) {
      if (isVerified(verdict) || verdict.isKeyUnknown) continue;
      const message = `An event of invite_room_state is none of the room: ${verdict.refusal}`;
      throw new MatrixError(400, 'M_INVALID_PARAM', message);
    }
    return inviteRoomState.filter((event, index) => isVerified(verdicts[index]!) || isCreate(event));
  }

  async #room(roomId: string, serverName: string): Promise<RoomDescription> {
    const { rooms } = await this.deps.intake.describeRooms({ roomIds: [roomId], serverName });
    if (rooms[0] === undefined) throw new MatrixError(404, 'M_NOT_FOUND', 'There is no such room here');
    return rooms[0];
  }

  /** Where we are to authorise a join, our own signature is still missing: it must come of nobody but us. */
  async #verify({ roomId, eventId, event }: Signed, rules: RoomVersionRules): Promise<VerifiedPdu> {
    const { join_authorised_via_users_server: authoriser } = contentOf(event);
    const isOurs = isValidUserId(authoriser) && this.deps.isOurs(domainOf(authoriser));
    const options = { exceptSigner: isOurs ? domainOf(authoriser) : undefined };
    const [verdict] = await this.deps.pdus.verify([event], roomId, rules, options);
    if (verdict === undefined || !isVerified(verdict)) throw refused(verdict?.refusal ?? '');
    if (verdict.eventId !== eventId) {
      throw new MatrixError(400, 'M_INVALID_PARAM', 'The event has another id than the path says');
    }
    return verdict;
  }
}

function isCreate(event: unknown): boolean {
  return isJsonObject(event) && event.type === 'm.room.create';
}

function contentOf({ content }: JsonObject): JsonObject {
  return typeof content === 'object' && content !== null && !Array.isArray(content) ? (content as JsonObject) : {};
}

function refused(reason: string): MatrixError {
  return new MatrixError(400, 'M_INVALID_PARAM', `The event is none of the room: ${reason}`);
}

function rulesOf(roomVersion: string): RoomVersionRules {
  const rules = roomVersionRules(roomVersion);
  if (rules !== undefined) return rules;
  const message = `Room version ${roomVersion.slice(0, 255)} is not supported`;
  throw new MatrixError(400, 'M_INCOMPATIBLE_ROOM_VERSION', message, { room_version: roomVersion.slice(0, 255) });
}
