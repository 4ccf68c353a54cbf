import type { Bus } from '@ganglion/bus';
import { ANNOUNCEMENTS, ROOM_EVENTS } from '@ganglion/contracts';
import type { LoggedEvent, RoomEvents } from '@ganglion/contracts/room';
import type { Logger } from '@ganglion/telemetry';
import type { CommitListener, NewCommittedEvent, RoomCommit } from '../domain/ports.js';
import type { GroupCommitter } from '../storage/group-committer.js';

/**
 * Tells the bus what was committed, at once and in the order of each room. What does not arrive stays in the outbox,
 * where the sweeper finds it.
 */
export class Publisher implements CommitListener {
  constructor(
    private readonly bus: Bus,
    private readonly committer: GroupCommitter,
    private readonly logger: Logger,
  ) {}

  committed(commit: RoomCommit): void {
    const { roomId, roomNid, seenVersion, version } = commit;
    this.bus.broadcast(ANNOUNCEMENTS, { id: roomId, seq: version });
    this.bus
      .publish(ROOM_EVENTS, roomEvents(commit), { key: roomId, id: `${roomNid}.${seenVersion + 1}` })
      .then(() => this.committer.published({ roomNid, firstSeq: seenVersion + 1 }))
      .catch((error: unknown) => this.logger.warn({ err: error }, 'committed events were not published yet'));
  }
}

function roomEvents({ roomId, roomVersion, events }: RoomCommit): RoomEvents {
  return { roomId, roomVersion, events: events.map(loggedEvent) };
}

function loggedEvent(added: NewCommittedEvent): LoggedEvent {
  const { type, state_key } = added.event.pdu;
  const { eventId } = added.event;
  return {
    roomSeq: added.roomSeq,
    eventId,
    pduJson: added.json,
    stateChanges: state_key === undefined ? [] : [{ type, stateKey: state_key, eventId }],
    transaction: added.transaction,
    redactedEventId: added.redactsEventId,
  };
}
