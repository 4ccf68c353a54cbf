import { isUnknownCall } from '@ganglion/contracts';
import type { RoomLog } from '@ganglion/contracts/room';
import type { PastStates, WantedEntries } from '../domain/ports/past-states.js';

/** Asks the room-server, which has the state at every event. */
export class RemotePastStates implements PastStates {
  constructor(private readonly log: Pick<RoomLog, 'getStateAtEvent'>) {}

  async at(roomNid: number, eventNid: number, { others, members }: WantedEntries) {
    const allMembers = members === 'all';
    const asked = { roomNid, eventNid, others, allMembers, userIds: allMembers ? [] : [...members] };
    try {
      const { eventNids, unknown } = await this.log.getStateAtEvent(asked);
      return unknown ? undefined : eventNids;
    } catch (error) {
      // A room-server of the release before.
      if (isUnknownCall(error)) return undefined;
      throw error;
    }
  }
}
