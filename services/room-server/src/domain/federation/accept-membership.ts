import { MatrixError } from '@ganglion/contracts';
import { canonicalJsonString, domainOf, isValidUserId, type RoomVersionRules } from '@ganglion/protocol';
import type { EventBuilder } from '../event-builder.js';
import { isPlaced } from '../graph/event-graph.js';
import type { Incoming, Outcome } from '../intake/examine.js';
import { receivePdus } from '../intake/receive-pdus.js';
import type { LocalPlacement } from '../placement/local-placement.js';
import { authorisingUser } from '../restricted-join.js';
import { type Command, command } from '../room-actor.js';
import type { OfferedMembership } from './make-membership.js';

export interface OfferedEvent {
  readonly incoming: Incoming;
  readonly serverName: string;
  readonly eventId: string;
  readonly membership: OfferedMembership;
  /** The server names that are ours. */
  readonly serverNames: readonly string[];
}

/**
 * Refuses what is not the membership of one of the server's own users that the endpoint is for. Whatever else somebody
 * might get us to sign or to pass on ends here.
 *
 * @throws MatrixError M_INVALID_PARAM
 */
export function checkOffered({ incoming, serverName, eventId, membership }: OfferedEvent): void {
  const { pdu } = incoming.event;
  if (incoming.isCut) throw invalid('The content hash of the event is wrong');
  if (incoming.eventId !== eventId) throw invalid(`The event's id is ${incoming.eventId}, not the one of the path`);
  if (pdu.type !== 'm.room.member') throw invalid('The event is no m.room.member');
  if (pdu.content.membership !== membership) throw invalid(`The event's membership is not ${membership}`);
  if (pdu.state_key !== pdu.sender) throw invalid('The event is not about its own sender');
  if (!isValidUserId(pdu.sender) || domainOf(pdu.sender) !== serverName) {
    throw invalid(`The event's sender is not a user of ${serverName}`);
  }
}

/**
 * Takes a membership into the room that another server has built on a template of ours. Unlike what comes in a
 * transaction it has to have its place at once.
 *
 * @throws MatrixError M_INVALID_PARAM, M_FORBIDDEN
 * @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2send_joinroomideventid
 */
export function acceptMembership(offered: OfferedEvent): Command<Outcome> {
  const { incoming, serverNames, serverName } = offered;
  const receive = receivePdus({ incoming: [incoming], backfill: false, serverNames, relayFor: serverName });
  return command([], async (room) => {
    const { eventId, prevIds, authIds } = incoming;
    const nodes = await room.plan.deps.graph.find(room.head.nid, [...prevIds, ...authIds]);
    if (prevIds.some((id) => !isPlaced(nodes.get(id)))) throw invalid('It follows events that are not known here');
    if (authIds.some((id) => !nodes.has(id))) throw invalid('It names auth events that are not known here');
    return (await receive(room)).get(eventId)!;
  });
}

/**
 * The event with our signature, where it says that one of our users lets its sender into a restricted room, and that is so.
 *
 * @throws MatrixError M_FORBIDDEN, M_INVALID_PARAM, M_UNABLE_TO_GRANT_JOIN, M_UNABLE_TO_AUTHORISE_JOIN
 * @see https://spec.matrix.org/v1.19/server-server-api/#restricted-rooms
 */
export function cosigned(builder: EventBuilder, offered: OfferedEvent): Command<Incoming> {
  const { incoming, serverNames } = offered;
  const { pdu } = incoming.event;
  const authoriser = pdu.content.join_authorised_via_users_server;
  return command([{ type: 'm.room.member', stateKey: pdu.sender }], async (room) => {
    if (authoriser === undefined || !room.head.rules.restrictedJoin) return incoming;
    if (!isValidUserId(authoriser) || !serverNames.includes(domainOf(authoriser))) {
      throw invalid('join_authorised_via_users_server does not name a user of this server');
    }
    await checkMayEnter(room, offered);
    return withSignature(builder, incoming, room.head.rules, domainOf(authoriser));
  });
}

/** An event with the signature of one of our server names beside those that it has. */
export function withSignature(
  builder: EventBuilder,
  incoming: Incoming,
  rules: RoomVersionRules,
  serverName: string,
): Incoming {
  const pdu = builder.cosign(incoming.event.pdu, rules, serverName);
  return { ...incoming, json: canonicalJsonString(pdu as never, { strict: false }), event: { ...incoming.event, pdu } };
}

/** Whether the user named may let others in is for the authorisation rules to say; whether they should, for us. */
async function checkMayEnter({ head, plan }: LocalPlacement, { incoming, serverNames }: OfferedEvent) {
  const { sender } = incoming.event.pdu;
  if (['join', 'invite'].includes(head.membership(sender))) return;
  await authorisingUser(plan, sender, serverNames);
}

function invalid(message: string): MatrixError {
  return new MatrixError(400, 'M_INVALID_PARAM', message);
}
