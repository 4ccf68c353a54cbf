import { setTimeout as sleep } from 'node:timers/promises';
import { MatrixError } from '@ganglion/contracts';
import type {
  ChangeMembershipRequest,
  ListMembershipsRequest,
  RoomMembership,
  RoomReads,
  Rooms,
  UpdateProfileRequest,
} from '@ganglion/contracts/room';
import type { RoomPorts } from '../../src/publish/room-updater.js';

const unused = () => Promise.reject(new Error('not part of what user-server asks'));

/** A room server that remembers what it was asked, and fails as often as it was told to. */
export class RecordingRooms implements RoomPorts {
  readonly profiles: UpdateProfileRequest[] = [];
  readonly memberships: ChangeMembershipRequest[] = [];
  readonly asked: ListMembershipsRequest[] = [];
  memberOf: RoomMembership[] = [];
  failures = 0;
  /** How long a call takes at most. */
  delayMs = 0;
  /** What each call waits for. */
  gate: Promise<void> = Promise.resolve();

  readonly rooms: Rooms = {
    createRoom: unused,
    sendEvent: unused,
    findSentEvent: unused,
    changeMembership: async (request) => {
      await this.#pass();
      this.memberships.push(request);
      return { eventId: '$event', roomSeq: 1, roomId: request.roomId };
    },
    updateProfile: async (request) => {
      await this.#pass();
      this.profiles.push(request);
      return { roomsUpdated: 1 };
    },
  };

  readonly roomReads: RoomReads = {
    getState: unused,
    listUsersWithoutGuests: unused,
    listOurUsers: unused,
    listMemberships: async (request) => {
      this.asked.push(request);
      return { rooms: this.memberOf };
    },
  };

  /** The contents of profile updates for one user. */
  contentsFor(userId: string): unknown[] {
    return this.profiles.filter((update) => update.userId === userId).map(({ contentJson }) => JSON.parse(contentJson));
  }

  async #pass(): Promise<void> {
    await this.gate;
    await sleep(this.delayMs * Math.random());
    if (this.failures > 0) {
      this.failures -= 1;
      throw new MatrixError(503, 'M_UNKNOWN', 'the room server is away');
    }
  }
}
