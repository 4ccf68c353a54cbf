import { compileServerAcl, policyServerOf } from '@ganglion/protocol';
import type { RoomHead } from '../room-head.js';

/** What has to be known of a room to take in what another server sends of it. */
export interface RoomDescription {
  readonly roomId: string;
  readonly roomVersion: string;
  readonly participating: boolean;
  readonly serverJoined: boolean;
  readonly serverShutOut: boolean;
  readonly forwardExtremityIds: string[];
  readonly policyServer: { readonly serverName: string; readonly publicKey: Buffer } | undefined;
}

/** @see https://spec.matrix.org/v1.19/server-server-api/#server-access-control-lists-acls */
export function describeRoom(head: RoomHead, serverName: string, joinedServers: readonly string[]): RoomDescription {
  const acl = compileServerAcl(head.shownContent('m.room.server_acl', ''));
  const policy = policyServerOf(head.shownContent('m.room.policy', ''));
  const isThere = policy !== undefined && joinedServers.includes(policy.serverName);
  return {
    roomId: head.roomId,
    roomVersion: head.rules.id,
    participating: head.participating,
    serverJoined: joinedServers.includes(serverName),
    serverShutOut: !acl.allows(serverName),
    forwardExtremityIds: head.extremities.map(({ eventId }) => eventId),
    policyServer: isThere ? { ...policy, publicKey: Buffer.from(policy.publicKey) } : undefined,
  };
}
