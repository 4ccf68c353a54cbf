import { MatrixError } from '@ganglion/contracts';
import {
  domainOf,
  isValidUserId,
  type JsonObject,
  type RoomVersionRules,
  type UnsignedEvent,
} from '@ganglion/protocol';
import { authorisingUser } from '../restricted-join.js';
import { type Command, command } from '../room-actor.js';

/** The memberships for which servers ask for an event to sign. */
export type OfferedMembership = 'join' | 'leave' | 'knock';

export interface MembershipOffer {
  readonly userId: string;
  readonly membership: OfferedMembership;
  /** Milliseconds since the epoch. */
  readonly originServerTs: number;
  /** The server names that are ours. */
  readonly serverNames: readonly string[];
}

/**
 * The event with which a user of another server may join, leave or knock, as it would stand on the head now. It is that
 * server which signs it and sends it back.
 *
 * @throws MatrixError M_FORBIDDEN, M_UNABLE_TO_AUTHORISE_JOIN, M_UNABLE_TO_GRANT_JOIN
 * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1make_joinroomiduserid
 */
export function makeMembership(offer: MembershipOffer): Command<UnsignedEvent> {
  const { userId, membership, originServerTs, serverNames } = offer;
  return command([{ type: 'm.room.member', stateKey: userId }], async (room) => {
    const current = room.head.membership(userId);
    const asks = membership === 'join' && current !== 'join' && current !== 'invite';
    const authoriser = asks ? await authorisingUser(room.plan, userId, serverNames) : undefined;
    const content: JsonObject = {
      membership,
      ...(authoriser !== undefined && { join_authorised_via_users_server: authoriser }),
    };
    return room.template({ type: 'm.room.member', sender: userId, stateKey: userId, content, originServerTs });
  });
}

/** @throws MatrixError M_FORBIDDEN for a user of another server than the one that asks */
export function checkIsUserOf(userId: string, serverName: string): void {
  if (isValidUserId(userId) && domainOf(userId) === serverName) return;
  throw new MatrixError(403, 'M_FORBIDDEN', `${userId.slice(0, 255)} is not a user of ${serverName}`);
}

/** @throws MatrixError M_INCOMPATIBLE_ROOM_VERSION when the other server does not know the room's version */
export function checkVersion({ id }: RoomVersionRules, supported: readonly string[]): void {
  if (supported.length === 0 || supported.includes(id)) return;
  const message = `The room has version ${id}, which your server does not say that it knows`;
  throw new MatrixError(400, 'M_INCOMPATIBLE_ROOM_VERSION', message, { room_version: id });
}
