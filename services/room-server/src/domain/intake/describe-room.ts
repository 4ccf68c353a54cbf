import { compileServerAcl, type JsonObject, policyServerOf } from '@ganglion/protocol';

/** A room as its rows have it, and what its current state says about other servers, as it may be shown. */
export interface DescribableRoom {
  readonly roomId: string;
  readonly roomVersion: string;
  readonly participating: boolean;
  readonly blocked: boolean;
  readonly serverJoined: boolean;
  readonly forwardExtremityIds: string[];
  readonly serverAcl: JsonObject | undefined;
  readonly policy: JsonObject | undefined;
}

/** What has to be known of a room to take in what another server sends of it. */
export interface RoomDescription {
  readonly roomId: string;
  readonly roomVersion: string;
  readonly participating: boolean;
  readonly blocked: boolean;
  readonly serverJoined: boolean;
  readonly serverShutOut: boolean;
  readonly forwardExtremityIds: string[];
  readonly policyServer: { readonly serverName: string; readonly publicKey: Buffer } | undefined;
}

/**
 * @param serversIn the servers with users in the room; asked only of a room that names a policy server
 * @see https://spec.matrix.org/v1.19/server-server-api/#server-access-control-lists-acls
 */
export async function describeRoom(
  room: DescribableRoom,
  serverName: string,
  serversIn: () => Promise<readonly string[]>,
): Promise<RoomDescription> {
  const { serverAcl, policy: content, ...described } = room;
  const policy = policyServerOf(content);
  const isThere = policy !== undefined && (await serversIn()).includes(policy.serverName);
  return {
    ...described,
    serverShutOut: !compileServerAcl(serverAcl).allows(serverName),
    policyServer: isThere ? { ...policy, publicKey: Buffer.from(policy.publicKey) } : undefined,
  };
}
