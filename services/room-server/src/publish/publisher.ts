import type { Bus } from '@ganglion/bus';
import { ANNOUNCEMENTS, ROOM_EVENTS } from '@ganglion/contracts';
import type { LoggedEvent, RoomEvents } from '@ganglion/contracts/room';
import { type Logger, type TracePoint, traceparentOf, tracingEnabled, withSpans } from '@ganglion/telemetry';
import { SpanKind } from '@opentelemetry/api';
import type { CommitListener, NewCommittedEvent, RoomCommit } from '../domain/ports.js';
import { tracePointsOf } from '../domain/trace-points.js';
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
    const published = tracingEnabled()
      ? withSpans('send room-events', SENDS, tracePointsOf(commit), (inside) => this.#publish(commit, inside), PRODUCER)
      : this.#publish(commit);
    published.catch((error: unknown) => this.logger.warn({ err: error }, 'committed events were not published yet'));
  }

  async #publish(commit: RoomCommit, inside?: ReadonlyMap<TracePoint, TracePoint>): Promise<void> {
    const { roomId, roomNid, seenVersion, version } = commit;
    this.bus.broadcast(ANNOUNCEMENTS, { id: roomId, seq: version });
    const message = roomEvents(commit, inside);
    await this.bus.publish(ROOM_EVENTS, message, { key: roomId, id: `${roomNid}.${seenVersion + 1}` });
    this.committer.published({ roomNid, firstSeq: seenVersion + 1 });
  }
}

/** @see https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/ */
const SENDS = {
  'messaging.system': 'ganglion',
  'messaging.operation.type': 'send',
  'messaging.destination.name': ROOM_EVENTS.name,
};
const PRODUCER = { kind: SpanKind.PRODUCER };

type Inside = ReadonlyMap<TracePoint, TracePoint> | undefined;

function roomEvents({ roomId, roomVersion, events }: RoomCommit, inside: Inside): RoomEvents {
  return { roomId, roomVersion, events: events.map((added) => loggedEvent(added, inside?.get(added.tracePoint!))) };
}

function loggedEvent(added: NewCommittedEvent, sent: TracePoint | undefined): LoggedEvent {
  const { type, state_key } = added.event.pdu;
  const { eventId } = added.event;
  return {
    roomSeq: added.roomSeq,
    eventId,
    pduJson: added.json,
    stateChanges: state_key === undefined ? [] : [{ type, stateKey: state_key, eventId }],
    transaction: added.transaction,
    redactedEventId: added.redactsEventId,
    traceparent: sent && traceparentOf(sent),
  };
}
