import { domainOf, isRecommended, type PolicyServer, policyServerOf, type RoomEvent } from '@ganglion/protocol';
import type { RoomPlan } from '../placement/room-plan.js';

/**
 * The policy server of a room, while it has a user there.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#determining-if-a-policy-server-is-enabled-in-a-room
 */
async function policyServerIn({ head, hosts, deps }: RoomPlan): Promise<PolicyServer | undefined> {
  const server = policyServerOf(head.shownContent('m.room.policy', ''));
  if (server === undefined) return undefined;
  const { serverName } = server;
  const joined = (await deps.store.countJoined(head.nid, [serverName])) + (hosts.get(serverName) ?? 0);
  return joined > 0 ? server : undefined;
}

/** Whether a room that has a policy server may show an event: the others take what has no recommendation for soft-failed. */
export async function mayBeShown(plan: RoomPlan, { pdu }: RoomEvent): Promise<boolean> {
  const server = await policyServerIn(plan);
  return server === undefined || isRecommended(pdu, plan.head.rules, server);
}

/** What is sent to a room, with the recommendation that it needs there. @throws MatrixError as the policy server refuses */
export async function recommended<T extends { readonly event: RoomEvent; readonly json: string }>(
  plan: RoomPlan,
  built: T,
): Promise<T> {
  const { policy } = plan.deps;
  const server = policy && (await policyServerIn(plan));
  const { pdu } = built.event;
  if (policy === undefined || server === undefined || isRecommended(pdu, plan.head.rules, server)) return built;
  const signed = await policy.ask(domainOf(pdu.sender), pdu, plan.head.rules.id, server);
  return { ...built, event: { ...built.event, pdu: signed }, json: JSON.stringify(signed) };
}
