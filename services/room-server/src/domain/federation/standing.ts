import { domainOf, isValidRoomId, isValidUserId, parseRoomId } from '@ganglion/protocol';
import type { IntakeStore, RoomStore } from '../ports/rooms.js';

/** What we have of a room, and of one user in it. */
export interface Standing {
  /** Empty when we know nothing of the room. */
  readonly roomVersion: string;
  readonly takesPart: boolean;
  /** What we have of the room goes on without us. */
  readonly isStale: boolean;
  /** Empty when the user never had one. */
  readonly membership: string;
  readonly membershipSender: string;
  /** Of the event that made them that. */
  readonly membershipDepth: number | undefined;
  readonly servers: string[];
  /** We have a state of the room, be it an old one. */
  readonly hasState: boolean;
  /** The operator has blocked the room. */
  readonly blocked: boolean;
}

interface Asked {
  readonly roomId: string;
  readonly userId: string;
  /** The server names that are ours. */
  readonly serverNames: readonly string[];
}

/** Whether we can change a room ourselves, and which servers there are to ask where we cannot. */
export async function standingOf(
  store: RoomStore,
  intake: IntakeStore,
  { roomId, userId, serverNames }: Asked,
): Promise<Standing> {
  const head = await store.loadHead(roomId);
  const nothing = {
    roomVersion: '',
    takesPart: false,
    isStale: false,
    membership: '',
    membershipSender: '',
    membershipDepth: undefined,
    hasState: false,
  };
  if (head === undefined) {
    const servers = serverOf(roomId).filter((name) => !serverNames.includes(name));
    return { ...nothing, servers, blocked: await intake.isBlocked(roomId) };
  }
  await store.load(head, [{ type: 'm.room.member', stateKey: userId }]);
  const entry = head.entry('m.room.member', userId);
  const inRoom = await intake.listServers(roomId);
  const sender = entry?.event.pdu.sender ?? '';
  const inviter = isValidUserId(sender) ? [domainOf(sender)] : [];
  const takesPart = head.participating && head.stateNid !== undefined;
  return {
    roomVersion: head.rules.id,
    takesPart,
    isStale: head.stateNid !== undefined && !takesPart && inRoom.length > 0,
    membership: entry?.membership ?? '',
    membershipSender: sender,
    membershipDepth: entry?.event.pdu.depth,
    hasState: head.stateNid !== undefined,
    blocked: head.blocked,
    servers: [...new Set([...inRoom, ...inviter, ...serverOf(roomId)])].filter((name) => !serverNames.includes(name)),
  };
}

/** The server that made the room, in room versions whose ids say so. */
function serverOf(roomId: string): string[] {
  const serverName = isValidRoomId(roomId) ? parseRoomId(roomId).serverName : undefined;
  return serverName === undefined ? [] : [serverName];
}
