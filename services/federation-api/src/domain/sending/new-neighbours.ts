import type { DeviceUpdate, KeysForServers } from '@ganglion/contracts/keys';
import type { LoggedEvent, RoomIntake, RoomLog } from '@ganglion/contracts/room';
import type { Devices } from '@ganglion/contracts/user';
import { authEventIds, domainOf, isValidUserId, type Pdu } from '@ganglion/protocol';
import type { OutgoingEdu } from '../ports/sending.js';

export interface NewNeighboursDependencies {
  readonly roomLog: Pick<RoomLog, 'getEvents'>;
  readonly intake: Pick<RoomIntake, 'listServersOfUser'>;
  readonly keys: Pick<KeysForServers, 'getListUpdates'>;
  readonly devices: Pick<Devices, 'listDevices'>;
  readonly isOurs: (serverName: string) => boolean;
  readonly allows: (serverName: string) => boolean;
  /** Told of users of ours whom other servers see for the first time. */
  readonly met: (userId: string) => void;
  readonly logger: { warn(fields: object, message: string): void };
}

/**
 * So many rows at most for the events that are put down at once. Whoever is told of one device by a server that they know nothing of
 * asks for all, and so does who sees somebody new in a room.
 */
const MOST_ROWS = 20_000;

/**
 * Tells servers of a user of ours who comes to share a first room with them, and of the devices: from then on they hear of changes.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#device-management
 */
export class NewNeighbours {
  constructor(private readonly deps: NewNeighboursDependencies) {}

  /** What there is to tell for some events of a room. @param inRoom the servers that are in it */
  async edus(roomId: string, events: readonly LoggedEvent[], inRoom: readonly string[]): Promise<OutgoingEdu[]> {
    const others = inRoom.filter((name) => !this.deps.isOurs(name) && this.deps.allows(name));
    if (others.length === 0) return [];
    const edus: OutgoingEdu[] = [];
    let left = MOST_ROWS;
    for (const event of events) {
      const pdu = JSON.parse(event.pduJson) as Pdu;
      if (!this.#isJoinOfOurs(pdu)) continue;
      const added = await this.#ofJoin(roomId, pdu, others, left);
      for (const { routes } of added) left -= routes.length;
      edus.push(...added);
    }
    return edus;
  }

  #isJoinOfOurs({ type, state_key: userId, content }: Pdu): boolean {
    if (type !== 'm.room.member' || content.membership !== 'join') return false;
    return isValidUserId(userId) && this.deps.isOurs(domainOf(userId));
  }

  /** Servers ask by themselves for whom they see in a room: what fails here must not keep back what is said. */
  async #ofJoin(roomId: string, pdu: Pdu, others: readonly string[], left: number): Promise<OutgoingEdu[]> {
    const userId = pdu.state_key!;
    try {
      if (await this.#wasJoined(roomId, userId, pdu)) return [];
      const { serverNames } = await this.deps.intake.listServersOfUser({ userId, besideRoomId: roomId });
      const known = new Set(serverNames);
      const routes = others.filter((name) => !known.has(name)).map((server) => ({ server, origin: domainOf(userId) }));
      if (routes.length === 0) return [];
      this.deps.met(userId);
      if (routes.length > left) return [];
      const devices = await this.#devices(userId);
      const told = devices.length * routes.length <= left ? devices : devices.slice(-1);
      return told.map((device) => ({ ...updateOf(userId, device), routes }));
    } catch (err) {
      this.deps.logger.warn({ err, room_id: roomId, user_id: userId }, 'new neighbours could not be told of devices');
      return [];
    }
  }

  /** Whoever only changes their profile is no newcomer. */
  async #wasJoined(roomId: string, userId: string, pdu: Pdu): Promise<boolean> {
    const asked = { roomId, eventIds: [...authEventIds(pdu)], eventNids: [], roomNids: [] };
    const { events } = await this.deps.roomLog.getEvents(asked);
    return events
      .map(({ pduJson }) => JSON.parse(pduJson) as Pdu)
      .some(({ type, state_key, content }) => {
        return type === 'm.room.member' && state_key === userId && content.membership === 'join';
      });
  }

  /** All that there are, those without keys, too. */
  async #devices(userId: string): Promise<Omit<DeviceUpdate, 'displayName'>[]> {
    const [{ devices }, updates] = await Promise.all([
      this.deps.devices.listDevices({ userId }),
      this.deps.keys.getListUpdates({ userId, afterSeq: 0 }),
    ]);
    const withKeys = updates.devices.filter(({ keysJson }) => keysJson !== undefined);
    const known = new Set(withKeys.map(({ deviceId }) => deviceId));
    const others = devices.filter(({ deviceId, dehydrated }) => dehydrated !== true && !known.has(deviceId));
    return [...others.map(({ deviceId }) => ({ deviceId, streamId: updates.seq })), ...withKeys];
  }
}

function updateOf(userId: string, { deviceId, streamId, keysJson }: Omit<DeviceUpdate, 'displayName'>) {
  const content = {
    ...{ user_id: userId, device_id: deviceId, stream_id: streamId, prev_id: [] },
    ...(keysJson !== undefined && { keys: JSON.parse(keysJson) as object }),
  };
  return { subject: `devices ${userId}`, json: JSON.stringify({ edu_type: 'm.device_list_update', content }) };
}
