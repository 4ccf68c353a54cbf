import { MatrixError } from '@ganglion/contracts';
import { compileServerAcl } from '@ganglion/protocol';
import { checkNotBlocked } from '../blocked.js';
import type { FederationRows } from '../ports/federation-rows.js';
import type { RoomStore } from '../ports/rooms.js';
import type { RoomHead } from '../room-head.js';

/**
 * A room that we take part in, for a server that its server ACL does not shut out.
 *
 * @throws MatrixError M_NOT_FOUND, M_FORBIDDEN
 * @see https://spec.matrix.org/v1.19/server-server-api/#server-access-control-lists-acls
 */
export async function roomFor(store: RoomStore, roomId: string, serverName: string): Promise<RoomHead> {
  const head = await store.loadHead(roomId);
  if (head !== undefined) checkNotBlocked(head);
  if (head?.stateNid === undefined || !head.participating) {
    throw new MatrixError(404, 'M_NOT_FOUND', 'This server does not take part in the room');
  }
  checkAcl(head, serverName);
  return head;
}

/** A room, for a server that has users in it. @throws MatrixError M_NOT_FOUND, M_FORBIDDEN */
export async function roomWith(
  store: RoomStore,
  rows: FederationRows,
  roomId: string,
  serverName: string,
): Promise<RoomHead> {
  const head = await roomFor(store, roomId, serverName);
  if (await rows.isInRoom(head.nid, serverName)) return head;
  throw new MatrixError(403, 'M_FORBIDDEN', `${serverName} has no user in the room`);
}

/** @throws MatrixError M_FORBIDDEN for a server that may not take part in the room */
export function checkAcl(head: RoomHead, serverName: string): void {
  if (isAllowed(head, serverName)) return;
  throw new MatrixError(403, 'M_FORBIDDEN', `The room's server ACL does not let ${serverName} take part`);
}

/** Whether the room's server ACL lets a server take part. */
export function isAllowed(head: RoomHead, serverName: string): boolean {
  return compileServerAcl(head.event('m.room.server_acl', '')?.pdu.content).allows(serverName);
}
