import type { RoomIntake } from '@ganglion/contracts/room';
import type { SharedRooms } from '../domain/ports.js';

/** Who shares a room with us, as room-server knows it. */
export class RoomServerSharing implements SharedRooms {
  constructor(private readonly rooms: Pick<RoomIntake, 'listSharingUsers'>) {}

  async evidence(users: readonly { readonly userId: string; readonly evidence: string }[]) {
    const asked = users.map(({ userId, evidence }) => ({ userId, evidence }));
    const sharing = await this.rooms.listSharingUsers({ users: asked });
    return new Map(sharing.users.map(({ userId, evidence }) => [userId, evidence]));
  }
}
